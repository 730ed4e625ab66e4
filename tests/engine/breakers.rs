//! Circuits around tools that keep failing.

use crate::support::operators::{
    self, builtin, but, flow, named, op, parallel, reopen, retry, timeout, wait_branches,
};
use crate::support::{self, Scenario, failing};
use highway_wasm::engine::ToolCall;
use serde_json::{Value, json};

/// Failures that open the circuit, successes that close it, and seconds that it stays open.
fn breaker(failures: u32, successes: u32, seconds: u32) -> Value {
    json!({"failure_threshold": failures, "success_threshold": successes,
        "isolation_duration": format!("PT{seconds}S")})
}

/// A task that calls the shaky tool, with a breaker.
fn shaky(id: &str, breaker: &Value) -> Value {
    let task = builtin(id, &[], "tools.test.shaky", json!([]), json!({}));
    but(task, json!({"circuit_breaker_policy": breaker}))
}

/// Submits a run of one shaky task `a`.
fn submit(host: &mut Scenario, breaker: &Value) {
    host.submit(&flow(&[shaky("a", breaker)]));
}

/// A run whose tool is called, and fails.
fn fails(host: &mut Scenario, breaker: &Value, code: &str) {
    submit(host, breaker);
    host.fail("a", code);
}

/// A run whose tool is called, and succeeds.
fn succeeds(host: &mut Scenario, breaker: &Value) {
    submit(host, breaker);
    host.succeed("a", json!(null));
    host.assert_status("completed");
}

/// A run whose tool is called and not over yet.
fn starts(host: &mut Scenario, breaker: &Value) -> ToolCall {
    submit(host, breaker);
    host.expect_starts(&["a"]).remove(0)
}

/// A run whose tool is not called.
fn is_refused(host: &mut Scenario, breaker: &Value) {
    submit(host, breaker);
    host.expect_no_start();
    host.assert_status("failed");
    assert_eq!(host.failure_code(), "TOOL_UNAVAILABLE");
    assert!(host.view()["error"].as_str().unwrap().contains("`tools.test.shaky`"), "{}", host.view());
}

/// An engine whose circuit has just opened.
fn opened(breaker: &Value) -> Scenario {
    let mut host = Scenario::new();
    for _ in 0..breaker["failure_threshold"].as_u64().unwrap() {
        fails(&mut host, breaker, "TOOL_FAILED");
    }
    is_refused(&mut host, breaker);
    host
}

#[test]
fn so_many_failures_in_a_row_open_it() {
    let rule = breaker(3, 1, 30);
    let mut host = Scenario::new();
    for _ in 0..2 {
        fails(&mut host, &rule, "TOOL_FAILED");
        fails(&mut host, &rule, "RATE_LIMITED");
        succeeds(&mut host, &rule);
    }
    for _ in 0..3 {
        fails(&mut host, &rule, "TOOL_FAILED");
    }
    is_refused(&mut host, &rule);
}

#[test]
fn attempts_count_one_by_one_and_a_refused_one_may_be_tried_again() {
    let task = but(shaky("a", &breaker(2, 1, 30)), json!({"retry_policy": retry(3, "PT20S")}));
    let mut run = Scenario::of(&flow(&[task]));
    run.fail("a", "TOOL_FAILED");
    run.advance(20.0);
    run.fail("a", "TOOL_FAILED");
    run.advance(20.0);
    run.expect_no_start();
    run.assert_status("sleeping");
    assert_eq!(run.step("a")["error_details"]["code"], "TOOL_UNAVAILABLE");
    run.advance(20.0);
    assert_eq!(run.succeed("a", json!(1)).attempt, 4);
    run.assert_status("completed");
}

#[test]
fn a_refused_task_may_have_a_handler() {
    let rule = breaker(1, 1, 30);
    let mut host = opened(&rule);
    let task = but(shaky("a", &rule), json!({"on_failure_task_id": "fix"}));
    host.submit(&flow(&[task, operators::with_args("fix", &[], json!(["{{error_message}}"]))]));
    let fix = host.succeed("fix", json!(null));
    assert!(fix.args[0].as_str().unwrap().contains("gets no calls"), "{:?}", fix.args);
    host.assert_status("completed");
}

#[test]
fn it_stays_open_for_its_time_whatever_is_refused_meanwhile() {
    let rule = breaker(2, 1, 30);
    let mut host = opened(&rule);
    for _ in 0..3 {
        host.advance(9.9);
        is_refused(&mut host, &rule);
    }
    host.advance(0.3);
    succeeds(&mut host, &rule);
}

