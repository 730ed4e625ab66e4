//! Replaying the journal: what a host does that opens a store.

use crate::support::operators::foreach;
use crate::support::{self, Scenario, attempts, graph, independent, submission, task, wait, with};
use highway_wasm::engine::{
    Effect, Engine, Journal, RunIx, Snapshot, Submission, Submitted, steps_view, write_records,
};
use highway_wasm::error::ErrorCode;
use serde_json::{Value, json};

#[test]
fn an_outcome_that_comes_after_a_replay_counts() {
    let mut run = Scenario::of(&with(
        graph(&[("a", &[][..]), ("b", &["a"])]),
        "/tasks/b/args",
        json!(["{{a_result.n}}"]),
    ));
    let a = run.expect_start("a");
    run.reopen();
    run.finish(&a, Ok(json!({"n": 7})));
    run.reopen();
    let b = run.expect_start("b");
    assert_eq!(b.args, [json!(7)]);
    assert_ne!(a.call, b.call);
    run.finish(&b, Ok(json!(null)));
    run.assert_status("completed");
}

#[test]
fn time_limits_outlive_a_replay() {
    let document = with(independent(&["a"]), "/timeout_seconds", 90);
    let document = with(document, "/tasks/a/timeout_seconds", 60);
    let mut run = Scenario::of(&with(document, "/tasks/a/retry_policy", attempts(9, 0.0, 1.0)));
    let first = run.expect_start("a");
    run.reopen();
    run.advance(60.0);
    run.expect_abort(&first);
    let second = run.expect_start("a");
    run.reopen();
    run.advance(30.0);
    run.expect_abort(&second);
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "RUN_TIMED_OUT");
}

#[test]
fn idempotency_keys_outlive_a_replay() {
    let mut run = Scenario::new();
    let keyed =
        |run_id: &str| Submission { key: Some("k".into()), ..submission(&independent(&["a"]), run_id) };
    run.engine.submit(keyed("r1"), run.now).unwrap();
    run.records = run.engine.take_output().records;
    run.reopen();
    assert_eq!(run.engine.submit(keyed("r2"), run.now), Ok(Submitted::Repeated(RunIx::new(0))));
}

/// What a task did under its key is read from a journal and from a state that do not say which run it was.
#[test]
fn keys_of_tasks_are_read_as_earlier_versions_wrote_them() {
    let definition = with(independent(&["a"]), "/tasks/a/idempotency_key", "order-17");
    let mut run = Scenario::of(&definition);
    run.succeed("a", json!([0, "done"]));
    let changed = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        text.replace(from, to)
    };

    let mut journal = Journal::default();
    let written = changed(&write_records(&run.records), r#""key_used","run":0,"#, r#""key_used","#);
    let replayed = Engine::replay(run.config.clone(), journal.read(&written).unwrap());

    let mut restored = Engine::new(run.config.clone());
    for entry in run.engine.snapshot() {
        let is_state = entry.contains("state_kept");
        let new = r#""used":[["order-17",[0,[0,"done"]]]]"#;
        let old = r#""once":[["order-17",[0,"done"]]]"#;
        let entry = if is_state { changed(&entry, new, old) } else { entry };
        restored.restore(journal.read(&entry).unwrap());
    }

    let again = support::restored(&replayed, &run.config);
    for mut engine in [replayed, restored, again] {
        engine.submit(submission(&definition, "r2"), run.now).unwrap();
        let mut effects = engine.take_output().effects;
        for _ in 0..100 {
            engine.tick(run.now);
            effects.extend(engine.take_output().effects);
        }
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::StartTool(_))), "{effects:?}");
        let steps = steps_view(engine.find("r2").unwrap().1, None);
        assert_eq!(steps["steps"][0]["result"], json!([0, "done"]));
    }
}

/// A run with thousands of steps, and one that waits.
fn long_run() -> Scenario {
    let items = Value::from((0..3_000).collect::<Vec<_>>()).to_string();
    let tasks = json!({
        "each": foreach("each", &[], &items, &[wait("short", &[], 0)]),
        "long": wait("long", &["each"], 3_600),
    });
    let mut run = Scenario::of(&json!({"name": "w", "tasks": tasks}));
    run.advance(1.0);
    run.engine.signal(RunIx::new(0), "hello", json!({"text": "x".repeat(200_000)}), run.now).unwrap();
    run.take();
    run
}

