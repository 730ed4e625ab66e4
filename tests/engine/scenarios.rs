//! The engine as its host sees it: order, failures, retries, cancel. One scenario a test, in virtual time.

use crate::support::{
    self, Scenario, attempts, failing, failing_with, findings, graph, independent, submission, wait, with,
};
use highway_wasm::engine::{Engine, RunIx, Submission, Submitted};
use serde_json::{Value, json};

#[test]
fn a_chain_runs_in_order() {
    let mut run = Scenario::of(&graph(&[("a", &[][..]), ("b", &["a"]), ("c", &["b"])]));
    run.assert_status("running");
    let a = run.expect_start("a");
    assert_eq!((a.attempt, a.tool.as_str(), a.workflow.as_str()), (1, "tools.test.a", "scenario"));
    run.expect_no_start();
    run.advance(1.0);
    run.finish(&a, Ok(json!({"n": 1})));
    run.assert_steps("a=succeeded b=running c=pending");
    run.succeed("b", json!(2));
    run.succeed("c", json!(3));
    run.assert_status("completed");
    assert_eq!(
        run.view()["result"],
        json!({"output": 3, "a_result": {"n": 1}, "b_result": 2, "c_result": 3})
    );
    assert_eq!(run.step("a")["duration_seconds"], 1);
}

#[test]
fn the_order_of_the_definition_does_not_matter() {
    let document = with(graph(&[("c", &["b"][..]), ("a", &[]), ("b", &["a"])]), "/start_task", "c");
    let mut run = Scenario::of(&document);
    for task in ["a", "b", "c"] {
        run.expect_starts(&[task]).iter().for_each(|call| run.finish(call, Ok(json!(task))));
    }
    run.assert_status("completed");
    assert_eq!(run.view()["result"]["output"], "c");
}

#[test]
fn a_diamond_joins_after_both_sides() {
    let mut run = Scenario::of(&graph(&[
        ("top", &[][..]),
        ("left", &["top"]),
        ("right", &["top"]),
        ("end", &["left", "right"]),
    ]));
    run.succeed("top", json!(null));
    let sides = run.expect_starts(&["left", "right"]);
    run.finish(&sides[1], Ok(json!("r")));
    run.expect_no_start();
    run.finish(&sides[0], Ok(json!("l")));
    run.succeed("end", json!("done"));
    run.assert_status("completed");
}

#[test]
fn a_thousand_tasks_fan_out_and_in() {
    let ids: Vec<String> = (0..1_000).map(|n| format!("t{n}")).collect();
    let mut document = graph::<_, String>(&ids.iter().map(|id| (id, &[][..])).collect::<Vec<_>>());
    document["tasks"]["sum"] = support::task("sum", &ids.iter().map(String::as_str).collect::<Vec<_>>());
    document["tasks"]["sum"]["args"] = ids.iter().map(|id| json!(format!("{{{{{id}_result}}}}"))).collect();
    let mut run = Scenario::with_places(100);
    run.submit(&document);
    for (number, id) in ids.iter().enumerate() {
        run.succeed(id, json!(number));
    }
    let sum = run.expect_start("sum");
    assert_eq!(Value::Array(sum.args.clone()), (0..1_000).collect::<Value>());
    run.finish(&sum, Ok(json!(499_500)));
    run.assert_status("completed");
    assert_eq!(run.view()["progress_percentage"], 100);
}

#[test]
fn independent_branches_go_on_after_a_failure_and_the_skip_spreads() {
    let mut run = Scenario::of(&graph(&[
        ("bad", &[][..]),
        ("after_bad", &["bad"]),
        ("far_after_bad", &["after_bad"]),
        ("good", &[]),
        ("after_good", &["good"]),
        ("both", &["after_good", "far_after_bad"]),
    ]));
    let calls = run.expect_starts(&["bad", "good"]);
    run.finish(&calls[0], failing("TOOL_FAILED"));
    run.assert_steps(
        "bad=failed after_bad=skipped far_after_bad=skipped good=running after_good=pending both=skipped",
    );
    run.assert_status("running");
    run.finish(&calls[1], Ok(json!(1)));
    run.succeed("after_good", json!(2));
    run.assert_status("failed");
    let view = run.view();
    assert_eq!(view["error"], "task `bad` failed: boom");
    assert_eq!(view["error_details"]["code"], "TOOL_FAILED");
    assert_eq!(view["result"], json!({"output": 2, "good_result": 1, "after_good_result": 2}));
    assert_eq!(run.step("both")["started_at"], Value::Null);
}

#[test]
fn a_skipped_step_says_why() {
    let mut run = Scenario::of(&graph(&[("a", &[][..]), ("b", &["a"])]));
    run.fail("a", "TOOL_FAILED");
    assert!(run.step("b").to_string().contains("upstream_failed"));
}