#[test]
fn after_that_one_attempt_probes_and_its_success_closes_it() {
    let rule = breaker(2, 1, 30);
    let mut host = opened(&rule);
    host.advance(30.0);
    let probe = starts(&mut host, &rule);
    for _ in 0..3 {
        is_refused(&mut host, &rule);
    }
    host.advance(100.0);
    is_refused(&mut host, &rule);
    host.finish(&probe, Ok(json!(null)));
    let calls = [starts(&mut host, &rule), starts(&mut host, &rule)];
    // It is closed, and knows nothing of earlier failures.
    host.finish(&calls[0], failing("TOOL_FAILED"));
    host.finish(&calls[1], Ok(json!(null)));
    fails(&mut host, &rule, "TOOL_FAILED");
    fails(&mut host, &rule, "TOOL_FAILED");
    is_refused(&mut host, &rule);
}

#[test]
fn a_probe_that_fails_opens_it_for_its_time_again() {
    let rule = breaker(3, 1, 30);
    let mut host = opened(&rule);
    host.advance(40.0);
    let probe = starts(&mut host, &rule);
    host.advance(5.0);
    host.finish(&probe, failing("TOOL_FAILED"));
    host.advance(29.9);
    is_refused(&mut host, &rule);
    host.advance(0.1);
    succeeds(&mut host, &rule);
    succeeds(&mut host, &rule);
}

#[test]
fn it_takes_so_many_successes_to_close_it_one_after_the_other() {
    let rule = breaker(1, 3, 30);
    let mut host = opened(&rule);
    host.advance(30.0);
    for _ in 0..2 {
        let probe = starts(&mut host, &rule);
        is_refused(&mut host, &rule);
        host.finish(&probe, Ok(json!(null)));
    }
    // A failure among them, and it begins anew.
    fails(&mut host, &rule, "TOOL_FAILED");
    is_refused(&mut host, &rule);
    host.advance(30.0);
    for _ in 0..3 {
        let probe = starts(&mut host, &rule);
        is_refused(&mut host, &rule);
        host.finish(&probe, Ok(json!(null)));
    }
    let calls = [starts(&mut host, &rule), starts(&mut host, &rule)];
    for call in &calls {
        host.finish(call, Ok(json!(null)));
    }
}

#[test]
fn a_probe_that_is_cancelled_makes_room_for_another() {
    let rule = breaker(1, 1, 30);
    let mut host = opened(&rule);
    host.advance(30.0);
    let probe = starts(&mut host, &rule);
    assert!(host.cancel(None));
    host.expect_abort(&probe);
    let probe = starts(&mut host, &rule);
    is_refused(&mut host, &rule);
    host.finish(&probe, Ok(json!(null)));
    succeeds(&mut host, &rule);

    // With its branch.
    let mut host = opened(&rule);
    host.advance(30.0);
    let stop = builtin(
        "stop",
        &["decide"],
        "tools.workflow.cancel_branch",
        json!(["{{fork_fork}}", "one"]),
        json!({}),
    );
    let fork = parallel("fork", &[], &[("one", &[shaky("a", &rule)])]);
    host.submit(&flow(&[fork, operators::task("decide", &["fork"]), stop]));
    let probe = host.expect_start("a");
    host.succeed("decide", json!(null));
    host.expect_abort(&probe);
    succeeds(&mut host, &rule);
}

#[test]
fn only_codes_that_count_open_it() {
    let cases = [
        (json!({"catch_exceptions": ["RATE_LIMITED"]}), vec!["RATE_LIMITED"], vec!["TOOL_FAILED"]),
        (json!({"ignore_exceptions": ["TOOL_FAILED"]}), vec!["RATE_LIMITED", "OTHER"], vec!["TOOL_FAILED"]),
        (
            json!({"catch_exceptions": ["A", "B"], "ignore_exceptions": ["B"]}),
            vec!["A"],
            vec!["B", "TOOL_FAILED"],
        ),
        (json!({"catch_exceptions": []}), vec![], vec!["A", "TOOL_FAILED"]),
        (json!({"catch_exceptions": null, "ignore_exceptions": null}), vec!["A", "TOOL_FAILED"], vec![]),
    ];
    for (codes, counting, other) in cases {
        let rule = but(breaker(1, 1, 30), codes.clone());
        for code in other {
            let mut host = Scenario::new();
            fails(&mut host, &rule, code);
            succeeds(&mut host, &rule);
        }
        for code in counting {
            let mut host = Scenario::new();
            fails(&mut host, &rule, code);
            is_refused(&mut host, &rule);
        }
    }
}

