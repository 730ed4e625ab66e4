//! What holds for every workflow, whatever its tools do and whenever the host gets round to it.

use crate::support::{self, Outcome, START, failing, failing_with, graph, submission, views, wait};
use highway_wasm::engine::{
    Attempt, CallId, Config, Effect, Engine, Operation, Planned, Record, Retry, Run, RunIx, RunState, Step,
    StepState, Submitted, ToolCall,
};
use highway_wasm::time::Millis;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What a tool does with one attempt.
#[derive(Clone, Debug)]
struct Behaviour {
    millis: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Good,
    Bad,
    BadForGood,
}

/// One task of a random workflow.
#[derive(Clone, Debug)]
struct Node {
    /// Positions of earlier nodes, with repetitions.
    dependencies: Vec<usize>,
    wait_ms: Option<u32>,
    timeout_ms: Option<u32>,
    retry: Option<(u32, u32, f64)>,
    /// Reads its first dependency, or something that does not exist.
    template: Option<bool>,
    /// By attempt; the last one repeats.
    behaviours: Vec<Behaviour>,
}

#[derive(Clone, Debug)]
struct RunPlan {
    nodes: Vec<Node>,
    /// Whether the definition lists dependents before what they depend on.
    reversed: bool,
    timeout_ms: Option<u32>,
    submit_ms: u64,
    cancel_ms: Option<u64>,
}

#[derive(Clone, Debug)]
struct Plan {
    runs: Vec<RunPlan>,
    concurrency: usize,
    slice: usize,
    /// How late the host is, event by event.
    lags: Vec<u64>,
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let kind = prop_oneof![6 => Just(Kind::Good), 3 => Just(Kind::Bad), 1 => Just(Kind::BadForGood)];
    let millis = prop_oneof![0_u64..4_000, Just(1_000), Just(30_000)];
    (millis, kind).prop_map(|(millis, kind)| Behaviour { millis, kind })
}

fn node(position: usize) -> impl Strategy<Value = Node> {
    let dependencies =
        if position == 0 { Just(vec![]).boxed() } else { prop::collection::vec(0..position, 0..4).boxed() };
    (
        dependencies,
        prop::option::weighted(0.2, prop_oneof![Just(0_u32), Just(1_000), 0_u32..5_000]),
        prop::option::weighted(0.4, prop_oneof![Just(1_000_u32), 1_u32..6_000]),
        prop::option::weighted(
            0.5,
            (0_u32..4, prop_oneof![Just(0_u32), Just(1_000), 1_u32..3_000], 1.0..2.5_f64),
        ),
        prop::option::weighted(0.2, prop::bool::weighted(0.8)),
        prop::collection::vec(behaviour(), 1..4),
    )
        .prop_map(|(dependencies, wait_ms, timeout_ms, retry, template, behaviours)| Node {
            dependencies,
            wait_ms,
            timeout_ms,
            retry,
            template,
            behaviours,
        })
}

fn run_plan() -> impl Strategy<Value = RunPlan> {
    let nodes = (1_usize..8).prop_flat_map(|count| (0..count).map(node).collect::<Vec<_>>());
    (
        nodes,
        any::<bool>(),
        prop::option::weighted(0.3, prop_oneof![Just(5_000_u32), 1_u32..20_000]),
        prop_oneof![Just(0_u64), 0_u64..5_000],
        prop::option::weighted(0.2, prop_oneof![Just(0_u64), Just(1_000), 0_u64..10_000]),
    )
        .prop_map(|(nodes, reversed, timeout_ms, submit_ms, cancel_ms)| RunPlan {
            nodes,
            reversed,
            timeout_ms,
            submit_ms,
            cancel_ms,
        })
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        prop::collection::vec(run_plan(), 1..4),
        1_usize..5,
        prop_oneof![Just(1_usize), Just(2), Just(1_000)],
        prop::collection::vec(prop_oneof![4 => Just(0_u64), 1 => 0_u64..4_000], 8),
    )
        .prop_map(|(runs, concurrency, slice, lags)| Plan { runs, concurrency, slice, lags })
}

fn name(position: usize) -> String {
    format!("t{position}")
}

fn seconds(millis: u32) -> f64 {
    f64::from(millis) / 1_000.0
}

