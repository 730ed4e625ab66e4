//! Events, signals, activities, durable waits and approvals.

use crate::support::operators::{
    self, builtin, but, emit, flow, op, receive, reopen, result_of, retry, task, while_loop, with_args,
};
use crate::support::{Scenario, failing};
use highway_wasm::engine::RunIx;
use serde_json::{Value, json};

/// A workflow that waits for an event, and goes on.
fn waiting(event: &str, seconds: Option<u32>) -> Value {
    flow(&[receive("ready", &[], event, seconds), task("after", &["ready"])])
}

fn emitting(event: &str, payload: Value) -> Value {
    flow(&[emit("tell", &[], event, payload)])
}

fn signal(run: &mut Scenario, run_id: &str, name: &str, payload: Value) -> bool {
    let (at, _) = run.engine.find(run_id).unwrap();
    let now = run.now;
    let taken = run.engine.signal(at, name, payload, now);
    run.sleep_through(0.0);
    taken.unwrap()
}

fn decide(run: &mut Scenario, key: &str, approved: bool) -> bool {
    let now = run.now;
    let taken = run.engine.decide(key, approved, "why", "ann", now);
    run.sleep_through(0.0);
    taken
}

#[test]
fn an_event_goes_to_every_run_that_waits_for_it() {
    let mut run = Scenario::new();
    let first = run.submit(&waiting("done", None));
    let second = run.submit(&waiting("done", None));
    let other = run.submit(&waiting("other", None));
    run.assert_status("sleeping");
    assert_eq!(run.engine.next_wake(), None, "it may take for ever");
    run.submit(&emitting("done", json!({"n": 1})));
    run.assert_status("completed");
    for waiter in [first, second] {
        run.focus(&waiter);
        run.succeed("after", json!(null));
        run.assert_status("completed");
        assert_eq!(result_of(&run, "ready")["n"], 1);
    }
    run.focus(&other);
    run.assert_status("sleeping");
}

#[test]
fn an_event_that_came_before_the_wait_satisfies_it() {
    let mut run = Scenario::of(&emitting("done", json!({"n": 1})));
    reopen(&mut run);
    for _ in 0..2 {
        run.submit(&waiting("done", Some(5)));
        run.succeed("after", json!(null));
        run.assert_status("completed");
        assert_eq!(result_of(&run, "ready")["payload"], json!({"n": 1}));
    }
}

#[test]
fn a_run_takes_each_event_once_and_in_order() {
    let mut run = Scenario::new();
    let waiter = run.submit(&flow(&[
        receive("one", &[], "tick", None),
        receive("two", &["one"], "tick", None),
        receive("three", &["two"], "tick", None),
    ]));
    run.submit(&flow(&[
        emit("e1", &[], "tick", json!({"n": 1})),
        emit("e2", &["e1"], "tick", json!({"n": 2})),
    ]));
    run.focus(&waiter);
    run.assert_steps("one=succeeded two=succeeded three=sleeping");
    reopen(&mut run);
    run.submit(&emitting("tick", json!({"n": 3})));
    run.focus(&waiter);
    run.assert_status("completed");
    for (id, n) in [("one", 1), ("two", 2), ("three", 3)] {
        assert_eq!(result_of(&run, id)["n"], n);
    }
}

#[test]
fn of_two_waits_of_one_run_the_first_takes_the_event() {
    let mut run = Scenario::new();
    let waiter = run.submit(&flow(&[receive("one", &[], "tick", None), receive("two", &[], "tick", None)]));
    run.submit(&emitting("tick", json!({"n": 1})));
    run.focus(&waiter);
    run.assert_steps("one=succeeded two=sleeping");
    run.submit(&emitting("tick", json!({"n": 2})));
    run.focus(&waiter);
    run.assert_status("completed");
    assert_eq!(result_of(&run, "two")["n"], 2);
}

#[test]
fn a_run_may_emit_what_it_waits_for() {
    let mut run = Scenario::of(&flow(&[
        emit("tell", &[], "mine", json!({})),
        receive("ready", &["tell"], "mine", Some(1)),
    ]));
    run.assert_status("completed");
    let mut late = Scenario::of(&flow(&[
        receive("ready", &[], "mine", Some(60)),
        task("work", &[]),
        emit("tell", &["work"], "mine", json!({"x": "{{work_result}}"})),
    ]));
    late.succeed("work", json!(5));
    late.assert_status("completed");
    assert_eq!(result_of(&late, "ready")["x"], 5);
    run.advance(100.0);
}