#[test]
fn two_failures_are_told_by_the_first_of_the_definition() {
    let mut run = Scenario::of(&independent(&["a", "b"]));
    let calls = run.expect_starts(&["a", "b"]);
    run.finish(&calls[1], failing("TOOL_UNAVAILABLE"));
    run.finish(&calls[0], failing("EXIT_CODE_NONZERO"));
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "EXIT_CODE_NONZERO");
}

#[test]
fn retries_follow_the_policy_in_both_spellings() {
    let dsl = |retries: u32, delay: &str, factor: f64| json!({"max_retries": retries, "delay": delay, "backoff_factor": factor});
    for (policy, delays) in [
        (attempts(4, 10.0, 2.0), vec![10.0, 20.0, 40.0]),
        (dsl(3, "PT10S", 2.0), vec![10.0, 20.0, 40.0]),
        (dsl(4, "PT1M", 1.5), vec![60.0, 90.0, 135.0, 202.5]),
        (attempts(3, 0.25, 1.0), vec![0.25, 0.25]),
        (json!({}), vec![5.0, 10.0, 20.0]),
        (attempts(1, 10.0, 2.0), vec![]),
        (attempts(0, 10.0, 2.0), vec![]),
        (dsl(0, "PT10S", 2.0), vec![]),
        (Value::Null, vec![]),
    ] {
        let mut run = Scenario::of(&with(independent(&["a"]), "/tasks/a/retry_policy", policy.clone()));
        for (failed, delay) in (1..).zip(&delays) {
            assert_eq!(run.fail("a", "TOOL_FAILED").attempt, failed, "{policy}");
            run.assert_status("sleeping");
            run.advance(delay - 0.001);
            run.expect_no_start();
            run.advance(0.001);
        }
        run.fail("a", "TOOL_FAILED");
        run.assert_status("failed");
        assert_eq!(run.step("a")["retry_count"], delays.len(), "{policy}");
    }
}

#[test]
fn a_retry_without_delay_starts_at_once() {
    let mut run = Scenario::of(&with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 0.0, 1.0)));
    run.fail("a", "TOOL_FAILED");
    run.advance(0.0);
    run.succeed("a", json!(1));
    run.assert_status("completed");
}

#[test]
fn the_next_attempt_may_succeed() {
    let mut run = Scenario::of(&with(
        graph(&[("a", &[][..]), ("b", &["a"])]),
        "/tasks/a/retry_policy",
        attempts(3, 1.0, 2.0),
    ));
    let first = run.expect_start("a");
    run.finish(&first, failing_with(json!({"stdout": "half", "returncode": 1})));
    assert_eq!(run.step("a")["result"]["stdout"], "half");
    run.advance(1.0);
    let second = run.expect_start("a");
    assert_eq!(second.attempt, 2);
    run.finish(&second, Ok(json!({"stdout": "whole", "returncode": 0})));
    run.succeed("b", json!(null));
    run.assert_status("completed");
    let step = run.step("a");
    assert_eq!((&step["retry_count"], &step["result"]["stdout"]), (&json!(1), &json!("whole")));
    assert_eq!(step.get("error"), None);
    let logs = highway_wasm::engine::step_logs(run.run(), Some("a"));
    let streams: Vec<_> = logs["logs"].as_array().unwrap().iter().map(|log| log["stream"].as_str()).collect();
    assert_eq!(streams, [Some("stdout"), Some("error"), Some("stdout")]);
}

#[test]
fn the_policy_of_the_workflow_is_used_where_a_task_has_none() {
    let document = with(
        independent(&["a"]),
        "/default_retry_policy",
        json!({"max_retries": 1, "delay": "PT3S", "backoff_factor": 2.0}),
    );
    let mut run = Scenario::of(&document);
    run.fail("a", "TOOL_FAILED");
    run.advance(3.0);
    run.succeed("a", json!(1));
    run.assert_status("completed");
}

#[test]
fn what_would_fail_again_is_not_tried_again() {
    let document = with(independent(&["a"]), "/tasks/a/retry_policy", attempts(5, 1.0, 2.0));
    for code in ["TOOL_NOT_REGISTERED", "TOOL_UNAVAILABLE", "TOOL_ARGUMENTS_INVALID"] {
        let mut run = Scenario::of(&document);
        run.fail("a", code);
        run.assert_status("failed");
        assert_eq!(run.failure_code(), code);
    }
    for (failure, status) in [
        (json!({"code": "MY_OWN", "retryable": false}), "failed"),
        (json!({"code": "MY_OWN"}), "sleeping"),
        (json!({"code": "TOOL_UNAVAILABLE", "retryable": true}), "sleeping"),
        (json!({}), "sleeping"),
    ] {
        let mut run = Scenario::of(&document);
        let call = run.expect_start("a");
        run.finish(&call, Err((highway_wasm::engine::Failure::from_json(&failure), None)));
        run.assert_status(status);
    }
}

