//! Waits and time limits, in virtual time.

use crate::support::{self, START, Scenario, attempts, graph, independent, wait, with};
use serde_json::{Value, json};

/// A workflow of one wait and one task after it.
fn nap(wait_for: impl Into<Value>) -> Value {
    let tasks = json!({"nap": wait("nap", &[], wait_for), "after": support::task("after", &["nap"])});
    json!({"name": "w", "tasks": tasks})
}

#[test]
fn a_wait_sleeps_as_long_as_any_spelling_says() {
    for (wait_for, seconds) in [
        (json!(5), 5.0),
        (json!(0.5), 0.5),
        (json!("PT90S"), 90.0),
        (json!("PT1H30M"), 5_400.0),
        (json!("P1D"), 86_400.0),
        (json!("P2DT3H"), 183_600.0),
        (json!("duration:7"), 7.0),
        (json!("2030-01-01T00:10:00Z"), 600.0),
        (json!("2030-01-01T01:00:00+00:30"), 1_800.0),
        (json!("datetime:2030-01-01T00:00:30"), 30.0),
        (json!("2030-01-02"), 86_400.0),
    ] {
        let mut run = Scenario::of(&nap(wait_for.clone()));
        run.assert_status("sleeping");
        assert_eq!(run.view()["current_step"], "nap");
        run.advance(seconds - 0.001);
        run.assert_steps("nap=sleeping after=pending");
        run.advance(0.001);
        run.assert_steps("nap=succeeded after=running");
        run.succeed("after", json!(1));
        run.assert_status("completed");
        assert_eq!(run.step("nap")["duration_seconds"].as_f64(), Some(seconds), "{wait_for}");
    }
}

#[test]
fn a_moment_in_the_past_passes_at_once() {
    for wait_for in [
        json!("2029-12-31T23:59:59.999Z"),
        json!("1999-01-01"),
        json!(0),
        json!("PT0S"),
        json!("2030-01-01T00:00:00Z"),
    ] {
        let mut run = Scenario::of(&nap(wait_for));
        run.succeed("after", json!(1));
        run.assert_status("completed");
    }
}

#[test]
fn a_workflow_of_nothing_but_waits_completes() {
    let tasks = json!({"one": wait("one", &[], 1), "two": wait("two", &["one"], 2), "past": wait("past", &["two"], 0)});
    let mut run = Scenario::of(&json!({"name": "w", "tasks": tasks}));
    run.advance(3.0);
    run.assert_status("completed");
    let mut run = Scenario::of(&json!({"name": "w", "tasks": {"past": wait("past", &[], 0)}}));
    run.advance(0.0);
    run.assert_status("completed");
}

#[test]
fn a_host_that_slept_wakes_what_is_due() {
    let mut run = Scenario::of(&nap("PT1M"));
    run.sleep_through(3_600.0);
    run.succeed("after", json!(1));
    run.assert_status("completed");
    assert_eq!(run.step("nap")["completed_at"], "2030-01-01T01:00:00.000Z");
}

#[test]
fn a_wait_takes_no_place() {
    let mut run = Scenario::with_places(1);
    let mut document = nap(10);
    document["tasks"]["long"] = support::task("long", &[]);
    document["tasks"].as_object_mut().unwrap().sort_keys();
    run.submit(&document);
    let long = run.expect_start("long");
    run.assert_steps("after=pending long=running nap=sleeping");
    run.advance(10.0);
    run.finish(&long, Ok(json!(1)));
    run.succeed("after", json!(1));
    run.assert_status("completed");
}

#[test]
fn an_attempt_that_takes_too_long_is_aborted_and_tried_again() {
    for (key, limit) in [
        ("timeout_seconds", json!(30)),
        ("timeout_policy", json!({"timeout": "PT30S", "kill_on_timeout": true})),
    ] {
        let document = with(independent(&["a"]), &format!("/tasks/a/{key}"), limit);
        let mut run = Scenario::of(&with(document, "/tasks/a/retry_policy", attempts(2, 10.0, 2.0)));
        let first = run.expect_start("a");
        assert_eq!(first.deadline, Some(START + 30_000));
        run.advance(29.999);
        run.assert_steps("a=running");
        run.advance(0.001);
        assert!(run.expect_abort(&first).contains("time limit"));
        run.assert_status("sleeping");
        assert_eq!(run.step("a")["error_details"]["code"], "TASK_TIMED_OUT");

        run.finish(&first, Ok(json!("too late")));
        run.assert_status("sleeping");
        run.advance(10.0);
        let second = run.expect_start("a");
        assert_eq!((second.attempt, second.deadline), (2, Some(START + 70_000)));
        assert_ne!(first.call, second.call);
        run.finish(&first, support::failing("TOOL_FAILED"));
        run.assert_steps("a=running");
        run.finish(&second, Ok(json!("in time")));
        run.assert_status("completed");
        assert_eq!(run.view()["result"]["output"], "in time");
    }
}

