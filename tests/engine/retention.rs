//! How many runs an engine keeps that are over.

use crate::support::operators::{self, builtin, flow, named, task};
use crate::support::{self, START, Server, restored, submission, views};
use highway_wasm::engine::{CallId, Config, Engine, Record, RunIx, ScheduleRequest, Submission, Submitted};
use highway_wasm::time::Millis;
use serde_json::{Value, json};

const MINUTE: Millis = 60_000;

/// An engine whose journal is compared with its state at every step.
struct Kept {
    config: Config,
    engine: Engine,
    records: Vec<Record>,
    running: Vec<(String, CallId)>,
}

impl Kept {
    fn new(most: usize) -> Self {
        let config = Config { keep_runs: Some(most), ..Config::default() };
        Self { engine: Engine::new(config.clone()), config, records: Vec::new(), running: Vec::new() }
    }

    fn take(&mut self) {
        let started = support::started(&mut self.engine, &mut self.records);
        self.running.extend(started.into_iter().map(|call| (call.run_id, call.call)));
        let replayed = Engine::replay(self.config.clone(), self.records.iter().cloned());
        assert_eq!(replayed.snapshot(), self.engine.snapshot());
        assert_eq!(views(&restored(&self.engine, &self.config)), views(&self.engine));
    }

    fn submit(&mut self, id: &str, now: Millis) -> Submitted {
        let definition = submission(&flow(&[task("a", &[])]), id);
        let submitted =
            self.engine.submit(Submission { key: Some(format!("key of {id}")), ..definition }, now);
        self.take();
        submitted.unwrap()
    }

    fn finish(&mut self, id: &str, now: Millis) {
        let at = self.running.iter().position(|(run, _)| run == id).expect("it runs");
        let (_, call) = self.running.remove(at);
        self.engine.tool_finished(call, Ok(json!(null)), now);
        self.take();
    }

    fn ids(&self) -> Vec<&str> {
        self.engine.runs().iter().map(|run| run.id()).collect()
    }
}

#[test]
fn those_that_ended_first_are_forgotten_a_minute_later_at_the_earliest() {
    let mut kept = Kept::new(2);
    for id in ["a", "b", "c", "d", "e"] {
        kept.submit(id, START);
    }
    for id in ["e", "d", "b", "a"] {
        kept.finish(id, START);
    }
    assert_eq!(kept.ids(), ["a", "b", "c", "d", "e"], "who waits for them has not heard of their ends");
    kept.engine.tick(START + MINUTE);
    kept.take();
    // Of those that ended at the same time, those that were submitted last.
    assert_eq!(kept.ids(), ["c", "d", "e"]);
    kept.finish("c", START + MINUTE);
    kept.engine.tick(START + 2 * MINUTE);
    kept.take();
    assert_eq!(kept.ids(), ["c", "e"]);
}

#[test]
fn what_is_forgotten_is_not_there_and_its_key_is_free() {
    let mut kept = Kept::new(1);
    for (id, at) in [("a", 0), ("b", 1)] {
        kept.submit(id, START + at);
        kept.finish(id, START + at);
    }
    assert!(matches!(kept.submit("a", START + 2), Submitted::Repeated(at) if at.get() == 0), "its key");
    kept.engine.tick(START + 2 * MINUTE);
    kept.take();
    assert!(kept.engine.find("a").is_none() && kept.engine.run(RunIx::new(0)).is_none());
    assert!(
        matches!(kept.submit("a", START + 2 * MINUTE), Submitted::Created(at) if at.get() == 2),
        "positions stay"
    );
    kept.finish("a", START + 2 * MINUTE);
    assert_eq!(kept.ids(), ["a"]);
}