impl RunPlan {
    fn definition(&self) -> Value {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        if self.reversed {
            order.reverse();
        }
        let mut document = graph::<&str, &str>(&[]);
        for position in order {
            document["tasks"][name(position)] = self.nodes[position].definition(position);
        }
        if let Some(limit) = self.timeout_ms {
            document["timeout_seconds"] = json!(seconds(limit));
        }
        document
    }
}

impl Node {
    fn definition(&self, position: usize) -> Value {
        let dependencies: Vec<String> = self.dependencies.iter().copied().map(name).collect();
        let names: Vec<&str> = dependencies.iter().map(String::as_str).collect();
        let id = name(position);
        if let Some(millis) = self.wait_ms {
            return wait(&id, &names, seconds(millis));
        }
        let mut task = support::task(&id, &names);
        if let Some(limit) = self.timeout_ms {
            task["timeout_seconds"] = json!(seconds(limit));
        }
        if let Some((retries, delay, backoff)) = self.retry {
            task["retry_policy"] = support::attempts(retries + 1, seconds(delay), backoff);
        }
        match (self.template, names.first()) {
            (Some(true), Some(first)) => task["args"] = json!([format!("{{{{{first}}}}}")]),
            (Some(false), _) => task["args"] = json!(["{{ghost}}"]),
            _ => {}
        }
        task
    }

    fn outcome(&self, attempt: u32) -> (u64, Outcome) {
        let at = usize::try_from(attempt - 1).unwrap().min(self.behaviours.len() - 1);
        let behaviour = &self.behaviours[at];
        let outcome = match behaviour.kind {
            Kind::Good => Ok(json!({"attempt": attempt})),
            Kind::Bad => failing_with(json!({"stderr": "bad"})),
            Kind::BadForGood => failing("TOOL_UNAVAILABLE"),
        };
        (behaviour.millis, outcome)
    }
}

/// What the host has to tell the engine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Finish(CallId),
    Wake,
    Submit(usize),
    Cancel(String),
}

/// What is looked at after every event, besides what always is.
#[derive(Clone, Copy, PartialEq)]
enum Check {
    /// Only what always is.
    Invariants,
    /// A replay of the journal shows what the live engine shows.
    ReplayedViews,
    /// A replay of the journal wakes when the live engine does.
    ReplayedWake,
    /// The live engine is replaced by its replay every third event.
    GoOnFromReplay,
}

/// A host that follows a plan.
struct Host<'a> {
    plan: &'a Plan,
    config: Config,
    engine: Engine,
    now: Millis,
    records: Vec<Record>,
    submitted: usize,
    /// Tools at work: the moment they end, and with what. Aborted ones stay: their outcome comes too late.
    tools: HashMap<CallId, (Millis, Outcome)>,
    running: Vec<CallId>,
    cancels: Vec<(Millis, String)>,
    ended: Vec<String>,
    /// State of each run and step at their end.
    finals: HashMap<(usize, Option<usize>), String>,
}

impl<'a> Host<'a> {
    fn new(plan: &'a Plan) -> Self {
        let config = Config { concurrency: plan.concurrency, slice: plan.slice, ..Config::default() };
        Self {
            plan,
            engine: Engine::new(config.clone()),
            config,
            now: START,
            records: Vec::new(),
            submitted: 0,
            tools: HashMap::new(),
            running: Vec::new(),
            cancels: Vec::new(),
            ended: Vec::new(),
            finals: HashMap::new(),
        }
    }

    /// The event that is due first.
    fn next(&self) -> Option<(Millis, Event)> {
        let finish = self.tools.iter().map(|(call, (at, _))| (*at, Event::Finish(*call)));
        let more = self.engine.has_more().then_some(self.now);
        let wake = more.or(self.engine.next_wake()).map(|at| (at, Event::Wake));
        let submit = self.plan.runs.get(self.submitted);
        let submit = submit.map(|run| (START + run.submit_ms, Event::Submit(self.submitted)));
        let cancels = self.cancels.iter().map(|(at, id)| (*at, Event::Cancel(id.clone())));
        finish.chain(wake).chain(submit).chain(cancels).min()
    }