#[test]
fn an_attempt_that_may_run_on_after_its_limit_has_failed_all_the_same() {
    let policy = json!({"timeout": "PT30S", "kill_on_timeout": false});
    let document = with(independent(&["a"]), "/tasks/a/timeout_policy", policy);
    let mut run = Scenario::of(&with(document, "/tasks/a/retry_policy", attempts(2, 10.0, 1.0)));
    let first = run.expect_start("a");
    run.advance(30.0);
    assert_eq!(run.step("a")["error_details"]["code"], "TASK_TIMED_OUT");
    run.finish(&first, Ok(json!("too late")));
    run.assert_status("sleeping");
    run.advance(10.0);
    assert_eq!(run.succeed("a", json!("in time")).attempt, 2);
    run.assert_status("completed");
    assert_eq!(run.view()["result"]["output"], "in time");
}

#[test]
fn the_last_attempt_that_takes_too_long_fails_the_run() {
    let mut run = Scenario::of(&with(graph(&[("a", &[][..]), ("b", &["a"])]), "/tasks/a/timeout_seconds", 2));
    let call = run.expect_start("a");
    run.advance(2.0);
    run.expect_abort(&call);
    run.assert_status("failed");
    run.assert_steps("a=failed b=skipped");
    assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
}

#[test]
fn an_aborted_attempt_frees_its_place() {
    let mut run = Scenario::with_places(1);
    run.submit(&with(independent(&["a", "b"]), "/tasks/a/timeout_seconds", 2));
    let a = run.expect_start("a");
    run.advance(2.0);
    run.expect_abort(&a);
    run.succeed("b", json!(1));
    run.assert_status("failed");
}

#[test]
fn a_task_that_waits_for_a_place_does_not_lose_its_time() {
    let mut run = Scenario::with_places(1);
    run.submit(&with(independent(&["a", "b"]), "/tasks/b/timeout_seconds", 5));
    let a = run.expect_start("a");
    run.advance(60.0);
    run.finish(&a, Ok(json!(1)));
    let b = run.expect_start("b");
    assert_eq!(b.deadline, Some(START + 65_000));
    run.finish(&b, Ok(json!(1)));
    run.assert_status("completed");
}

#[test]
fn the_time_limit_of_the_workflow_aborts_everything() {
    let mut document = with(
        graph(&[("running", &[][..]), ("retrying", &[]), ("later", &["running"])]),
        "/timeout_seconds",
        60,
    );
    document["tasks"]["nap"] = wait("nap", &[], "P1D");
    document["tasks"]["retrying"]["retry_policy"] = attempts(2, 600.0, 1.0);
    let mut run = Scenario::of(&document);
    run.fail("retrying", "TOOL_FAILED");
    let call = run.expect_start("running");
    run.advance(59.999);
    run.assert_status("running");
    run.advance(0.001);
    assert!(run.expect_abort(&call).contains("time limit"));
    run.assert_status("failed");
    run.assert_steps("running=cancelled retrying=cancelled later=cancelled nap=cancelled");
    assert_eq!(run.view()["error_details"]["code"], "RUN_TIMED_OUT");
    run.finish(&call, Ok(json!(1)));
    run.advance(100_000.0);
    run.expect_no_start();
    run.assert_status("failed");
}

#[test]
fn the_time_limit_counts_from_the_submission() {
    let mut run = Scenario::with_places(1);
    let first = run.submit(&independent(&["a"]));
    let second = run.submit(&with(independent(&["b"]), "/timeout_seconds", 5));
    run.advance(5.0);
    run.assert_status("failed");
    run.focus(&first);
    run.succeed("a", json!(1));
    run.expect_no_start();
    run.assert_status("completed");
    run.focus(&second);
    assert_eq!(run.view()["started_at"], Value::Null);
}

#[test]
fn a_run_that_ends_in_time_has_no_limit_left() {
    let mut run = Scenario::of(&with(independent(&["a"]), "/timeout_seconds", 60));
    run.advance(59.0);
    run.succeed("a", json!(1));
    run.assert_status("completed");
    run.advance(60.0);
    run.assert_status("completed");
}

#[test]
fn enormous_times_do_not_overflow() {
    let document = with(nap("P100000Y"), "/timeout_seconds", 8e12);
    let mut run = Scenario::of(&with(document, "/tasks/after/timeout_seconds", 8e12));
    run.assert_status("sleeping");
    assert!(run.engine.next_wake().is_some_and(|at| at > START));
    run.cancel(None);
    run.assert_status("cancelled");
}

#[test]
fn impossible_policies_are_refused() {
    for (pointer, value) in [
        ("/tasks/a/timeout_seconds", json!(0)),
        ("/tasks/a/timeout_seconds", json!(1e300)),
        ("/tasks/a/retry_policy", attempts(3, 10.0, 0.5)),
        ("/tasks/a/retry_policy", attempts(3, 10.0, -2.0)),
    ] {
        let document = with(independent(&["a"]), pointer, value);
        assert_eq!(support::findings(&document).len(), 1, "{document}");
    }
}