#[test]
fn what_an_active_run_has_started_stays() {
    let mut kept = Kept::new(1);
    let child = named("child", &[task("a", &[])]);
    kept.engine.register(submission(&child, "").definition, START).unwrap();
    let execute = builtin("start", &[], "tools.workflow.execute", json!(["child"]), json!({}));
    let parent = flow(&[execute, task("after", &["start"])]);
    kept.engine.submit(submission(&parent, "parent"), START).unwrap();
    kept.take();
    let child = kept.running[0].0.clone();
    kept.finish(&child, START);
    for (id, at) in [("x", 1), ("y", 2), ("z", 3)] {
        kept.submit(id, START + at * MINUTE);
        kept.finish(id, START + at * MINUTE);
    }
    kept.engine.tick(START + 10 * MINUTE);
    kept.take();
    assert_eq!(kept.ids(), ["parent", child.as_str()], "it is looked for first, and needed");
    kept.finish("parent", START + 10 * MINUTE);
    kept.engine.tick(START + 11 * MINUTE);
    kept.take();
    assert_eq!(kept.ids(), ["parent"]);
}

/// A server that keeps one run that is over, and the id of one that it has forgotten.
fn forgetful() -> (Server, String) {
    let mut server = Server::with_config(Config { keep_runs: Some(1), ..Config::default() });
    let body = json!({"workflow_definition": flow(&[task("a", &[])])});
    let first = server.post("/workflows", &body).data()["workflow_run_id"].as_str().unwrap().to_owned();
    server.advance(1_000);
    let unknown = server.get("/workflows/nobody");
    assert_eq!((unknown.status, unknown.body.get("help")), (404, None), "nothing was forgotten");
    server.post("/workflows", &body);
    server.advance(1_000);
    assert_eq!(
        server.get(&format!("/workflows/{first}")).data()["status"],
        "completed",
        "it is not a minute"
    );
    server.advance(MINUTE);
    server.post("/workflows", &body);
    server.advance(1_000);
    (server, first)
}

#[test]
fn the_id_of_a_run_that_was_forgotten_gets_a_clear_answer_everywhere() {
    let (mut server, id) = forgetful();
    let path = |part: &str| format!("/workflows/{id}{part}");
    let parts = [
        "",
        "/steps",
        "/steps/logs",
        "/steps/a",
        "/steps/a/logs",
        "/signals",
        "/updates",
        "/updates/history",
        "/updates/0",
        "/events",
        "/graph",
        "/graph/dot",
        "/query",
        "/metrics",
    ];
    let mut replies: Vec<_> = parts.iter().map(|part| server.get(&path(part))).collect();
    let bodies = [
        ("/cancel", json!({})),
        ("/retry", json!({})),
        ("/signals", json!({"signal_name": "go"})),
        ("/updates", json!({"update_name": "go"})),
    ];
    replies.extend(bodies.iter().map(|(part, body)| server.post(&path(part), body)));
    for reply in replies {
        assert_eq!((reply.status, reply.code()), (404, "NOT_FOUND"));
        assert_eq!(reply.body["message"], format!("there is no run `{id}`"));
        assert!(reply.body["help"].as_str().unwrap().contains("keepRuns"), "{reply:?}");
    }
    assert_eq!(server.get("/workflows").data()["total"], 1, "lists do not have it");
}

#[test]
fn what_a_task_did_under_its_key_is_forgotten_with_its_run() {
    let config = Config { keep_runs: Some(1), ..Config::default() };
    let mut kept = Kept { engine: Engine::new(config.clone()), ..Kept::new(1) };
    let once = flow(&[operators::but(task("a", &[]), json!({"idempotency_key": "order-17"}))]);
    let mut at = START;
    let mut is_called = |kept: &mut Kept, id: &str| {
        at += 2 * MINUTE;
        kept.engine.submit(submission(&once, id), at).unwrap();
        kept.take();
        let is_called = kept.running.iter().any(|(run, _)| run == id);
        if is_called {
            kept.finish(id, at);
        }
        is_called
    };
    let calls = ["first", "second", "third"].map(|id| is_called(&mut kept, id));
    // The first is forgotten once the second is over.
    assert_eq!(calls, [true, false, true]);
    kept.engine = restored(&kept.engine, &kept.config);
    assert!(!is_called(&mut kept, "fourth"), "a snapshot has the keys");
}