#[test]
fn a_long_run_is_several_entries_of_a_snapshot() {
    let mut run = long_run();
    let entries = run.engine.snapshot();
    assert!(entries.len() > 3, "{}", entries.len());
    // What the loop knows and the signal are long by themselves.
    assert_eq!(entries.iter().filter(|entry| entry.len() > 66_000).count(), 2);
    let mut snapshot = Snapshot::of(&run.engine);
    let first = snapshot.next_entry(&run.engine).unwrap();
    assert_eq!(first, entries[0]);
    assert!(first.ends_with(r#""goes_on":true}]"#), "{}", &first[first.len() - 100..]);
    support::restored(&run.engine, &run.config);
    run.reopen();
    run.advance(3_600.0);
    run.assert_status("completed");
}

#[test]
fn many_idempotency_keys_are_several_entries_of_a_snapshot() {
    let ids: Vec<String> = (0..40).map(|at| format!("t{at:02}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut definition = independent(&names);
    for id in &ids {
        definition["tasks"][id]["idempotency_key"] = json!(format!("key-{id}"));
    }
    let mut run = Scenario::of(&definition);
    for id in &ids {
        run.succeed(id, json!([id, "x".repeat(10_000)]));
    }
    let entries = run.engine.snapshot();
    // The run itself and its last list of results are one step each.
    assert!(
        entries.iter().all(|entry| entry.len() < 80_000),
        "{:?}",
        entries.iter().map(String::len).collect::<Vec<_>>()
    );
    assert_eq!(entries.join("").matches(r#""type":"key_used""#).count(), 40);
    let again = support::restored(&run.engine, &run.config);
    assert_eq!(again.snapshot(), entries);
}

#[test]
fn a_run_that_does_not_go_on_is_refused() {
    let entries = long_run().engine.snapshot();
    let read = |entries: &[&str]| {
        let mut journal = Journal::default();
        entries.iter().try_for_each(|entry| journal.read(entry).map(drop)).map_err(|error| error.code())
    };
    let whole: Vec<&str> = entries.iter().map(String::as_str).collect();
    assert_eq!(read(&whole), Ok(()));

    let without_second = [&whole[..1], &whole[2..]].concat();
    let another = [whole[0], r#"[{"type":"runs_skipped","count":1}]"#];
    for cut in [&without_second[..], &another] {
        assert_eq!(read(cut), Err(ErrorCode::JournalInvalid));
    }
}

#[test]
fn the_wait_of_a_delayed_task_is_durable() {
    let mut run = Scenario::of(
        &json!({"name": "w", "tasks": {"nap": wait("nap", &[], "PT1H"), "after": task("after", &["nap"])}}),
    );
    run.advance(1_800.0);
    run.reopen();
    run.advance(1_799.0);
    run.expect_no_start();
    run.advance(1.0);
    run.succeed("after", json!(1));
    run.assert_status("completed");
}

#[test]
fn a_replayed_engine_keeps_the_delay_between_attempts() {
    let mut run = Scenario::of(&with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 60.0, 1.0)));
    run.fail("a", "TOOL_FAILED");
    run.reopen();
    run.advance(1.0);
    run.sleep_through(1.0);
    run.expect_no_start();
    run.advance(58.0);
    run.succeed("a", json!(1));
    run.assert_status("completed");
}

#[test]
fn a_replayed_engine_has_the_same_timers() {
    let mut run = Scenario::with_places(1);
    run.submit(&with(independent(&["a", "b"]), "/tasks/a/retry_policy", attempts(2, 1.0, 1.0)));
    run.fail("a", "TOOL_FAILED");
    run.expect_start("b");
    run.advance(5.0);
    let before = run.engine.next_wake();
    run.reopen();
    assert_eq!(run.engine.next_wake(), before);
}