#[test]
fn a_probe_with_a_failure_that_does_not_count_says_nothing() {
    let rule = but(breaker(1, 1, 30), json!({"ignore_exceptions": ["BAD_REQUEST"]}));
    let mut host = opened(&rule);
    host.advance(30.0);
    fails(&mut host, &rule, "BAD_REQUEST");
    // It is neither closed nor open anew.
    let probe = starts(&mut host, &rule);
    is_refused(&mut host, &rule);
    host.finish(&probe, Ok(json!(null)));
    succeeds(&mut host, &rule);
}

#[test]
fn tasks_runs_and_workflows_with_the_tool_share_it_and_others_do_not() {
    let rule = breaker(3, 1, 30);
    let mut host = Scenario::new();
    fails(&mut host, &rule, "TOOL_FAILED");
    host.submit(&named("other", &[shaky("x", &rule), shaky("y", &rule)]));
    host.fail("x", "TOOL_FAILED");
    host.fail("y", "TOOL_FAILED");
    is_refused(&mut host, &rule);
    // Another tool, and a task that asks for no breaker.
    let sound = but(operators::task("sound", &[]), json!({"circuit_breaker_policy": rule}));
    let plain = builtin("plain", &[], "tools.test.shaky", json!([]), json!({}));
    host.submit(&flow(&[sound, plain]));
    host.succeed("sound", json!(null));
    host.succeed("plain", json!(null));
    host.assert_status("completed");
    is_refused(&mut host, &rule);
}

#[test]
fn tasks_without_a_breaker_neither_open_nor_close_it() {
    let rule = breaker(2, 1, 30);
    let plain = flow(&[builtin("plain", &[], "tools.test.shaky", json!([]), json!({}))]);
    let mut host = Scenario::new();
    fails(&mut host, &rule, "TOOL_FAILED");
    host.submit(&plain);
    host.fail("plain", "TOOL_FAILED");
    let call = starts(&mut host, &rule);
    host.submit(&plain);
    host.succeed("plain", json!(null));
    host.finish(&call, failing("TOOL_FAILED"));
    is_refused(&mut host, &rule);
    host.advance(30.0);
    host.submit(&plain);
    host.succeed("plain", json!(null));
    let probe = starts(&mut host, &rule);
    is_refused(&mut host, &rule);
    host.finish(&probe, Ok(json!(null)));
}

#[test]
fn each_task_goes_by_its_own_policy() {
    let (strict, patient) = (breaker(1, 1, 100), breaker(3, 1, 10));
    let mut host = Scenario::new();
    fails(&mut host, &patient, "TOOL_FAILED");
    fails(&mut host, &patient, "TOOL_FAILED");
    let call = starts(&mut host, &patient);
    host.finish(&call, Ok(json!(null)));
    fails(&mut host, &strict, "TOOL_FAILED");
    host.advance(99.9);
    is_refused(&mut host, &patient);
    host.advance(0.1);
    succeeds(&mut host, &patient);
}

#[test]
fn what_began_before_it_opened_says_nothing_about_the_time_after() {
    let rule = breaker(1, 1, 30);
    let mut host = Scenario::new();
    let late: Vec<ToolCall> = (0..4).map(|_| starts(&mut host, &rule)).collect();
    fails(&mut host, &rule, "TOOL_FAILED");
    host.advance(20.0);
    host.finish(&late[0], Ok(json!(null)));
    is_refused(&mut host, &rule);
    host.finish(&late[1], failing("TOOL_FAILED"));
    host.advance(10.0);
    host.finish(&late[2], failing("TOOL_FAILED"));
    let probe = starts(&mut host, &rule);
    host.finish(&late[3], failing("TOOL_FAILED"));
    is_refused(&mut host, &rule);
    host.finish(&probe, Ok(json!(null)));
    succeeds(&mut host, &rule);
}

#[test]
fn an_attempt_that_takes_too_long_is_a_failure_like_any() {
    let rule = breaker(1, 1, 30);
    let mut host = Scenario::new();
    host.submit(&flow(&[but(shaky("a", &rule), json!({"timeout_policy": timeout("PT5S")}))]));
    let call = host.expect_start("a");
    host.advance(5.0);
    host.expect_abort(&call);
    is_refused(&mut host, &rule);
}

#[test]
fn what_fails_before_the_tool_is_called_does_not_count() {
    let rule = breaker(1, 1, 30);
    let guard = json!([{"variable": "ghost", "check": "exists", "value": null, "message": "no"}]);
    for fields in [json!({"args": ["{{ghost}}"]}), json!({"preconditions": guard})] {
        let spoilt = flow(&[but(shaky("a", &rule), fields)]);
        let mut host = Scenario::new();
        host.submit(&spoilt);
        host.assert_status("failed");
        succeeds(&mut host, &rule);

        // Nor does it use up the probe.
        let mut host = opened(&rule);
        host.advance(30.0);
        host.submit(&spoilt);
        host.assert_status("failed");
        succeeds(&mut host, &rule);
    }
}

