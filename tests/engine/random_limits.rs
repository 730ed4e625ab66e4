//! A random mix of all that comes from outside, under tiny limits: none is passed, nothing panics, and the journal tells the same.

use crate::support::dice::Dice;
use crate::support::operators::{
    builtin, but, emit, foreach, named, op, parallel, receive, retry, task, terminate, while_loop,
};
use crate::support::{self, START, registered, restored, submission, views};
use highway_wasm::engine::{
    Acts, CallId, Config, Effect, Engine, Failure, Limit, Limits, LogLevel, Record, Run, RunIx, RunState,
    ScheduleIx, Stream,
};
use highway_wasm::error::ErrorCode;
use highway_wasm::time::Millis;
use serde_json::{Value, json};

/// With little memory, or with so little that it is full most of the time.
fn limits(seed: u64) -> Limits {
    let tiny = [
        (Limit::ArgumentBytes, 300),
        (Limit::CallBytes, 500),
        (Limit::ResultBytes, 600),
        (Limit::RunBytes, 9_000),
        (Limit::EngineBytes, if seed.is_multiple_of(2) { 120_000 } else { 40_000 }),
        (Limit::DefinitionBytes, 4_000),
        (Limit::DefinitionTasks, 6),
        (Limit::RunDescendants, 4),
        (Limit::RunGenerations, 2),
        (Limit::LoopItems, 4),
        (Limit::RunSignals, 3),
        (Limit::RunUpdates, 3),
        (Limit::EventBytes, 1_500),
        (Limit::NameBytes, 20),
        (Limit::Schedules, 3),
        (Limit::ScheduledRuns, 2),
        (Limit::ScheduleHistory, 4),
    ];
    tiny.into_iter().fold(Limits::default(), |limits, (limit, most)| limits.with(limit, most))
}

struct Host {
    dice: Dice,
    config: Config,
    engine: Engine,
    records: Vec<Record>,
    running: Vec<CallId>,
    now: Millis,
    refused: usize,
    submitted: usize,
}