    fn play(&mut self, check: Check) -> Result<(), TestCaseError> {
        for turn in 0.. {
            let Some((due, event)) = self.next() else { break };
            prop_assert!(turn < 20_000, "the runs do not end: {:?}", views(&self.engine));
            self.now = self.now.max(due) + self.plan.lags[turn % self.plan.lags.len()];
            self.tell(event);
            self.take_output()?;
            self.look()?;
            let replayed = || Engine::replay(self.config.clone(), self.records.iter().cloned());
            match check {
                Check::ReplayedViews => prop_assert_eq!(views(&replayed()), views(&self.engine)),
                Check::ReplayedWake => {
                    prop_assert_eq!(replayed().next_wake(), self.engine.next_wake());
                }
                // A replay has conclusions to look at again, for which it needs some slices.
                Check::GoOnFromReplay if turn % 3 == 2 && turn % 60 < 20 => self.engine = replayed(),
                Check::Invariants | Check::GoOnFromReplay => {}
            }
        }
        self.is_over()
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::Finish(call) => {
                let (_, outcome) = self.tools.remove(&call).unwrap();
                self.running.retain(|running| *running != call);
                self.engine.tool_finished(call, outcome, self.now);
            }
            Event::Wake => self.engine.tick(self.now),
            Event::Submit(at) => {
                let (plan, id) = (&self.plan.runs[at], format!("run-{at}"));
                let submission = submission(&plan.definition(), &id);
                assert_eq!(self.engine.submit(submission, self.now), Ok(Submitted::Created(RunIx::new(at))));
                self.submitted += 1;
                self.cancels.extend(plan.cancel_ms.map(|after| (self.now + after, id)));
            }
            Event::Cancel(id) => {
                self.cancels.retain(|(_, other)| *other != id);
                let (at, run) = self.engine.find(&id).unwrap();
                let is_active = run.state == RunState::Active;
                assert_eq!(self.engine.cancel(at, None, self.now), is_active);
            }
        }
    }

    fn take_output(&mut self) -> Result<(), TestCaseError> {
        let output = self.engine.take_output();
        self.records.extend(output.records);
        for effect in output.effects {
            match effect {
                Effect::StartTool(call) => self.started(&call)?,
                Effect::AbortTool { call, .. } => {
                    prop_assert!(self.running.contains(&call), "aborted, but not running");
                    self.running.retain(|running| *running != call);
                }
                Effect::RunEnded { run_id } => {
                    prop_assert!(!self.ended.contains(&run_id), "{} ended twice", run_id);
                    self.ended.push(run_id);
                }
                _ => {}
            }
        }
        prop_assert!(self.running.len() <= self.plan.concurrency, "too many tools at once");
        Ok(())
    }

    fn started(&mut self, call: &ToolCall) -> Result<(), TestCaseError> {
        let (at, run) = self.engine.find(&call.run_id).unwrap();
        let (operator, step) = step_of(run, &call.task);
        for dependency in dependencies(run, &operator.id) {
            prop_assert_eq!(
                step_of(run, dependency).1.state,
                StepState::Succeeded,
                "{} too early",
                &call.task
            );
        }
        prop_assert_eq!(call.attempt as usize, step.attempts.len());
        if let [.., before, last] = step.attempts.as_slice() {
            check_delay(operator.retry, call.attempt, before, last)?;
        }
        let limit = operator.timeout.map(|limit| self.now + to_millis(limit));
        prop_assert_eq!(call.deadline, limit);
        prop_assert!(!self.running.contains(&call.call), "a call number was used twice");
        let position: usize = call.task[1..].parse().unwrap();
        let (millis, outcome) = self.plan.runs[at.get()].nodes[position].outcome(call.attempt);
        self.running.push(call.call);
        self.tools.insert(call.call, (self.now + millis, outcome));
        Ok(())
    }

    /// What holds at any time.
    fn look(&mut self) -> Result<(), TestCaseError> {
        for (at, run) in self.engine.runs().iter().enumerate() {
            if run.state != RunState::Active {
                let shown = format!("{:?} {:?} {:?}", run.state, run.ended_at, run.failure);
                let before = self.finals.entry((at, None)).or_insert_with(|| shown.clone());
                prop_assert_eq!(before.as_str(), shown, "a run that was over changed");
            }
            for (position, step) in run.steps.iter().enumerate() {
                if step.state.is_final() {
                    let Step { state, attempts, result, started_at, ended_at, timer, .. } = step;
                    let shown =
                        format!("{state:?} {attempts:?} {result:?} {started_at:?} {ended_at:?} {timer:?}");
                    let before = self.finals.entry((at, Some(position)));
                    prop_assert_eq!(
                        before.or_insert_with(|| shown.clone()).as_str(),
                        shown,
                        "a step changed"
                    );
                }
                if step.state == StepState::Skipped {
                    prop_assert!(
                        step.attempts.is_empty() && step.started_at.is_none(),
                        "skipped, but it ran"
                    );
                }
            }
        }
        Ok(())
    }

    /// What holds at the end.
    fn is_over(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.engine.runs().len(), self.plan.runs.len());
        prop_assert_eq!(self.engine.next_wake(), None);
        prop_assert!(self.running.is_empty(), "tools run on: {:?}", self.running);
        for run in self.engine.runs() {
            prop_assert!(self.ended.iter().any(|id| id == run.id()), "it did not end: {:?}", run.steps);
            prop_assert!(run.steps.iter().all(|step| step.state.is_final()), "{:?}", run.steps);
            let all_good = run.steps.iter().all(|step| step.state == StepState::Succeeded);
            // Between two slices a run may be cancelled, or pass its time limit, whose last step has just ended.
            let is_late = self.plan.slice < 1_000 && run.state != RunState::Completed;
            prop_assert!(all_good || run.state != RunState::Completed);
            prop_assert!(!all_good || is_late || run.state == RunState::Completed);
            prop_assert_eq!(run.failure.is_some(), run.state == RunState::Failed);
            for operator in &run.created.workflow.body.operators {
                let upstream = |id: &str| step_of(run, id).1;
                let (_, step) = step_of(run, &operator.id);
                if step.state == StepState::Skipped {
                    let mut dependencies = dependencies(run, &operator.id).map(upstream);
                    let is_lost = |step: &Step| matches!(step.state, StepState::Failed | StepState::Skipped);
                    prop_assert!(dependencies.any(is_lost), "{} was skipped for nothing", operator.id);
                }
                if matches!(operator.operation, Operation::Wait(_)) {
                    prop_assert!(step.state != StepState::Failed);
                }
            }
        }
        Ok(())
    }
}