#[test]
fn a_result_that_breaks_its_guard_is_a_failure_of_the_tool() {
    let rule = breaker(1, 1, 30);
    let guard = json!([{"variable": "{{a_result}}", "check": "equals", "value": 1, "message": "no"}]);
    let mut host = Scenario::new();
    host.submit(&flow(&[but(shaky("a", &rule), json!({"postconditions": guard}))]));
    host.succeed("a", json!(2));
    host.assert_status("failed");
    is_refused(&mut host, &rule);
}

#[test]
fn what_is_known_by_its_key_is_no_success_of_the_tool() {
    let rule = breaker(1, 1, 30);
    let keyed = flow(&[but(shaky("a", &rule), json!({"idempotency_key": "once"}))]);
    let mut host = Scenario::new();
    host.submit(&keyed);
    host.succeed("a", json!(7));
    fails(&mut host, &rule, "TOOL_FAILED");
    host.submit(&keyed);
    host.assert_status("completed");
    is_refused(&mut host, &rule);
}

#[test]
fn it_outlives_the_engine() {
    let rule = breaker(2, 1, 30);
    let mut host = Scenario::new();
    fails(&mut host, &rule, "TOOL_FAILED");
    reopen(&mut host);
    fails(&mut host, &rule, "TOOL_FAILED");
    reopen(&mut host);
    is_refused(&mut host, &rule);
    host.advance(30.0);
    reopen(&mut host);
    let probe = starts(&mut host, &rule);
    reopen(&mut host);
    is_refused(&mut host, &rule);
    reopen(&mut host);
    host.finish(&probe, Ok(json!(null)));
    reopen(&mut host);
    succeeds(&mut host, &rule);
}

#[test]
fn a_probe_that_was_refused_a_place_waits_and_still_probes_alone() {
    let rule = breaker(1, 1, 30);
    let mut host = Scenario::with_places(1);
    fails(&mut host, &rule, "TOOL_FAILED");
    host.submit(&flow(&[operators::task("busy", &[])]));
    let busy = host.expect_start("busy");
    host.advance(30.0);
    submit(&mut host, &rule);
    submit(&mut host, &rule);
    host.expect_no_start();
    host.finish(&busy, Ok(json!(null)));
    let probe = host.expect_starts(&["a"]).remove(0);
    host.finish(&probe, Ok(json!(null)));
    host.succeed("a", json!(null));
    host.assert_status("completed");
}

#[test]
fn tools_of_the_engine_have_circuits_too() {
    let rule = json!({"failure_threshold": 1, "success_threshold": 1, "isolation_duration_seconds": 30.0});
    let execute = |id: &str| {
        let execute =
            builtin(id, &[], "tools.workflow.execute", json!([]), json!({"workflow_name": "child"}));
        flow(&[but(execute, json!({"circuit_breaker_policy": rule}))])
    };
    let mut host = Scenario::new();
    host.engine
        .register(support::registered(&named("child", &[operators::task("x", &[])])), host.now)
        .unwrap();
    let refused = |host: &mut Scenario| {
        host.submit(&execute("go"));
        host.expect_no_start();
        assert_eq!(host.failure_code(), "TOOL_UNAVAILABLE");
    };
    host.submit(&execute("go"));
    host.fail("x", "TOOL_FAILED");
    refused(&mut host);
    host.advance(30.0);
    host.submit(&execute("go"));
    let probe = host.expect_start("x");
    reopen(&mut host);
    refused(&mut host);
    host.finish(&probe, Ok(json!(null)));
    host.submit(&execute("go"));
    host.succeed("x", json!(null));
    host.assert_status("completed");
}

#[test]
fn it_works_in_branches_and_tells_them_apart_from_nothing() {
    let rule = breaker(2, 1, 30);
    let nap = op("wait", "nap", &[], json!({"wait_for": "PT1S"}));
    let after = but(shaky("late", &rule), json!({"dependencies": ["nap"]}));
    let mut run = Scenario::of(&flow(&[
        parallel(
            "fork",
            &[],
            &[("x", &[shaky("x", &rule)]), ("y", &[shaky("y", &rule)]), ("z", &[nap, after])],
        ),
        wait_branches("all", "fork"),
    ]));
    run.fail("x", "TOOL_FAILED");
    run.fail("y", "TOOL_FAILED");
    run.advance(1.0);
    run.expect_no_start();
    assert_eq!(run.step("late")["error_details"]["code"], "TOOL_UNAVAILABLE");
    run.assert_status("failed");
}
