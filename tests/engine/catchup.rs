//! Schedules that make up for moments that were missed.

use crate::support::operators::{self, but, flow, named, task};
use crate::support::{self, START, registered, restored, submission, views};
use highway_wasm::engine::{CallId, Config, Engine, Failure, Limit, Limits, Record, RunIx, RunState};
use highway_wasm::error::ErrorCode;
use highway_wasm::time::Millis;
use serde_json::{Value, json};

const MINUTE: Millis = 60_000;

/// A workflow for each minute since 2020, five million before now, all at once as far as it goes.
fn missed(name: &str, tasks: &[Value]) -> Value {
    let timetable = json!({"schedule": "* * * * *", "start_date": "2020-01-01T00:00:00Z", "catchup": true, "max_active_runs": 1_000_000});
    but(named(name, tasks), timetable)
}

/// A task that needs no tool.
fn at_once(id: &str) -> Value {
    json!({"task_id": id, "operator_type": "wait", "wait_for": 0, "dependencies": []})
}

struct Host {
    engine: Engine,
    config: Config,
    records: Vec<Record>,
    running: Vec<(String, CallId)>,
}

impl Host {
    fn new(config: Config) -> Self {
        Self { engine: Engine::new(config.clone()), config, records: Vec::new(), running: Vec::new() }
    }

    fn take(&mut self) {
        let started = support::started(&mut self.engine, &mut self.records);
        self.running.extend(started.into_iter().map(|call| (call.workflow, call.call)));
    }

    fn register(&mut self, document: &Value) {
        assert_eq!(support::findings(document), [""; 0]);
        self.engine.register(registered(document), START).unwrap();
        self.take();
    }

    fn submit(&mut self, document: &Value, id: &str) {
        self.engine.submit(submission(document, id), START).unwrap();
        self.take();
    }

    fn slices(&mut self, count: usize) {
        for _ in 0..count {
            self.engine.tick(START);
            self.take();
        }
    }

    fn finish(&mut self, workflow: &str) {
        let at = self.running.iter().position(|(of, _)| of == workflow).expect("it runs");
        let (_, call) = self.running.remove(at);
        self.engine.tool_finished(call, Ok(json!(null)), START);
        self.take();
    }

    /// The moments for which runs of a workflow were started, as numbers of minutes.
    fn slots(&self, workflow: &str) -> Vec<Millis> {
        let slot = |record: &Record| match record {
            Record::RunCreated(created) if created.workflow.name == workflow => {
                created.schedule.map(|firing| firing.slot / MINUTE)
            }
            _ => None,
        };
        self.records.iter().filter_map(slot).collect()
    }

    fn runs_of(&self, workflow: &str) -> usize {
        self.slots(workflow).len()
    }

    /// As a restart finds it.
    fn reopen(&mut self) {
        self.engine = restored(&self.engine, &self.config);
        self.running.clear();
        self.engine.resume(START);
        self.take();
    }
}

/// One after the other, none left out and none twice.
fn assert_in_order(slots: &[Millis]) {
    let first = slots.first().copied().unwrap_or_default();
    assert!(slots.iter().copied().eq((first..).take(slots.len())), "{slots:?}");
}

#[test]
fn a_run_that_is_submitted_does_not_wait_for_millions() {
    for tasks in [vec![at_once("a")], vec![at_once("a"), at_once("b"), task("c", &[])]] {
        let mut host = Host::new(Config::default());
        host.register(&missed("old", &tasks));
        host.slices(20);
        assert!(host.engine.has_more() || host.running.len() == 64, "it is busy");
        host.submit(&flow(&[at_once("first"), task("x", &["first"]), task("y", &["x"])]), "mine");
        for _ in 0..2 {
            // Where there is no place, one run is before it in line.
            for _ in 0..host.running.len().min(2) {
                if host.running.iter().all(|(of, _)| of == "old") {
                    host.finish("old");
                }
            }
            host.slices(1);
            host.finish("scenario");
        }
        host.slices(1);
        assert_eq!(host.engine.find("mine").unwrap().1.state, RunState::Completed);
        assert_in_order(&host.slots("old"));
        assert!(host.runs_of("old") > 60);
    }
}