#[test]
fn the_output_of_a_failed_task_is_kept() {
    let mut run = Scenario::of(&with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 1.0, 2.0)));
    for stderr in ["first", "last"] {
        let call = run.expect_start("a");
        run.finish(&call, failing_with(json!({"stdout": "", "stderr": stderr, "returncode": 3})));
        run.advance(1.0);
    }
    run.assert_status("failed");
    let step = run.step("a");
    assert_eq!(step["result"], json!({"stdout": "", "stderr": "last", "returncode": 3}));
    assert_eq!(step["error_details"]["code"], "EXIT_CODE_NONZERO");
    assert_eq!(run.view()["result"], json!({"output": null}), "a failed task has no result key");
}

#[test]
fn places_are_shared_by_all_runs_and_given_in_order() {
    let mut run = Scenario::with_places(2);
    let first = run.submit(&independent(&["a", "b", "c"]));
    let second = run.submit(&independent(&["d"]));
    run.assert_status("pending");
    let calls = run.expect_starts(&["a", "b"]);
    run.finish(&calls[1], Ok(json!(null)));
    let c = run.expect_start("c");
    run.expect_no_start();
    run.finish(&c, failing("TOOL_FAILED"));
    run.succeed("d", json!(null));
    run.assert_status("completed");
    run.focus(&first);
    run.finish(&calls[0], Ok(json!(null)));
    run.assert_status("failed");
    assert_ne!(first, second);
}

#[test]
fn a_retry_that_is_due_waits_for_a_place() {
    let mut run = Scenario::with_places(1);
    run.submit(&with(independent(&["a", "b"]), "/tasks/a/retry_policy", attempts(2, 1.0, 1.0)));
    run.fail("a", "TOOL_FAILED");
    let b = run.expect_start("b");
    run.advance(5.0);
    run.expect_no_start();
    assert_eq!(run.engine.next_wake(), None, "there is nothing to wake up for");
    run.finish(&b, Ok(json!(null)));
    run.succeed("a", json!(null));
    run.assert_status("completed");
}

#[test]
fn cancel_while_pending_for_a_place() {
    let mut run = Scenario::with_places(1);
    run.submit(&independent(&["a"]));
    let a = run.expect_start("a");
    run.submit(&graph(&[("b", &[][..]), ("c", &["b"])]));
    assert!(run.cancel(Some("not needed")));
    run.assert_status("cancelled");
    run.assert_steps("b=cancelled c=cancelled");
    assert_eq!(run.view()["error"], "not needed");
    run.finish(&a, Ok(json!(null)));
    run.expect_no_start();
}

#[test]
fn cancel_while_running_kills_what_runs() {
    let mut run = Scenario::of(&graph(&[("a", &[][..]), ("b", &[]), ("c", &["a"])]));
    let calls = run.expect_starts(&["a", "b"]);
    run.finish(&calls[0], Ok(json!("kept")));
    let c = run.expect_start("c");
    assert!(run.cancel(None));
    assert!(run.expect_abort(&calls[1]).contains("cancelled"));
    run.expect_abort(&c);
    run.assert_status("cancelled");
    run.assert_steps("a=succeeded b=cancelled c=cancelled");
    assert_eq!(run.view()["result"]["a_result"], "kept");
    run.finish(&c, Ok(json!("too late")));
    run.assert_status("cancelled");
    run.assert_steps("a=succeeded b=cancelled c=cancelled");
}

#[test]
fn cancel_frees_the_places_for_other_runs() {
    let mut run = Scenario::with_places(1);
    let first = run.submit(&independent(&["a"]));
    let second = run.submit(&independent(&["b"]));
    run.focus(&first);
    let a = run.expect_start("a");
    run.cancel(None);
    run.expect_abort(&a);
    run.focus(&second);
    run.succeed("b", json!(null));
    run.assert_status("completed");
}

#[test]
fn cancel_while_sleeping_and_retrying() {
    let mut run = Scenario::of(&json!({"name": "w", "tasks": {"nap": wait("nap", &[], "PT1H")}}));
    run.assert_status("sleeping");
    assert!(run.cancel(None));
    run.assert_status("cancelled");
    run.assert_steps("nap=cancelled");

    let mut run = Scenario::of(&with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 60.0, 1.0)));
    run.fail("a", "TOOL_FAILED");
    assert!(run.cancel(None));
    run.assert_status("cancelled");
    run.advance(120.0);
    run.expect_no_start();
    run.assert_steps("a=cancelled");
}

