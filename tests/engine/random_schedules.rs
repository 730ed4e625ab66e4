//! Random schedules and updates against a small model of both: no moment is lost or fires twice, no more runs are active
//! than may be, every update ends once, and nothing is left where all schedules are deleted.

use crate::support::dice::Dice;
use crate::support::operators::{builtin, but, foreach, named, op, retry, task};
use crate::support::{self, START, failing, registered, restored, views};
use highway_wasm::engine::{
    CallId, Config, Effect, Engine, Firing, Record, RunCreated, RunIx, RunState, Schedule, ScheduleIx,
    ScheduleRequest, UpdateIx, UpdateState, Zones,
};
use highway_wasm::time::Millis;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: Millis = 60_000;
const DAY: Millis = 86_400_000;
/// Workflows with schedules of their own. The first and the second handle updates named `ask`.
const NAMES: [&str; 4] = ["asks", "asks_twice", "works", "sleeps"];
/// A schedule of the workflow `works` that is none of its own.
const JOB: &str = "job";

/// A rule, as the moments that it fires for: every so often, counted from an anchor, or from midnight of any day.
#[derive(Clone, Copy, PartialEq)]
struct Rule {
    text: &'static str,
    period: Millis,
    /// Distance from midnight; none where it counts from when it was made.
    phase: Option<Millis>,
}

const fn every(text: &'static str, seconds: u64) -> Rule {
    Rule { text, period: seconds * 1_000, phase: None }
}

const fn calendar(text: &'static str, minutes: u64, phase: u64) -> Rule {
    Rule { text, period: minutes * MINUTE, phase: Some(phase * MINUTE) }
}

const RULES: [Rule; 9] = [
    every("@every 40s", 40),
    every("@every 1m30s", 90),
    every("@every 1h", 3_600),
    calendar("* * * * *", 1, 0),
    calendar("*/2 * * * *", 2, 0),
    calendar("*/15 * * * *", 15, 0),
    calendar("7 * * * *", 60, 7),
    calendar("@hourly", 60, 0),
    // The clocks of Nepal are 5:45 ahead.
    calendar("CRON_TZ=Asia/Kathmandu 0 * * * *", 60, 15),
];