#[test]
fn positions_of_runs_that_were_forgotten_take_no_room() {
    let mut kept = Kept::new(1);
    kept.submit("oldest", START);
    for at in 1..200 {
        let id = format!("run-{at}");
        let now = START + at * 2 * MINUTE;
        kept.engine.submit(submission(&flow(&[task("a", &[])]), &id), now).unwrap();
        kept.engine.take_output();
        kept.engine.cancel(RunIx::new(usize::try_from(at).unwrap()), None, now);
        kept.engine.take_output();
    }
    let skipped = kept.engine.snapshot().iter().filter(|entry| entry.contains("runs_skipped")).count();
    assert_eq!((skipped, kept.engine.runs().len()), (1, 2), "one entry for all of them");
}

/// A definition whose name is that of others, and whose content is not.
fn version(number: usize) -> Value {
    operators::but(flow(&[task("a", &[])]), json!({"description": format!("version {number}")}))
}

impl Kept {
    /// A run of such a definition, which is over at once.
    fn run_version(&mut self, number: usize, id: &str, now: Millis) {
        let submitted = self.engine.submit(submission(&version(number), id), now).unwrap();
        let Submitted::Created(at) = submitted else { panic!("{submitted:?}") };
        self.take();
        self.engine.cancel(at, None, now);
        self.running.clear();
        self.take();
    }

    /// The versions of definitions that are kept.
    fn versions(&self) -> Vec<usize> {
        self.engine.definitions().map(|known| known.version).collect()
    }
}

#[test]
fn a_definition_is_forgotten_with_its_last_run_unless_it_is_the_latest_of_its_name() {
    let mut kept = Kept::new(2);
    for number in 1..=6 {
        kept.run_version(number, &format!("run-{number}"), START + MINUTE * number as Millis);
    }
    assert_eq!(kept.engine.runs().len(), 2);
    assert_eq!(kept.versions(), [5, 6], "those of the runs that are kept");
    let bytes = kept.engine.kept_bytes();
    for number in 7..=20 {
        kept.run_version(number, &format!("run-{number}"), START + MINUTE * number as Millis);
    }
    assert_eq!(kept.versions(), [19, 20]);
    assert!(kept.engine.kept_bytes() < bytes + 200, "{} and {bytes}", kept.engine.kept_bytes());
    // What comes again is a new version.
    kept.run_version(3, "again", START + MINUTE * 21);
    assert_eq!(kept.versions(), [20, 21]);
}

#[test]
fn definitions_that_come_in_turns_are_kept_once() {
    let mut kept = Kept::new(4);
    for turn in 0..21 {
        kept.run_version(turn % 2, &format!("run-{turn}"), START + MINUTE * turn as Millis);
        assert_eq!(kept.engine.latest("scenario").unwrap().version, turn % 2 + 1);
    }
    assert_eq!(kept.versions(), [1, 2]);
    kept.engine = restored(&kept.engine, &kept.config);
    assert_eq!(kept.engine.latest("scenario").unwrap().version, 1, "of the last turn");
}

#[test]
fn definitions_that_somebody_registered_or_that_a_schedule_starts_stay() {
    let mut kept = Kept::new(1);
    kept.run_version(1, "one", START);
    kept.run_version(2, "two", START);
    kept.engine.register(submission(&version(1), "").definition, START).unwrap();
    let pinned = kept.engine.definitions().find(|known| known.version == 2).unwrap().clone();
    let request = ScheduleRequest {
        name: "job".into(),
        text: "0 0 1 1 *".into(),
        definition: pinned,
        is_pinned: true,
        inputs: serde_json::Map::new(),
    };
    let schedule = kept.engine.schedule(request, START).unwrap();
    for number in 3..=6 {
        kept.run_version(number, &format!("run-{number}"), START + MINUTE * number as Millis);
    }
    assert_eq!(kept.versions(), [1, 2, 6]);
    kept.engine.delete_schedule(schedule);
    kept.take();
    assert_eq!(kept.versions(), [1, 6], "it was registered, and is the latest");
}