#[test]
fn cancel_while_a_due_retry_waits_for_a_place() {
    let mut run = Scenario::with_places(1);
    let retrying = run.submit(&with(independent(&["a"]), "/tasks/a/retry_policy", attempts(2, 1.0, 1.0)));
    run.fail("a", "TOOL_FAILED");
    run.submit(&independent(&["b"]));
    let b = run.expect_start("b");
    run.advance(2.0);
    run.focus(&retrying);
    assert!(run.cancel(None));
    run.finish(&b, Ok(json!(null)));
    run.expect_no_start();
    run.assert_status("cancelled");
}

#[test]
fn cancel_after_the_end_changes_nothing() {
    for (outcome, status) in [(Ok(json!(1)), "completed"), (failing("TOOL_FAILED"), "failed")] {
        let mut run = Scenario::of(&independent(&["a"]));
        let a = run.expect_start("a");
        run.finish(&a, outcome);
        let view = run.view();
        run.advance(1.0);
        assert!(!run.cancel(Some("late")));
        run.assert_status(status);
        assert_eq!(run.view(), view);
    }
    let mut run = Scenario::of(&independent(&["a"]));
    assert!(run.cancel(Some("first")));
    assert!(!run.cancel(Some("second")));
    assert_eq!(run.view()["error"], "first");
    assert!(!run.engine.cancel(RunIx::new(99), None, run.now));
}

#[test]
fn a_key_begins_one_run() {
    let mut engine = Engine::default();
    let keyed = |document: &Value, run_id: &str, inputs: Value| Submission {
        key: Some("k".into()),
        inputs: inputs.as_object().unwrap().clone(),
        ..submission(document, run_id)
    };
    let (one, other) = (independent(&["a"]), independent(&["b"]));
    assert_eq!(engine.submit(keyed(&one, "r1", json!({})), 0), Ok(Submitted::Created(RunIx::new(0))));
    assert_eq!(engine.submit(keyed(&one, "r2", json!({})), 1), Ok(Submitted::Repeated(RunIx::new(0))));
    assert_eq!(engine.submit(keyed(&one, "r3", json!({"x": 1})), 2), Ok(Submitted::Conflict(RunIx::new(0))));
    assert_eq!(engine.submit(keyed(&other, "r4", json!({})), 3), Ok(Submitted::Conflict(RunIx::new(0))));
    engine.cancel(RunIx::new(0), None, 4);
    assert_eq!(engine.submit(keyed(&one, "r5", json!({})), 5), Ok(Submitted::Repeated(RunIx::new(0))));
    assert_eq!(engine.runs().len(), 1);
    assert!(engine.find("r2").is_none());
}

#[test]
fn a_dependency_named_twice_counts_once() {
    let document = graph(&[("a", &[][..]), ("b", &["a", "a"])]);
    let mut run = Scenario::of(&document);
    run.succeed("a", json!(1));
    run.succeed("b", json!(2));
    run.expect_no_start();
    run.assert_status("completed");
    let mut run = Scenario::of(&document);
    run.fail("a", "TOOL_FAILED");
    run.assert_steps("a=failed b=skipped");
    run.assert_status("failed");
}

#[test]
fn what_cannot_run_is_refused_before_it_starts() {
    let cases = [
        (json!({"name": "w", "tasks": {}}), vec!["DOCUMENT_INVALID /tasks"]),
        (json!({"name": "w"}), vec!["DOCUMENT_INVALID /tasks"]),
        (graph(&[("a", &["a"][..])]), vec!["DEPENDENCY_SELF /tasks/a/dependencies/0"]),
        (graph(&[("a", &["b"][..]), ("b", &["a"])]), vec!["DEPENDENCY_CYCLE /tasks/a/dependencies"]),
        (graph(&[("a", &["ghost"][..])]), vec!["DEPENDENCY_UNKNOWN /tasks/a/dependencies/0"]),
        (with(independent(&["a", "b"]), "/tasks/b/task_id", "a"), vec!["TASK_DUPLICATE /tasks/b"]),
        (with(independent(&["a"]), "/schedule", "0 2 * *"), vec!["SCHEDULE_INVALID /schedule"]),
        (
            with(independent(&["a"]), "/tasks/a/timeout_seconds", -1),
            vec!["DURATION_NOT_POSITIVE /tasks/a/timeout_policy/timeout"],
        ),
    ];
    for (document, expected) in cases {
        assert_eq!(findings(&document), expected, "{document}");
    }
}

#[test]
fn a_callback_is_refused_or_waits_for_its_failure() {
    let document = with(independent(&["a", "handler"]), "/tasks/a/on_failure_task_id", "handler");
    if findings(&document).is_empty() {
        let mut run = Scenario::of(&document);
        run.succeed("a", json!(1));
        run.expect_no_start();
    }
}