impl Host {
    fn new(seed: u64) -> Self {
        let config = Config {
            limits: limits(seed),
            concurrency: 3,
            slice: 7,
            keep_runs: Some(5),
            ..Config::default()
        };
        let engine = Engine::new(config.clone());
        Self {
            dice: Dice(seed),
            config,
            engine,
            records: Vec::new(),
            running: Vec::new(),
            now: START,
            refused: 0,
            submitted: 0,
        }
    }

    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.dice.roll(u64::try_from(sides).unwrap())).unwrap()
    }

    /// A text that is short mostly, and sometimes beyond every limit.
    fn text(&mut self) -> String {
        let most = if self.dice.one_in(8) { 1_000 } else { 60 };
        "x".repeat(1 + self.roll(most))
    }

    fn name(&mut self) -> String {
        if self.dice.one_in(10) {
            "n".repeat(30)
        } else {
            self.dice.pick(&["go", "stop", "add_items"]).to_owned()
        }
    }

    fn definition(&mut self) -> Value {
        let name = self.dice.pick(&["one", "two", "three", "four", "a name beyond the limit"]);
        let (text, event) = (self.text(), self.name());
        let update = json!({"update_name": event, "response_tool": "tools.test.answer", "response_kwargs": {"text": text}});
        let reflexive = json!({"generator": "tools.test.make", "generator_kwargs": {}, "verifier": "tools.test.check",
            "verifier_kwargs": {}, "max_turns": 3, "correction_prompt_template": null});
        let kinds = [
            task("a", &[]),
            but(task("a", &[]), json!({"retry_policy": retry(50, "PT1S")})),
            but(task("a", &[]), json!({"operator_type": "activity"})),
            but(task("a", &[]), json!({"idempotency_key": "{{inputs.text}}"})),
            but(task("a", &[]), json!({"idempotency_key": event})),
            parallel("a", &[], &[("x", &[task("c", &[])]), ("y", &[task("d", &[])])]),
            while_loop("a", &[], "true", &[task("in", &[])]),
            while_loop(
                "a",
                &[],
                "true",
                &[builtin("in", &[], "tools.simple_counter.increment_counter", json!([]), json!({}))],
            ),
            builtin("a", &[], "tools.update.handle", json!([]), update),
            op("reflexive", "a", &[], reflexive),
            terminate("a", &[], "completed", json!({"text": "{{inputs.text}}"}), &text),
            but(task("a", &[]), json!({"args": ["{{inputs.text}}", "{{inputs.text}}", text]})),
            receive("a", &[], &event, None),
            emit("a", &[], &event, json!({"text": "{{inputs.text}}"})),
            foreach("a", &[], "{{inputs.items}}", &[task("in", &[])]),
            builtin("a", &[], "tools.workflow.execute", json!([self.dice.pick(&["one", "two"])]), json!({})),
            builtin("a", &[], "tools.approval.request", json!([event]), json!({"description": text})),
        ];
        let first = kinds[self.roll(kinds.len())].clone();
        let document = named(name, &[first, task("b", &["a"])]);
        let rule = json!({"schedule": "* * * * *", "start_date": "2029-12-31T00:00:00Z", "catchup": self.dice.one_in(2), "max_active_runs": 9});
        if self.dice.one_in(4) { but(document, rule) } else { document }
    }

    /// What was refused was refused for a limit.
    fn told<T>(&mut self, result: Result<T, highway_wasm::error::Error>) -> Option<T> {
        result
            .map_err(|error| assert_eq!(error.code(), ErrorCode::LimitExceeded, "{error}"))
            .inspect_err(|()| self.refused += 1)
            .ok()
    }

    fn act(&mut self) {
        let now = self.now;
        let run = self.roll(self.submitted.max(1) + 8);
        match self.roll(10) {
            0..=2 => {
                let document = self.definition();
                if !support::findings(&document).is_empty() {
                    return;
                }
                if self.dice.one_in(4) {
                    let result = self.engine.register(registered(&document), now);
                    self.told(result);
                    return;
                }
                let mut submission = submission(&document, &format!("run-{}", self.submitted));
                let items = vec![json!(1); self.roll(7)];
                let inputs = json!({"text": self.text(), "items": items});
                submission.inputs.clone_from(inputs.as_object().unwrap());
                self.submitted += 1;
                let result = self.engine.submit(submission, now);
                self.told(result);
            }
            3 => {
                let (name, payload) = (self.name(), json!({"items": [self.text(), 2]}));
                let result = self.engine.signal(RunIx::new(run), &name, payload, now);
                self.told(result);
            }
            4 => {
                let (name, payload) = (self.name(), json!(self.text()));
                let result = self.engine.may_update(RunIx::new(run), &name, &payload);
                if self.told(result).is_some() {
                    self.engine.update(RunIx::new(run), &name, payload, 30.0, now);
                }
            }
            5 if self.dice.one_in(3) => {
                let id = format!("retried-{}", self.records.len());
                let result = self.engine.retry(RunIx::new(run), id, now);
                self.told(result);
            }
            5 => drop(self.engine.cancel(RunIx::new(run), None, now)),
            6 => {
                let at = ScheduleIx::new(self.roll(4));
                if self.dice.one_in(3) {
                    self.engine.delete_schedule(at);
                } else {
                    let is_active = self.dice.one_in(2);
                    self.engine.activate_schedule(at, is_active, now);
                }
            }
            7 => {
                self.now += 1_000 * (1 + self.dice.roll(90));
                self.engine.tick(self.now);
            }
            8 if !self.running.is_empty() => {
                let at = self.roll(self.running.len());
                let (call, text) = (self.running[at], self.text());
                match self.roll(4) {
                    0 => self.engine.log(call, LogLevel::Info, &text, now),
                    1 => self.engine.heartbeat(call, json!(text), now),
                    2 => self.engine.wrote(call, Stream::Stdout, &text, now),
                    _ => {
                        let acts = json!({"variables": {self.name(): text}, "events": [[self.name(), text]]});
                        let result = self.engine.tool_acted(call, Acts::from_json(acts), now);
                        self.told(result);
                    }
                }
            }
            _ if !self.running.is_empty() => {
                let at = self.roll(self.running.len());
                let call = self.running.swap_remove(at);
                let text = json!(self.text());
                let outcome = if self.dice.one_in(4) {
                    Err((Failure::new(ErrorCode::RunFailed, "it broke"), Some(text)))
                } else {
                    Ok(text)
                };
                self.engine.tool_finished(call, outcome, now);
            }
            _ => self.engine.tick(now),
        }
    }

    fn take(&mut self) {
        let output = self.engine.take_output();
        self.records.extend(output.records);
        for effect in output.effects {
            match effect {
                Effect::StartTool(call) => self.running.push(call.call),
                Effect::AbortTool { call, .. } => self.running.retain(|running| *running != call),
                _ => {}
            }
        }
    }

    fn check(&self) {
        let limits = &self.config.limits;
        let kept = self.engine.kept_bytes();
        assert!(kept <= limits.get(Limit::EngineBytes), "it keeps {kept} bytes");
        assert!(self.engine.schedules().count() <= limits.get(Limit::Schedules));
        for (at, _) in self.engine.schedules() {
            let mine: Vec<&Run> = self.engine.runs();
            let is_mine = |run: &&Run| run.created.schedule.is_some_and(|firing| firing.schedule == at);
            let (active, over): (Vec<&Run>, Vec<&Run>) =
                mine.into_iter().filter(is_mine).partition(|run| run.state == RunState::Active);
            // What is retried by hand, and what runs start, does not wait for others.
            let fired =
                active.iter().filter(|run| run.created.parent.is_none() && !run.id().starts_with("retried"));
            assert!(fired.count() <= limits.get(Limit::ScheduledRuns));
            let is_active = |run: usize| {
                self.engine.run(RunIx::new(run)).is_some_and(|run| run.state == RunState::Active)
            };
            let may_go = |run: &&&Run| {
                let is_old = run.ended_at.is_some_and(|ended_at| ended_at + 60_000 <= self.now);
                (run.created.is_late || is_old)
                    && !run.created.parent.as_ref().is_some_and(|parent| is_active(parent.run.get()))
            };
            let most = limits.get(Limit::ScheduleHistory);
            assert!(
                self.engine.has_more() || over.len() <= most || over.iter().filter(may_go).count() == 0,
                "{} runs of a schedule are kept",
                over.len()
            );
        }
        for run in self.engine.runs() {
            assert!(
                run.kept_bytes() <= limits.get(Limit::RunBytes),
                "{} keeps {}",
                run.id(),
                run.kept_bytes()
            );
            assert!(run.signals.len() <= limits.get(Limit::RunSignals));
            assert!(run.updates.len() <= limits.get(Limit::RunUpdates));
            assert!(run.scopes.len() <= 1 + limits.get(Limit::LoopItems));
        }
    }

    fn compare(&mut self) {
        let replayed = Engine::replay(self.config.clone(), self.records.iter().cloned());
        assert_eq!(views(&replayed), views(&self.engine), "the journal tells another story");
        let read_again = restored(&self.engine, &self.config).kept_bytes();
        assert!(read_again <= self.engine.kept_bytes(), "{read_again} of {}", self.engine.kept_bytes());
        assert_eq!(replayed.snapshot(), self.engine.snapshot(), "the journal makes another state");
        assert_eq!(views(&restored(&self.engine, &self.config)), views(&self.engine));
        if self.dice.one_in(2) {
            self.engine = restored(&self.engine, &self.config);
            self.running.clear();
            self.engine.resume(self.now);
            self.take();
        }
    }
}

#[test]
fn no_limit_is_passed_whatever_comes() {
    let mut refused = 0;
    // More of them: HIGHWAY_SEEDS=400..5000 cargo test --test engine random_limits
    let given = std::env::var("HIGHWAY_SEEDS").unwrap_or_else(|_| "0..12".into());
    let (from, to) = given.split_once("..").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    for seed in from..to {
        println!("seed {seed}");
        let mut host = Host::new(seed);
        for turn in 0..250 {
            host.act();
            host.take();
            host.check();
            if turn % 25 == 0 {
                host.compare();
            }
        }
        refused += host.refused;
    }
    assert!(refused > 60, "{refused}");
}