fn dependencies<'r>(run: &'r Run, id: &str) -> impl Iterator<Item = &'r str> {
    let body = &run.created.workflow.body;
    let links = &body.links[body.find(id).unwrap()];
    links.dependencies.iter().map(|on| body.operators[*on].id.as_str())
}

fn step_of<'r>(run: &'r Run, id: &str) -> (&'r Planned, &'r Step) {
    let mut pairs = run.created.workflow.body.operators.iter().zip(&run.steps);
    pairs.find(|(operator, _)| operator.id == id).unwrap()
}

/// The attempt began no sooner than the policy allows after the one before, and is within the policy.
fn check_delay(policy: Retry, attempt: u32, before: &Attempt, last: &Attempt) -> Result<(), TestCaseError> {
    prop_assert!(attempt <= policy.max_retries + 1, "one attempt too many");
    let exponent = i32::try_from(attempt - 2).unwrap();
    let minimum = to_millis(policy.delay * policy.backoff.powi(exponent));
    let waited = last.started_at - before.ended_at.unwrap();
    prop_assert!(waited >= minimum, "tried again after {} ms instead of {}", waited, minimum);
    prop_assert!(before.failure.as_ref().is_some_and(|failure| failure.retryable));
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "plans have small positive durations"
)]
fn to_millis(seconds: f64) -> Millis {
    (seconds * 1_000.0).round() as Millis
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None::<Box<FileFailurePersistence>>.map(|kept| kept as _),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn every_run_ends_and_keeps_the_rules(plan in plan()) {
        Host::new(&plan).play(Check::Invariants)?;
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn a_replay_shows_the_same_at_every_step(plan in plan()) {
        Host::new(&plan).play(Check::ReplayedViews)?;
    }

    #[test]
    fn a_replay_has_the_same_timers_at_every_step(plan in plan()) {
        Host::new(&plan).play(Check::ReplayedWake)?;
    }

    #[test]
    fn a_replayed_engine_goes_on_by_the_rules(plan in plan()) {
        Host::new(&plan).play(Check::GoOnFromReplay)?;
    }
}