#[test]
fn runs_take_turns_for_a_place_with_those_that_make_up_for_a_moment() {
    let mut host = Host::new(Config { concurrency: 1, ..Config::default() });
    host.register(&missed("old", &[task("a", &[])]));
    host.slices(3);
    assert_eq!(host.runs_of("old"), 2, "one that runs, and one in line");
    for id in ["one", "two"] {
        host.submit(&flow(&[task("x", &[])]), id);
    }
    let mut order = Vec::new();
    for _ in 0..6 {
        let (workflow, _) = host.running[0].clone();
        order.push(workflow.clone());
        host.finish(&workflow);
        host.slices(1);
    }
    assert_eq!(order, ["old", "old", "scenario", "scenario", "old", "old"]);
}

#[test]
fn schedules_take_turns() {
    let mut host = Host::new(Config::default());
    let later =
        |name: &str| but(missed(name, &[at_once("a")]), json!({"start_date": "2029-12-01T00:00:00Z"}));
    host.register(&missed("a", &[at_once("a")]));
    host.register(&later("b"));
    host.register(&but(later("c"), json!({"max_active_runs": 1})));
    let mut started = |slices: usize| {
        host.slices(slices);
        ["a", "b", "c"].map(|name| host.runs_of(name))
    };
    let (before, after) = (started(1), started(20));
    let [a, b, c] = [0, 1, 2].map(|at| after[at] - before[at]);
    assert!(a > 100 && a.abs_diff(b) <= 1 && a.abs_diff(c) <= 1, "{a} {b} {c}");
}

#[test]
fn what_is_due_now_does_not_wait_for_what_was_missed() {
    let mut host = Host::new(Config::default());
    host.register(&missed("old", &[at_once("a")]));
    host.register(&but(named("now", &[task("a", &[])]), json!({"schedule": "* * * * *"})));
    host.slices(3);
    host.engine.tick(START + MINUTE);
    host.take();
    assert_eq!(host.slots("now"), [START / MINUTE + 1]);
    assert!(host.running.iter().any(|(of, _)| of == "now"));
}

#[test]
fn runs_that_are_over_are_kept_up_to_a_number_for_each_schedule() {
    let limits = Limits::default().with(Limit::ScheduleHistory, 10);
    let mut host = Host::new(Config { limits, ..Config::default() });
    let child = named("child", &[at_once("a")]);
    host.register(&child);
    let call = operators::builtin("call", &[], "tools.workflow.execute", json!(["child"]), json!({}));
    host.register(&missed("old", &[call]));
    host.register(&but(
        named("rare", &[at_once("a")]),
        json!({"schedule": "0 0 1 1 *", "start_date": "2029-12-31T00:00:00Z", "catchup": true}),
    ));
    host.submit(&flow(&[at_once("a")]), "mine");
    host.slices(40);
    assert!(host.runs_of("old") > 1_000);
    let kept = host.engine.runs().len();
    assert!(kept < 1_000, "what one slice adds, and the history: {kept}");
    assert!(host.engine.find("mine").is_some(), "others are not touched");
    assert_in_order(&host.slots("old"));
    let replayed = Engine::replay(host.config.clone(), host.records.iter().cloned());
    assert_eq!(replayed.snapshot(), host.engine.snapshot());
    assert_eq!(views(&restored(&host.engine, &host.config)), views(&host.engine));
}

#[test]
fn a_schedule_goes_on_after_a_restart_where_it_was() {
    let mut host = Host::new(Config::default());
    host.register(&missed("old", &[at_once("a"), task("b", &[])]));
    for _ in 0..30 {
        host.slices(1);
        host.reopen();
        for _ in 0..5.min(host.running.len()) {
            host.finish("old");
        }
    }
    assert!(host.runs_of("old") > 150);
    assert_in_order(&host.slots("old"));
}