#[test]
fn a_payload_is_read_with_and_without_its_name() {
    for (payload, result) in [
        (
            json!({"path": "/x", "n": 1}),
            json!({"path": "/x", "n": 1, "event_name": "e", "payload": {"path": "/x", "n": 1}}),
        ),
        (json!({}), json!({"event_name": "e", "payload": {}})),
        (json!({"event_name": "own"}), json!({"event_name": "own", "payload": {"event_name": "own"}})),
        (json!({"payload": 3}), json!({"event_name": "e", "payload": {"payload": 3}})),
        (json!("text"), json!({"event_name": "e", "payload": "text"})),
        (json!(null), json!({"event_name": "e", "payload": null})),
        (json!([1]), json!({"event_name": "e", "payload": [1]})),
    ] {
        let mut run = Scenario::new();
        let id = run.submit(&waiting("e", None));
        assert!(signal(&mut run, &id, "e", payload.clone()));
        run.succeed("after", json!(null));
        assert_eq!(result_of(&run, "ready"), result, "{payload}");
        run.assert_status("completed");
    }
}

#[test]
fn names_and_payloads_hold_templates() {
    let mut run = Scenario::new();
    let waiter = run.submit_with(&waiting("order_{{order}}_done", None), json!({"order": 7}));
    let payload = json!({"all": "{{data}}", "text": "n={{data.n}}", "deep": [{"x": "{{data.n}}"}]});
    run.submit_with(&emitting("order_{{order}}_done", payload), json!({"order": 7, "data": {"n": 1}}));
    run.assert_status("completed");
    run.focus(&waiter);
    run.succeed("after", json!(null));
    assert_eq!(
        result_of(&run, "ready")["payload"],
        json!({"all": {"n": 1}, "text": "n=1", "deep": [{"x": 1}]})
    );
    run.assert_status("completed");

    let run = Scenario::of(&emitting("e", json!({"x": "{{ghost}}"})));
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn a_wait_that_takes_too_long_fails_and_may_be_dealt_with() {
    let mut run = Scenario::of(&waiting("e", Some(30)));
    run.advance(29.999);
    run.assert_status("sleeping");
    reopen(&mut run);
    run.advance(0.001);
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
    let message = run.step("ready")["error_details"]["message"].clone();
    assert_eq!(message, "the event `e` did not come within 30 s");
    run.assert_steps("ready=failed after=skipped");

    let ready = but(receive("ready", &[], "e", Some(30)), json!({"on_failure_task_id": "fix"}));
    let mut run = Scenario::of(&flow(&[ready, task("after", &["ready"]), task("fix", &[])]));
    run.advance(30.0);
    run.succeed("fix", json!(null));
    run.assert_status("completed");
    run.submit(&emitting("e", json!({})));
    run.focus("run-1");
    run.assert_steps("ready=failed after=skipped fix=succeeded");
}

#[test]
fn a_wait_may_be_tried_again_and_sleeps_deaf_in_between() {
    let ready = but(receive("ready", &[], "e", Some(10)), json!({"retry_policy": retry(1, "PT5S")}));
    let mut run = Scenario::of(&flow(&[ready]));
    run.advance(10.0);
    run.assert_status("sleeping");
    run.submit(&emitting("e", json!({"n": 1})));
    run.focus("run-1");
    run.assert_status("sleeping");
    run.advance(5.0);
    run.assert_status("completed");
    assert_eq!(result_of(&run, "ready")["n"], 1, "it was kept");
}

#[test]
fn a_signal_goes_to_its_run_alone_and_waits_for_who_asks() {
    let mut run = Scenario::new();
    let first = run.submit(&flow(&[
        task("slow", &[]),
        receive("one", &["slow"], "go", None),
        receive("two", &["one"], "go", None),
    ]));
    let second = run.submit(&waiting("go", None));
    for n in [1, 2] {
        assert!(signal(&mut run, &first, "go", json!({"n": n})));
    }
    run.assert_status("sleeping");
    reopen(&mut run);
    run.focus(&first);
    run.succeed("slow", json!(null));
    run.assert_status("completed");
    assert_eq!((&result_of(&run, "one")["n"], &result_of(&run, "two")["n"]), (&json!(1), &json!(2)));
    assert!(!signal(&mut run, &first, "go", json!({})), "it is over");
    assert!(signal(&mut run, &second, "other", json!({})));
    run.focus(&second);
    run.assert_status("sleeping");
}

#[test]
fn a_wait_in_a_loop_takes_one_event_a_round() {
    let mut run = Scenario::new();
    let mut document = flow(&[while_loop(
        "loop",
        &[],
        "{{ready_result.go_on}} == true",
        &[receive("ready", &[], "e", None)],
    )]);
    document["variables"] = json!({"ready_result": {"go_on": true}});
    let id = run.submit(&document);
    for go_on in [true, true, false] {
        run.assert_status("sleeping");
        assert!(signal(&mut run, &id, "e", json!({"go_on": go_on})));
        reopen(&mut run);
    }
    run.assert_status("completed");
}

#[test]
fn an_event_of_a_way_that_is_not_taken_is_not_emitted() {
    let mut run = Scenario::of(&flow(&[
        operators::condition("check", &[], "false", Some("tell"), None),
        emit("tell", &["check"], "e", json!({})),
    ]));
    run.assert_status("completed");
    run.submit(&waiting("e", None));
    run.assert_status("sleeping");
}

#[test]
fn an_activity_tells_its_end_as_an_event_of_its_run() {
    let activity =
        |id: &str, dependencies: &[&str]| but(task(id, dependencies), json!({"operator_type": "activity"}));
    let mut run = Scenario::of(&flow(&[
        activity("one", &[]),
        activity("two", &[]),
        receive("done_one", &["one"], "{{one_result.completion_event}}", Some(60)),
        receive("done_two", &["done_one", "two"], "activity_two_completed", Some(60)),
        with_args(
            "after",
            &["done_two"],
            json!(["{{done_one_result.result.x}}", "{{done_two_result.status}}", "{{two_result.x}}"]),
        ),
    ]));
    let calls = run.expect_starts(&["one", "two"]);
    run.finish(&calls[1], Ok(json!({"x": 2})));
    reopen(&mut run);
    run.finish(&calls[0], Ok(json!({"x": 1})));
    assert_eq!(run.succeed("after", json!(null)).args, [json!(1), json!("completed"), json!(2)]);
    run.assert_status("completed");
    assert_eq!(result_of(&run, "one")["completion_event"], "activity_one_completed");
    assert_eq!(result_of(&run, "done_one")["payload"]["result"], json!({"x": 1}));

    let mut run = Scenario::of(&flow(&[
        activity("one", &[]),
        receive("done", &["one"], "activity_one_completed", None),
    ]));
    run.fail("one", "TOOL_FAILED");
    run.assert_status("failed");
    run.assert_steps("one=failed done=skipped");
}

#[test]
fn an_activity_of_one_run_is_not_heard_in_another() {
    let mut run = Scenario::new();
    let waiter = run.submit(&waiting("activity_one_completed", None));
    run.submit(&flow(&[but(task("one", &[]), json!({"operator_type": "activity"}))]));
    run.succeed("one", json!(1));
    run.assert_status("completed");
    run.focus(&waiter);
    run.assert_status("sleeping");
}

#[test]
fn a_wait_takes_what_a_template_gives() {
    let nap = || {
        flow(&[
            op("wait", "nap", &[], json!({"wait_for": "{{until}}", "result_key": "woke"})),
            task("after", &["nap"]),
        ])
    };
    for (until, seconds) in [
        (json!(5), 5.0),
        (json!("5"), 5.0),
        (json!(0.5), 0.5),
        (json!("PT1M30S"), 90.0),
        (json!("P1D"), 86_400.0),
        (json!("2030-01-01T00:10:00Z"), 600.0),
        (json!("2030-01-01T01:00:00+00:30"), 1_800.0),
        (json!(0), 0.0),
        (json!(-5), 0.0),
        (json!("1999-01-01"), 0.0),
        (json!("2029-12-31T23:59:59Z"), 0.0),
    ] {
        let mut run = Scenario::new();
        run.submit_with(&nap(), json!({"until": until}));
        if seconds > 0.0 {
            run.advance(seconds - 0.001);
            run.assert_status("sleeping");
            reopen(&mut run);
            run.advance(0.001);
        }
        run.succeed("after", json!(null));
        run.assert_status("completed");
        assert_eq!(run.view()["result"]["woke"], result_of(&run, "nap"), "{until}");
    }
    for until in [json!("soon"), json!(null), json!({"a": 1}), json!("")] {
        let mut run = Scenario::new();
        run.submit_with(&nap(), json!({"until": until}));
        run.assert_status("failed");
        assert_eq!(run.failure_code(), "DURATION_INVALID", "{until}");
    }
}

#[test]
fn a_moment_that_is_over_passes_at_once() {
    for until in ["1999-01-01", "2029-12-31T23:59:59Z", "2030-01-01T00:00:00Z", "2030-01-01T01:00:00+02:00"] {
        let run = Scenario::of(&flow(&[op("wait", "nap", &[], json!({"wait_for": until}))]));
        run.assert_status("completed");
    }
}

#[test]
fn cancel_while_events_signals_and_people_are_waited_for() {
    let ask = builtin("ask", &[], "tools.approval.request", json!(["key", "Title"]), json!({}));
    let mut run = Scenario::of(&flow(&[
        receive("a", &[], "e", Some(60)),
        ask,
        op("wait", "nap", &[], json!({"wait_for": 5})),
    ]));
    run.assert_status("sleeping");
    reopen(&mut run);
    assert!(run.cancel(None));
    run.assert_status("cancelled");
    run.assert_steps("a=cancelled ask=cancelled nap=cancelled");
    assert_eq!(run.engine.approvals().count(), 0);
    assert!(!decide(&mut run, "key", true));
    run.submit(&emitting("e", json!({})));
    run.assert_status("completed");
    run.focus("run-1");
    run.assert_status("cancelled");
}

fn approval(kwargs: Value) -> Value {
    flow(&[
        builtin(
            "ask",
            &[],
            "tools.approval.request",
            json!(["deploy_{{workflow_run_id}}", "Deploy?"]),
            kwargs,
        ),
        with_args("after", &["ask"], json!(["{{ask_result.status}}", "{{ask_result.approved}}"])),
    ])
}

#[test]
fn an_approval_waits_for_its_answer() {
    for (approved, status) in [(true, "approved"), (false, "rejected")] {
        let mut run = Scenario::of(&approval(json!({"description": "to prod", "approval_data": {"v": 2}})));
        run.assert_status("sleeping");
        let (at, _, asked) = run.engine.approvals().next().unwrap();
        assert_eq!(at, RunIx::new(0));
        assert_eq!(
            Value::Object(asked.clone()),
            json!({"approval_key": "deploy_run-1", "title": "Deploy?", "description": "to prod", "approval_data": {"v": 2}})
        );
        reopen(&mut run);
        assert!(!decide(&mut run, "deploy_run-2", true));
        assert!(decide(&mut run, "deploy_run-1", approved));
        assert!(!decide(&mut run, "deploy_run-1", approved), "it was answered");
        assert_eq!(run.succeed("after", json!(null)).args, [json!(status), json!(approved)]);
        run.assert_status("completed");
        let result = result_of(&run, "ask");
        assert_eq!(
            (&result["approver"], &result["timestamp"]),
            (&json!("ann"), &json!("2030-01-01T00:00:00.000Z"))
        );
    }
}

#[test]
fn an_approval_without_an_answer_fails_in_time() {
    for (kwargs, seconds) in [
        (json!({}), 3_600.0),
        (json!({"timeout_seconds": 60}), 60.0),
        (json!({"expires_in_hours": 2}), 7_200.0),
    ] {
        let mut run = Scenario::of(&approval(kwargs));
        run.advance(seconds - 0.001);
        run.assert_status("sleeping");
        run.advance(0.001);
        run.assert_status("failed");
        assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
        let message = run.step("ask")["error_details"]["message"].clone();
        let expected = format!("the approval `deploy_run-1` was not answered within {seconds} s");
        assert_eq!(message, expected);
        assert_eq!(run.engine.approvals().count(), 0);
        assert!(!decide(&mut run, "deploy_run-1", true));
    }
}

#[test]
fn approvals_of_two_runs_have_keys_of_their_own_and_one_key_is_asked_once() {
    let mut run = Scenario::of(&approval(json!({})));
    run.submit(&approval(json!({})));
    assert_eq!(run.engine.approvals().count(), 2);
    assert!(decide(&mut run, "deploy_run-2", true));
    run.succeed("after", json!(null));
    run.assert_status("completed");
    let same =
        flow(&[builtin("ask", &[], "tools.approval.request", json!(["deploy_run-1", "Again?"]), json!({}))]);
    run.submit(&same);
    run.assert_status("failed");
    assert!(decide(&mut run, "deploy_run-1", true));
    run.submit(&same);
    run.assert_status("sleeping");
    let plain =
        flow(&[builtin("ask", &[], "tools.approval.request", json!([]), json!({"message": "Fine?"}))]);
    run.submit(&plain);
    let (_, _, asked) = run.engine.approvals().last().unwrap();
    assert_eq!(asked["title"], "Fine?");
}

#[test]
fn an_approval_takes_no_place_of_a_tool() {
    let mut run = Scenario::with_places(1);
    run.submit(&approval(json!({})));
    run.submit(&flow(&[task("a", &[])]));
    let a = run.expect_start("a");
    run.finish(&a, failing("TOOL_FAILED"));
    run.assert_status("failed");
    assert!(decide(&mut run, "deploy_run-1", true));
    run.succeed("after", json!(null));
    run.focus("run-1");
    run.assert_status("completed");
}
