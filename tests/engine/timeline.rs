//! What a timeline tells, and that a critical path is one.

use crate::support::operators::{condition, emit, foreach, join, named, parallel, receive, task, while_loop};
use crate::support::{START, Scenario, attempts, failing, graph, independent, submission, wait, with};
use highway_wasm::engine::{Config, Effect, Engine, EntryKind, Link, RunIx, ToolCall};
use highway_wasm::time::Millis;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn scenario(definition: &Value) -> Scenario {
    let mut scenario = Scenario::with(Config { timeline: true, ..Config::default() });
    scenario.submit(definition);
    scenario
}

/// `kind step start-end` of every entry, in seconds since the start.
fn told(engine: &Engine) -> Vec<String> {
    let view = engine.timeline_view();
    view["entries"].as_array().unwrap().iter().map(text_of).collect()
}

fn text_of(entry: &Value) -> String {
    let at =
        |cell: usize| entry[cell].as_u64().map_or("?".to_owned(), |at| ((at - START) / 1_000).to_string());
    let [kind, step] = [3, 1].map(|cell: usize| entry[cell].as_str().unwrap_or("-").to_owned());
    let outcome = match entry[9].as_str() {
        Some("succeeded") | None => String::new(),
        Some(outcome) => format!(" {outcome}"),
    };
    format!("{kind} {step} {}-{}{outcome}", at(7), at(8))
}

/// The critical path of a run in the same words.
fn path(engine: &Engine, run: usize) -> Vec<String> {
    let view = engine.timeline_view();
    let links = view["runs"][run]["path"].as_array().unwrap();
    let link = |link: &Value| match link.as_u64() {
        Some(entry) => text_of(&view["entries"][usize::try_from(entry).unwrap()]),
        None => text_of(&json!([run, null, null, "run", null, 1, null, link[0], link[1], null, null])),
    };
    links.iter().map(link).collect()
}

#[test]
fn attempts_and_the_delays_between_them_are_entries() {
    let definition =
        with(graph(&[("a", &[]), ("b", &["a"])]), "/tasks/b/retry_policy", attempts(3, 10.0, 2.0));
    let mut run = scenario(&definition);
    let call = run.expect_start("a");
    run.advance(5.0);
    run.finish(&call, Ok(json!(1)));
    for delay in [10.0, 20.0] {
        let call = run.expect_start("b");
        run.advance(1.0);
        run.finish(&call, failing("BAD"));
        run.advance(delay);
    }
    run.succeed("b", json!(2));
    let expected = [
        "attempt a 0-5",
        "attempt b 5-6 failed",
        "retry b 6-16",
        "attempt b 16-17 failed",
        "retry b 17-37",
        "attempt b 37-37",
    ];
    assert_eq!(told(&run.engine), expected);
    assert_eq!(path(&run.engine, 0), told(&run.engine));
    let view = run.engine.timeline_view();
    assert_eq!(view["entries"][1][10], json!({"code": "BAD", "message": "boom"}));
    assert_eq!(view["entries"][3][5], 2);
    assert_eq!(view["entries"][0][4], "tools.test.a");
}

#[test]
fn the_longest_branch_is_the_path_and_the_join_is_told() {
    let long = task("long", &[]);
    let definition = named(
        "forked",
        &[
            parallel("fork", &[], &[("a", &[task("short", &[])]), ("b", &[long])]),
            join("both", &["fork"], &["short", "long"], "all_of"),
            task("after", &["both"]),
        ],
    );
    let mut run = scenario(&definition);
    let calls = run.expect_starts(&["short", "long"]);
    run.advance(10.0);
    run.finish(&calls[0], Ok(json!(1)));
    run.advance(20.0);
    run.finish(&calls[1], Ok(json!(1)));
    let call = run.expect_start("after");
    run.advance(1.0);
    run.finish(&call, Ok(json!(1)));
    assert!(told(&run.engine).contains(&"join both 0-30".to_owned()), "{:?}", told(&run.engine));
    assert_eq!(path(&run.engine, 0), ["attempt long 0-30", "attempt after 30-31"]);
}

#[test]
fn rounds_of_loops_follow_each_other() {
    let body = [task("work", &[])];
    let definition = with(
        named("loops", &[foreach("each", &[], "{{items}}", &body), task("last", &["each"])]),
        "/variables",
        json!({"items": [1, 2]}),
    );
    let mut run = scenario(&definition);
    for _ in 0..2 {
        let call = run.expect_start("work");
        run.advance(3.0);
        run.finish(&call, Ok(json!(1)));
    }
    run.succeed("last", json!(1));
    assert_eq!(
        told(&run.engine),
        ["loop each 0-6", "attempt work[0] 0-3", "attempt work[1] 3-6", "attempt last 6-6"]
    );
    assert_eq!(path(&run.engine, 0), ["attempt work[0] 0-3", "attempt work[1] 3-6", "attempt last 6-6"]);
}