#[test]
fn a_schedule_waits_for_memory_and_lets_others_have_it() {
    let limits = Limits::default().with(Limit::EngineBytes, 200_000);
    let mut host = Host::new(Config { limits, ..Config::default() });
    // Its runs never end.
    let asleep = json!({"task_id": "a", "operator_type": "wait", "wait_for": "P9D", "dependencies": []});
    host.register(&missed("old", &[asleep]));
    host.slices(20);
    let before = host.runs_of("old");
    assert!(before > 50 && before < 200, "{before}");
    assert!(!host.engine.has_more());
    host.reopen();
    assert_eq!(host.runs_of("old"), before);
    // What ends makes room only once it is forgotten.
    for at in 0..before {
        host.engine.cancel(RunIx::new(at), None, START);
    }
    host.slices(20);
    let more = host.runs_of("old");
    assert!(more > before);
    // Those whose ends somebody waits for stay for a minute; then the engine wakes up.
    let runs: Vec<String> = host.engine.runs().iter().map(|run| run.id().to_owned()).collect();
    for (at, id) in (before..).zip(&runs) {
        assert!(host.engine.find(id).is_some());
        host.engine.cancel(RunIx::new(at), None, START);
    }
    host.slices(20);
    assert_eq!((host.runs_of("old"), host.engine.next_wake()), (more, Some(START + MINUTE)));
    for _ in 0..20 {
        host.engine.tick(START + MINUTE);
        host.take();
    }
    assert!(host.runs_of("old") > more);
    assert_in_order(&host.slots("old"));
}

/// Whether the run of an id is there.
fn is_there(host: &Host, id: &str) -> bool {
    host.engine.runs().iter().any(|run| run.id() == id)
}

/// A workflow that makes up for missed moments, and keeps one run that is over; with its first run.
fn with_little_history(tasks: &[Value]) -> (Host, String) {
    let limits = Limits::default().with(Limit::ScheduleHistory, 1);
    let mut host = Host::new(Config { limits, ..Config::default() });
    host.register(&missed("old", tasks));
    let first = host.engine.runs()[0].id().to_owned();
    (host, first)
}

#[test]
fn a_run_that_a_schedule_started_in_time_stays_for_a_minute_after_its_end() {
    let limits = Limits::default().with(Limit::ScheduleHistory, 1);
    let mut host = Host::new(Config { limits, ..Config::default() });
    host.register(&but(named("often", &[at_once("a")]), json!({"schedule": "@every 10s"})));
    for tens in 1..=30 {
        host.engine.tick(START + tens * 10_000);
        host.take();
        let ends: Vec<Millis> = host.engine.runs().iter().map(|run| run.ended_at.unwrap()).collect();
        let first = START + 10_000 * tens.saturating_sub(5).max(1);
        assert!(ends.iter().copied().eq((first..=START + tens * 10_000).step_by(10_000)), "{ends:?}");
    }
}

#[test]
fn a_late_run_that_somebody_asked_for_stays_for_a_minute_after_its_end() {
    for is_followed in [true, false] {
        let (mut host, first) = with_little_history(&[task("a", &[])]);
        if is_followed {
            assert_eq!(host.engine.find(&first).unwrap().1.state, RunState::Active);
        }
        for _ in 0..10 {
            host.finish("old");
            host.slices(2);
        }
        assert_eq!(is_there(&host, &first), is_followed);
        assert!(host.engine.runs().iter().filter(|run| run.ended_at.is_some()).count() <= 2);
        let (_, call) = host.running.remove(0);
        host.engine.tool_finished(call, Ok(json!(null)), START + MINUTE);
        host.take();
        assert!(!is_there(&host, &first), "a minute is over, and there is a later one");
    }
}

#[test]
fn a_late_run_that_is_retried_by_hand_stays_for_a_minute_after_its_end() {
    let (mut host, first) = with_little_history(&[task("a", &[])]);
    let (at, _) = host.engine.find(&first).unwrap();
    let (_, call) = host.running.remove(0);
    let failure = Failure::new(ErrorCode::RunFailed, "it broke");
    host.engine.tool_finished(call, Err((failure, None)), START);
    host.take();
    host.engine.retry(at, "again".into(), START).unwrap().unwrap();
    host.take();
    while host.engine.runs().iter().any(|run| run.id() == "again" && run.ended_at.is_none()) {
        host.finish("old");
        host.slices(1);
    }
    for _ in 0..10 {
        host.finish("old");
        host.slices(2);
    }
    assert!(is_there(&host, "again") && is_there(&host, &first));
    for _ in 0..3 {
        host.engine.tick(START + MINUTE);
        host.take();
    }
    assert!(!is_there(&host, &first), "a minute is over");
}
