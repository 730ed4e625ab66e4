//! How many runs an engine keeps that are over.
#![cfg(feature = "engine")]

#[path = "support/operators.rs"]
mod operators;
mod support;

use highway_wasm::engine::{Config, Effect, Engine, Record, Submission, Submitted};
use highway_wasm::time::Millis;
use operators::{builtin, flow, named, task};
use serde_json::json;
use support::{START, restored, submission, views};

const MINUTE: Millis = 60_000;

/// An engine whose journal is compared with its state at every step.
struct Kept {
    config: Config,
    engine: Engine,
    records: Vec<Record>,
    running: Vec<(String, u64)>,
}

impl Kept {
    fn new(most: usize) -> Self {
        let config = Config { keep_runs: Some(most), ..Config::default() };
        Self { engine: Engine::new(config.clone()), config, records: Vec::new(), running: Vec::new() }
    }

    fn take(&mut self) {
        let output = self.engine.take_output();
        self.records.extend(output.records);
        for effect in output.effects {
            if let Effect::StartTool(call) = effect {
                self.running.push((call.run_id, call.call));
            }
        }
        let replayed = Engine::replay(self.config.clone(), self.records.iter().cloned());
        assert_eq!(replayed.checkpoint(), self.engine.checkpoint());
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
    assert!(matches!(kept.submit("a", START + 2), Submitted::Repeated(0)), "its key");
    kept.engine.tick(START + 2 * MINUTE);
    kept.take();
    assert!(kept.engine.find("a").is_none() && kept.engine.run(0).is_none());
    assert!(matches!(kept.submit("a", START + 2 * MINUTE), Submitted::Created(2)), "positions stay");
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