impl Rule {
    fn after(self, at: Millis) -> Millis {
        match self.phase {
            None => at + self.period,
            Some(phase) => {
                let since = (at + self.period - phase) % self.period;
                at - since + self.period
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Active,
    Paused,
    Deleted,
}

/// What a schedule has to do.
#[derive(Clone)]
struct Model {
    rule: Rule,
    start: Option<Millis>,
    catches_up: bool,
    most: usize,
    state: State,
    next: Millis,
    fired: BTreeSet<Millis>,
}

impl Model {
    /// The first moment after one is made or goes on.
    fn first(&self, now: Millis) -> Millis {
        let from = match self.start {
            Some(start) if self.catches_up => start,
            start => start.map_or(now, |start| start.max(now)),
        };
        let last = self.fired.last().copied().unwrap_or_default();
        match self.rule.phase {
            Some(_) if self.start == Some(from) && last < from => self.rule.after(from - 1),
            _ => self.rule.after(from.max(last)),
        }
    }

    /// It fires for a moment, and has to.
    fn fires(&mut self, slot: Millis, now: Millis) {
        assert!(self.state == State::Active, "it is not in force");
        assert!(self.fired.insert(slot), "{slot} fired twice");
        assert!(slot <= now, "{slot} is to come");
        let mut expected = self.next;
        while !self.catches_up && self.rule.after(expected) <= now {
            expected = self.rule.after(expected);
        }
        assert_eq!(slot, expected, "`{}` at {now}", self.rule.text);
        self.next = self.rule.after(slot);
    }
}

struct Host {
    dice: Dice,
    engine: Engine,
    now: Millis,
    records: Vec<Record>,
    running: BTreeSet<CallId>,
    models: BTreeMap<&'static str, Model>,
    /// Names of schedules by their position.
    positions: BTreeMap<ScheduleIx, String>,
    /// Runs of each workflow that are not over.
    active: BTreeMap<String, usize>,
    /// Payloads of updates that were sent, and those that have ended: run, and position there.
    sent: BTreeMap<(usize, UpdateIx), Value>,
    ended: BTreeSet<(usize, UpdateIx)>,
    told: usize,
    fired: usize,
    completed: usize,
}

fn config() -> Config {
    let zones = Zones::new(|zone, _| (zone == "Asia/Kathmandu").then_some(20_700_000));
    Config { zones, concurrency: 3, ..Config::default() }
}

impl Host {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            engine: Engine::new(config()),
            now: START,
            records: Vec::new(),
            running: BTreeSet::new(),
            models: BTreeMap::new(),
            positions: BTreeMap::new(),
            active: BTreeMap::new(),
            sent: BTreeMap::new(),
            ended: BTreeSet::new(),
            told: 0,
            fired: 0,
            completed: 0,
        }
    }

    fn take(&mut self) {
        let output = self.engine.take_output();
        for record in &output.records {
            match record {
                Record::ScheduleSet { schedule, to } => {
                    self.positions.insert(*schedule, to.name.clone());
                }
                Record::RunCreated(created) => self.created(created),
                Record::RunEnded { run, .. } => {
                    let name = self.engine.runs()[(*run).get()].created.workflow.name.clone();
                    *self.active.get_mut(&name).unwrap() -= 1;
                }
                Record::UpdateEnded { run, update, state, result, .. } => {
                    self.update_ended((*run).get(), *update, *state, result.as_ref());
                }
                _ => {}
            }
        }
        self.records.extend(output.records);
        for effect in output.effects {
            match effect {
                Effect::StartTool(call) => assert!(self.running.insert(call.call), "started twice"),
                Effect::AbortTool { call, .. } => assert!(self.running.remove(&call), "aborted, not running"),
                Effect::UpdateEnded { .. } => self.told += 1,
                _ => {}
            }
        }
        assert_eq!(self.told, self.ended.len(), "the end of every update is told once");
    }

    fn created(&mut self, created: &RunCreated) {
        let active = self.active.entry(created.workflow.name.clone()).or_default();
        *active += 1;
        let Some(Firing { schedule: at, slot }) = created.schedule else { return };
        let name = self.positions[&at].as_str();
        let model = self.models.get_mut(name).unwrap();
        assert!(*active <= model.most, "{active} runs of `{name}` are active, {} may be", model.most);
        model.fires(slot, self.now);
        self.fired += 1;
    }

    fn update_ended(&mut self, run: usize, update: UpdateIx, state: UpdateState, result: Option<&Value>) {
        assert!(self.ended.insert((run, update)), "an update ended twice");
        let owner = &self.engine.runs()[run];
        let found = owner.updates.get(update).unwrap();
        match state {
            UpdateState::Completed => {
                assert!(owner.created.workflow.name.starts_with("asks") && found.name == "ask");
                assert_eq!(&result.unwrap()["update_payload"], &self.sent[&(run, update)]);
                assert!(self.now < found.deadline, "answered too late");
                self.completed += 1;
            }
            UpdateState::TimedOut => assert!(self.now >= found.deadline, "given up too early"),
            UpdateState::Failed => {}
            other => panic!("{other:?} is no end"),
        }
    }

    /// Does all that is due now, and looks whether it was all.
    fn settle(&mut self) {
        self.take();
        for _ in 0..3_000 {
            if !self.engine.has_more() && self.engine.next_wake().is_none_or(|due| due > self.now) {
                return self.check();
            }
            self.engine.tick(self.now);
            self.take();
        }
        panic!("it does not come to rest");
    }

    fn check(&self) {
        for (name, model) in self.models.iter().filter(|(_, model)| model.state == State::Active) {
            let active = self.active.get(*name).copied().unwrap_or_default();
            let is_due = model.next <= self.now;
            // What makes up for missed moments waits for a place.
            let waits = model.catches_up && self.running.len() == config().concurrency;
            assert!(
                !is_due || waits || active >= model.most,
                "`{name}` is due for {}, and has room",
                model.next
            );
        }
        for (run, update) in self.sent.keys().filter(|sent| !self.ended.contains(sent)) {
            let update = self.engine.runs()[*run].updates.get(*update).unwrap();
            assert!(update.deadline > self.now, "an update is overdue");
            assert!(self.engine.runs()[*run].state == RunState::Active, "an update outlives its run");
        }
        for (_, schedule) in self.engine.schedules() {
            let model = &self.models[schedule.name.as_str()];
            assert!(model.state != State::Deleted && schedule.is_active() == (model.state == State::Active));
            assert_eq!(schedule.next, Some(model.next), "next moment of `{}`", schedule.name);
        }
    }

    /// A definition of a name, and the model of its schedule as far as it is not in force.
    fn definition(&mut self, name: &'static str) -> (Value, Option<Model>) {
        let kwargs = json!({"update_name": "ask", "timeout_seconds": 100, "response_tool": "tools.test.answer",
            "response_kwargs": {"to": "{{update_name}}"}});
        let ask = |id: &str, kwargs: Value| builtin(id, &[], "tools.update.handle", json!([]), kwargs);
        let operators = match name {
            "asks" => vec![but(ask("a", kwargs), json!({"retry_policy": retry(1, "PT5S")}))],
            "asks_twice" => {
                let plain = json!({"update_name": "ask", "timeout_seconds": 100});
                vec![foreach("each", &[], "[1, 2]", &[ask("a", plain)])]
            }
            "works" => vec![task("a", &[])],
            _ => vec![op("wait", "nap", &[], json!({"wait_for": "PT50S"})), task("a", &["nap"])],
        };
        let mut document = named(name, &operators);
        document["description"] = self.dice.pick(&["first", "second"]).into();
        let (document, model) = self.timetable(name, document);
        assert_eq!(support::findings(&document), [""; 0]);
        (document, model)
    }

    fn timetable(&mut self, name: &str, mut document: Value) -> (Value, Option<Model>) {
        let most = self.dice.pick(&[1, 1, 2, 5]);
        document["max_active_runs"] = most.into();
        let known = self.models.get(name).filter(|model| model.state != State::Deleted).cloned();
        if self.dice.one_in(10) {
            return (document, known.map(|model| Model { state: State::Deleted, ..model }));
        }
        let keeps = known.as_ref().filter(|_| self.dice.one_in(2)).cloned();
        let is_paused = self.dice.one_in(8);
        let wanted = keeps.unwrap_or_else(|| Model {
            rule: self.dice.pick(&RULES),
            start: self.dice.pick(&[None, None, Some(START - 10 * MINUTE), Some(START + 20 * MINUTE)]),
            catches_up: self.dice.one_in(2),
            most,
            state: State::Active,
            next: 0,
            fired: known.as_ref().map(|model| model.fired.clone()).unwrap_or_default(),
        });
        document["schedule"] = wanted.rule.text.into();
        document["start_date"] = wanted.start.map(highway_wasm::time::to_iso).into();
        document["catchup"] = wanted.catches_up.into();
        document["is_paused"] = is_paused.into();
        let rule = |of: &Model| (of.rule.text, of.start, of.catches_up);
        let model = match known {
            // The same rule goes on where it is.
            Some(known) if rule(&known) == rule(&wanted) => Model { most, ..known },
            _ => {
                let state = if is_paused { State::Paused } else { State::Active };
                Model { state, most, next: wanted.first(self.now), ..wanted }
            }
        };
        (document, Some(model))
    }

    fn register(&mut self, is_submitted: bool) {
        let name = self.dice.pick(&NAMES);
        let (document, model) = self.definition(name);
        self.models.extend(model.map(|model| (name, model)));
        if is_submitted {
            let run_id = format!("manual-{}", self.engine.runs().len());
            self.engine.submit(support::submission(&document, &run_id), self.now).unwrap();
        } else {
            self.engine.register(registered(&document), self.now).unwrap();
        }
    }

    fn make_job(&mut self) {
        let Some(definition) = self.engine.latest("works").cloned() else { return };
        let known = self.models.get(JOB).filter(|model| model.state != State::Deleted).cloned();
        let rule = self.dice.pick(&RULES);
        if known.as_ref().is_none_or(|known| known.rule != rule) {
            let fired = known.map(|known| known.fired).unwrap_or_default();
            let (start, catches_up, most) = (None, false, usize::MAX);
            let model = Model { rule, start, catches_up, most, state: State::Active, next: 0, fired };
            let next = model.first(self.now);
            self.models.insert(JOB, Model { next, ..model });
        }
        let text = rule.text.to_owned();
        let inputs = Map::new();
        let request = ScheduleRequest { name: JOB.into(), text, definition, is_pinned: false, inputs };
        self.engine.schedule(request, self.now).unwrap();
    }

    /// Pauses, resumes or deletes a schedule.
    fn change(&mut self) {
        let all: Vec<(ScheduleIx, String)> =
            self.engine.schedules().map(|(at, schedule)| (at, schedule.name.clone())).collect();
        if all.is_empty() {
            return;
        }
        let place = usize::try_from(self.dice.roll(64)).unwrap() % all.len();
        let (at, name) = &all[place];
        let model = self.models.get_mut(name.as_str()).unwrap();
        match self.dice.roll(8) {
            0 => {
                model.state = State::Deleted;
                self.engine.delete_schedule(*at);
            }
            1..=3 => {
                model.state = State::Paused;
                assert!(self.engine.activate_schedule(*at, false, self.now));
            }
            _ => resume(&mut self.engine, model, *at, self.now),
        }
    }

    fn send_update(&mut self) {
        let runs = 0..self.engine.runs().len();
        let active: Vec<usize> =
            runs.filter(|run| self.engine.runs()[*run].state == RunState::Active).collect();
        if active.is_empty() {
            return;
        }
        let run = self.dice.pick(&active);
        let payload = json!({"number": self.sent.len()});
        let limit = self.dice.pick(&[0.5, 10.0, 60.0, 300.0]);
        let name = self.dice.pick(&["ask", "ask", "tell"]);
        let update = self.engine.runs()[run].updates.next();
        self.sent.insert((run, update), payload.clone());
        assert_eq!(self.engine.update(RunIx::new(run), name, payload, limit, self.now), Some(update));
    }

    fn finish_one(&mut self) {
        let place = usize::try_from(self.dice.roll(64)).unwrap() % self.running.len().max(1);
        let Some(call) = self.running.iter().nth(place).copied() else { return };
        self.running.remove(&call);
        let outcome = if self.dice.one_in(4) { failing("BAD") } else { Ok(json!(call.get())) };
        self.engine.tool_finished(call, outcome, self.now);
    }

    fn cancel_one(&mut self) -> bool {
        let active = self.engine.runs().iter().position(|run| run.state == RunState::Active);
        active.is_some_and(|run| self.engine.cancel(RunIx::new(run), None, self.now))
    }

    /// The engine is lost, and with it, perhaps, all tools that ran; it is built again from its journal or from its state.
    fn replace(&mut self) {
        let replayed = Engine::replay(config(), self.records.iter().cloned());
        assert_eq!(views(&replayed), views(&self.engine), "the journal tells another story");
        let schedules = |of: &Engine| {
            of.schedules().map(|(at, known)| (at, known.clone())).collect::<Vec<(ScheduleIx, Schedule)>>()
        };
        assert_eq!(schedules(&replayed), schedules(&self.engine));
        // What is due already may wait for its turn without a timer.
        if replayed.next_wake().is_none_or(|due| due > self.now) {
            assert_eq!(replayed.next_wake(), self.engine.next_wake(), "other timers");
        }
        assert_eq!(replayed.snapshot(), self.engine.snapshot(), "the journal makes another state");
        self.engine = if self.dice.one_in(2) { replayed } else { restored(&replayed, &config()) };
        if self.dice.one_in(2) {
            let lost = std::mem::take(&mut self.running);
            self.engine.resume(self.now);
            self.take();
            assert_eq!(self.running, lost, "what ran is started again");
        }
    }

    fn act(&mut self) {
        match self.dice.roll(20) {
            0 | 1 => self.register(false),
            2 => self.register(true),
            3 => self.make_job(),
            4 | 5 => self.change(),
            6..=8 => self.send_update(),
            9 => drop(self.cancel_one()),
            10 if self.dice.one_in(3) => self.replace(),
            11..=14 => self.finish_one(),
            15 => self.now += self.dice.pick(&[1, 999, 30_000, 5 * MINUTE, 20 * MINUTE]),
            _ => self.now = self.engine.next_wake().map_or(self.now, |due| due.max(self.now)),
        }
        self.settle();
    }

    /// All that was to be made up for is, once there is room.
    fn catch_up(&mut self) {
        let all: Vec<(ScheduleIx, String)> =
            self.engine.schedules().map(|(at, schedule)| (at, schedule.name.clone())).collect();
        for (at, name) in all {
            resume(&mut self.engine, self.models.get_mut(name.as_str()).unwrap(), at, self.now);
            self.settle();
        }
        while self.cancel_one() {
            self.settle();
        }
        for (name, model) in self.models.iter().filter(|(_, model)| model.state == State::Active) {
            assert!(model.next > self.now, "`{name}` has not fired for {}", model.next);
        }
    }

    /// Without schedules all comes to an end.
    fn quieten(&mut self) {
        for at in self.positions.keys() {
            self.engine.delete_schedule(*at);
        }
        self.models.values_mut().for_each(|model| model.state = State::Deleted);
        self.settle();
        while !self.running.is_empty() || self.engine.next_wake().is_some() {
            self.finish_one();
            self.settle();
            if self.running.is_empty() {
                self.now = self.engine.next_wake().map_or(self.now, |due| due.max(self.now));
                self.settle();
            }
        }
        assert!(self.engine.runs().iter().all(|run| run.state != RunState::Active), "a run hangs");
        assert_eq!(self.ended.len(), self.sent.len(), "every update has ended");
        let known = self.records.len();
        self.now += 400 * DAY;
        self.engine.tick(self.now);
        self.take();
        assert_eq!(self.records.len(), known, "it goes on by itself");
    }
}

fn resume(engine: &mut Engine, model: &mut Model, at: ScheduleIx, now: Millis) {
    if model.state == State::Paused {
        model.state = State::Active;
        // What was missed in a pause is made up for only where everything is.
        model.next = if model.catches_up { model.next } else { model.first(now) };
    }
    assert!(engine.activate_schedule(at, true, now));
}

/// Moments that fired, and updates that were answered.
fn play(seed: u64) -> (usize, usize) {
    let mut host = Host::new(seed);
    for _ in 0..3 {
        host.register(false);
        host.settle();
    }
    for _ in 0..120 {
        host.act();
    }
    if host.dice.one_in(2) {
        host.catch_up();
        for _ in 0..10 {
            host.act();
        }
    }
    host.replace();
    host.quieten();
    (host.fired, host.completed)
}

#[test]
fn schedules_and_updates_keep_their_word_whatever_happens() {
    // More of them: HIGHWAY_SEEDS=400..5000 cargo test --test engine random_schedules
    let given = std::env::var("HIGHWAY_SEEDS").unwrap_or_else(|_| "0..30".into());
    let (from, to) = given.split_once("..").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    let (mut fired, mut completed) = (0, 0);
    for seed in from..to {
        let played = std::panic::catch_unwind(|| play(seed));
        let (more, answered) = played.unwrap_or_else(|_| panic!("seed {seed}"));
        (fired, completed) = (fired + more, completed + answered);
    }
    println!("{fired} moments fired, {completed} updates were answered");
    assert!(fired > 500 && completed > 30, "too little happens: {fired}, {completed}");
}