#[test]
fn an_event_of_another_branch_leads_to_what_emitted_it() {
    let definition = named(
        "events",
        &[
            task("slow", &[]),
            emit("tell", &["slow"], "ready", json!({})),
            receive("hear", &[], "ready", Some(600)),
            task("after", &["hear"]),
        ],
    );
    let mut run = scenario(&definition);
    let call = run.expect_start("slow");
    run.advance(60.0);
    run.finish(&call, Ok(json!(1)));
    run.succeed("after", json!(1));
    assert!(told(&run.engine).contains(&"event hear 0-60".to_owned()));
    assert_eq!(path(&run.engine, 0), ["attempt slow 0-60", "decision tell 60-60", "attempt after 60-60"]);
}

#[test]
fn a_signal_from_outside_makes_the_wait_the_path() {
    let definition = named("waits", &[task("first", &[]), receive("hear", &[], "go", Some(600))]);
    let mut run = scenario(&definition);
    let call = run.expect_start("first");
    run.advance(10.0);
    run.finish(&call, Ok(json!(1)));
    run.advance(20.0);
    assert!(run.engine.signal(RunIx::new(0), "go", json!({}), run.now).unwrap());
    assert_eq!(path(&run.engine, 0), ["event hear 0-30"]);
    assert_eq!(run.engine.entries()[0].about.as_deref(), Some("go"));
}

#[test]
fn a_time_limit_ends_a_wait_and_a_run() {
    let definition = named("waits", &[receive("hear", &[], "go", Some(60))]);
    let mut run = scenario(&definition);
    run.advance(100.0);
    assert_eq!(path(&run.engine, 0), ["event hear 0-60 timed_out"]);
    let definition = with(independent(&["a"]), "/timeout_seconds", 30);
    let mut run = scenario(&definition);
    run.advance(100.0);
    assert_eq!(told(&run.engine), ["attempt a 0-30 cancelled"]);
    assert_eq!(path(&run.engine, 0), ["run - 0-30"]);
}

#[test]
fn what_waits_for_a_place_was_kept_by_the_tool_that_had_it() {
    let definition = independent(&["a", "b"]);
    let mut run = Scenario::with(Config { timeline: true, concurrency: 1, ..Config::default() });
    run.submit(&definition);
    for id in ["a", "b"] {
        let call = run.expect_start(id);
        run.advance(7.0);
        run.finish(&call, Ok(json!(1)));
    }
    assert_eq!(told(&run.engine), ["attempt a 0-7", "queue b 0-7", "attempt b 7-14"]);
    assert_eq!(path(&run.engine, 0), ["attempt a 0-7", "attempt b 7-14"]);
}

#[test]
fn what_was_left_out_is_told() {
    let inner = [task("inside", &[])];
    let definition = named(
        "left",
        &[
            condition("decide", &[], "1 == 2", Some("yes"), Some("no")),
            task("yes", &["decide"]),
            task("no", &["decide"]),
            while_loop("never", &["no"], "1 == 2", &inner),
        ],
    );
    let mut run = scenario(&definition);
    run.succeed("no", json!(1));
    assert_eq!(run.engine.timeline_view()["runs"][0]["unreached"], json!(["inside", "yes"]));
}

#[test]
fn nothing_is_kept_where_nobody_asks() {
    let mut run = Scenario::of(&independent(&["a"]));
    run.succeed("a", json!(1));
    assert!(run.engine.entries().is_empty());
    assert!(run.engine.critical_path(RunIx::new(0)).is_empty());
}

/// A task of a random graph: what it depends on, how long each attempt takes, and what it sleeps before.
#[derive(Clone, Debug)]
struct Node {
    dependencies: Vec<usize>,
    attempts: Vec<u64>,
    delay: u64,
    sleep: u64,
}

impl Node {
    /// Milliseconds from its start to its end.
    fn length(&self) -> u64 {
        let tries = u64::try_from(self.attempts.len()).unwrap();
        self.sleep + self.attempts.iter().sum::<u64>() + self.delay * (tries - 1)
    }
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    (1_usize..12).prop_flat_map(|count| {
        let node = |at: usize| {
            let dependencies = prop::collection::btree_set(0..at.max(1), 0..4);
            (
                dependencies,
                prop::collection::vec(prop_oneof![Just(0_u64), Just(1_000), 1_u64..9_000], 1..4),
                prop_oneof![Just(0_u64), 1_u64..5_000],
                prop_oneof![3 => Just(0_u64), 1 => 1_u64..9_000],
            )
                .prop_map(move |(dependencies, attempts, delay, sleep)| Node {
                    dependencies: dependencies.into_iter().filter(|on| *on < at).collect(),
                    attempts,
                    delay,
                    sleep,
                })
        };
        (0..count).map(node).collect::<Vec<_>>()
    })
}

fn document(nodes: &[Node]) -> Value {
    let mut tasks = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let dependencies: Vec<String> = node.dependencies.iter().map(|on| format!("n{on}")).collect();
        let dependencies: Vec<&str> = dependencies.iter().map(String::as_str).collect();
        let (id, sleep) = (format!("n{at}"), format!("s{at}"));
        #[expect(clippy::cast_precision_loss, reason = "delays are short")]
        let seconds = |millis: u64| millis as f64 / 1_000.0;
        let mut work = if node.sleep > 0 {
            tasks.push(wait(&sleep, &dependencies, seconds(node.sleep)));
            task(&id, &[&sleep])
        } else {
            task(&id, &dependencies)
        };
        let tries = u32::try_from(node.attempts.len()).unwrap();
        work["retry_policy"] = attempts(tries, seconds(node.delay), 1.0);
        tasks.push(work);
    }
    named("random", &tasks)
}

/// The engine after a run in which each attempt took as long as its node says, and all but the last failed.
fn play(nodes: &[Node]) -> Engine {
    let mut engine = Engine::new(Config { timeline: true, concurrency: 1_000, ..Config::default() });
    engine.submit(submission(&document(nodes), "run-1"), START).unwrap();
    let mut running: BTreeMap<(Millis, u64), ToolCall> = BTreeMap::new();
    let mut now = START;
    loop {
        for effect in engine.take_output().effects {
            if let Effect::StartTool(call) = effect {
                let node = &nodes[call.task[1..].parse::<usize>().unwrap()];
                let takes = node.attempts[usize::try_from(call.attempt).unwrap() - 1];
                running.insert((now + takes, call.call.get()), *call);
            }
        }
        let next = running.keys().next().copied();
        match (next, engine.next_wake()) {
            (Some((due, _)), wake) if wake.is_none_or(|wake| due <= wake) => {
                now = due;
                let call = running.remove(&next.unwrap()).unwrap();
                let node = &nodes[call.task[1..].parse::<usize>().unwrap()];
                let is_last = usize::try_from(call.attempt).unwrap() == node.attempts.len();
                engine.tool_finished(call.call, if is_last { Ok(json!(1)) } else { failing("BAD") }, now);
            }
            (_, Some(wake)) => {
                now = wake;
                engine.tick(now);
            }
            (_, None) => return engine,
        }
    }
}

fn longest(nodes: &[Node]) -> u64 {
    let mut ends: Vec<u64> = Vec::new();
    for node in nodes {
        let start = node.dependencies.iter().map(|on| ends[*on]).max().unwrap_or_default();
        ends.push(start + node.length());
    }
    ends.into_iter().max().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_critical_path_is_a_longest_path(nodes in nodes()) {
        let engine = play(&nodes);
        let run = &engine.runs()[0];
        prop_assert_eq!(run.ended_at.unwrap() - START, longest(&nodes));
        let mut now = START;
        let mut on_path: Vec<usize> = Vec::new();
        for link in engine.critical_path(RunIx::new(0)) {
            let Link::Entry(entry) = link else { panic!("{link:?} is no entry of {:?}", engine.entries()) };
            let entry = &engine.entries()[entry];
            prop_assert_eq!(entry.start, now);
            now = entry.end.unwrap();
            prop_assert!(!matches!(entry.kind, EntryKind::Queue | EntryKind::Run));
            on_path.push(run.operator(entry.step).unwrap().id[1..].parse().unwrap());
        }
        prop_assert_eq!(now, run.ended_at.unwrap());
        // Whatever is not on it takes no time now: the run takes as long as before.
        let shorter: Vec<Node> = nodes.iter().enumerate().map(|(at, node)| {
            if on_path.contains(&at) { return node.clone() }
            Node { attempts: vec![0], sleep: 0, ..node.clone() }
        }).collect();
        prop_assert_eq!(longest(&shorter), longest(&nodes));
    }
}
