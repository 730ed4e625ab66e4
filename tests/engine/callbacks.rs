//! What follows success and failure: callbacks, failures that are dealt with, early ends.

use crate::support::operators::{
    self, but, condition, flow, op, parallel, reopen, retry, skipped_because, succeed_all, task, terminate,
    with_args,
};
use crate::support::{self, Scenario, failing_with};
use serde_json::{Value, json};

/// A task with a handler for either outcome, and what follows each, the handlers without dependencies.
fn handled() -> Value {
    flow(&[
        but(task("main", &[]), json!({"on_success_task_id": "good", "on_failure_task_id": "bad"})),
        task("good", &[]),
        task("bad", &[]),
        task("after_good", &["good"]),
        task("after_bad", &["bad"]),
        task("after_main", &["main"]),
    ])
}

#[test]
fn on_success_runs_after_a_success_and_the_other_handler_is_skipped() {
    let mut run = Scenario::of(&handled());
    run.succeed("main", json!(1));
    let calls = run.expect_starts(&["good", "after_main"]);
    for call in &calls {
        run.finish(call, Ok(json!(null)));
    }
    succeed_all(&mut run, &["after_good"]);
    run.assert_status("completed");
    run.assert_steps(
        "main=succeeded good=succeeded bad=skipped after_good=succeeded after_bad=skipped after_main=succeeded",
    );
    assert_eq!(skipped_because(&run, "bad"), "not_chosen");
}

#[test]
fn a_failure_that_its_handler_dealt_with_lets_the_run_complete() {
    let mut run = Scenario::of(&handled());
    run.fail("main", "TOOL_FAILED");
    run.assert_status("running");
    succeed_all(&mut run, &["bad", "after_bad"]);
    run.assert_status("completed");
    run.assert_steps(
        "main=failed good=skipped bad=succeeded after_good=skipped after_bad=succeeded after_main=skipped",
    );
    assert_eq!(skipped_because(&run, "after_main"), "upstream_failed");
    assert_eq!(run.view().get("error"), None);
}

#[test]
fn a_handler_may_depend_on_what_it_handles() {
    let document = flow(&[
        but(task("main", &[]), json!({"on_failure_task_id": "fix"})),
        task("fix", &["main"]),
        task("after", &["fix"]),
    ]);
    let mut run = Scenario::of(&document);
    run.fail("main", "TOOL_FAILED");
    succeed_all(&mut run, &["fix", "after"]);
    run.assert_status("completed");
    let mut run = Scenario::of(&document);
    succeed_all(&mut run, &["main"]);
    run.expect_no_start();
    run.assert_status("completed");
    run.assert_steps("main=succeeded fix=skipped after=skipped");
}

#[test]
fn a_handler_runs_after_the_last_attempt_and_reads_what_the_task_gave() {
    let mut run = Scenario::of(&flow(&[
        but(task("main", &[]), json!({"on_failure_task_id": "fix", "retry_policy": retry(1, "PT5S")})),
        with_args("fix", &[], json!(["{{main_result.stderr}}", "{{main.returncode}}"])),
    ]));
    for stderr in ["first", "last"] {
        let call = run.expect_starts(&["main"]).remove(0);
        run.finish(&call, failing_with(json!({"stderr": stderr, "returncode": 2})));
        if stderr == "first" {
            run.expect_no_start();
            run.advance(5.0);
        }
    }
    let fix = run.expect_start("fix");
    assert_eq!(fix.args, [json!("last"), json!(2)]);
    run.finish(&fix, Ok(json!(null)));
    run.assert_status("completed");
}

#[test]
fn a_handler_that_fails_leaves_the_run_failed_for_the_first_cause() {
    let mut run = Scenario::of(&handled());
    run.fail("main", "EXIT_CODE_NONZERO");
    reopen(&mut run);
    run.fail("bad", "TOOL_UNAVAILABLE");
    run.expect_no_start();
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "EXIT_CODE_NONZERO");
    run.assert_steps(
        "main=failed good=skipped bad=failed after_good=skipped after_bad=skipped after_main=skipped",
    );
}

#[test]
fn a_handler_may_have_a_handler() {
    let mut run = Scenario::of(&flow(&[
        but(task("a", &[]), json!({"on_failure_task_id": "b"})),
        but(task("b", &[]), json!({"on_failure_task_id": "c"})),
        task("c", &[]),
    ]));
    run.fail("a", "TOOL_FAILED");
    run.fail("b", "TOOL_FAILED");
    succeed_all(&mut run, &["c"]);
    // `b` was dealt with, `a` was not: its handler did not succeed.
    run.assert_status("failed");
}

#[test]
fn a_merge_of_a_way_and_its_repair_runs_after_either() {
    let document = flow(&[
        but(task("main", &[]), json!({"on_failure_task_id": "fix"})),
        task("next", &["main"]),
        task("fix", &[]),
        task("merge", &["fix", "next"]),
    ]);
    let mut run = Scenario::of(&document);
    run.fail("main", "TOOL_FAILED");
    succeed_all(&mut run, &["fix", "merge"]);
    run.assert_status("completed");
    let mut run = Scenario::of(&document);
    succeed_all(&mut run, &["main", "next", "merge"]);
    run.assert_status("completed");
    run.assert_steps("main=succeeded next=succeeded fix=skipped merge=succeeded");
}

#[test]
fn terminate_ends_the_run_at_once_in_the_way_it_says() {
    for (status, code) in [("completed", ""), ("failed", "RUN_FAILED"), ("cancelled", "RUN_CANCELLED")] {
        let mut run = Scenario::of(&flow(&[
            task("slow", &[]),
            op("wait", "nap", &[], json!({"wait_for": "PT1H"})),
            task("quick", &[]),
            terminate("end", &["quick"], status, json!({"answer": "{{quick.n}}"}), "for {{quick.n}} reasons"),
            task("never", &["end"]),
        ]));
        let slow = run.expect_start("slow");
        run.succeed("quick", json!({"n": 7}));
        run.expect_no_start();
        run.expect_abort(&slow);
        run.assert_status(status);
        assert_eq!(run.failure_code(), code);
        assert_eq!(run.view()["result"]["output"], json!({"answer": 7}));
        if status != "completed" {
            assert_eq!(run.view()["error"], "for 7 reasons");
        }
        assert_eq!(run.step("slow")["status"], "cancelled");
        assert_eq!(run.step("end")["status"], "succeeded");
    }
}

#[test]
fn terminate_ends_what_waits_for_another_attempt() {
    let retried = but(task("again", &[]), json!({"retry_policy": retry(3, "PT10S")}));
    let end = terminate("end", &["quick"], "completed", json!({}), "");
    let mut run = Scenario::of(&flow(&[retried, task("quick", &[]), end]));
    run.fail("again", "TOOL_FAILED");
    run.succeed("quick", json!(null));
    run.assert_status("completed");
    run.advance(100.0);
    run.expect_no_start();
    run.assert_steps("again=cancelled quick=succeeded end=succeeded");
}

#[test]
fn terminate_skips_what_had_not_started() {
    let run =
        Scenario::of(&flow(&[terminate("end", &[], "completed", json!({}), ""), task("never", &["end"])]));
    run.assert_status("completed");
    run.assert_steps("end=succeeded never=skipped");
}

#[test]
fn terminate_on_a_way_that_is_not_chosen_does_nothing() {
    let mut run = Scenario::of(&flow(&[
        condition("check", &[], "false", Some("end"), None),
        terminate("end", &["check"], "failed", json!({}), ""),
        task("after", &["check"]),
    ]));
    succeed_all(&mut run, &["after"]);
    run.assert_status("completed");
    run.assert_steps("check=succeeded end=skipped after=succeeded");
}

#[test]
fn terminate_inside_a_loop_or_a_branch_ends_the_whole_run() {
    let end = terminate("end", &[], "completed", json!({"x": 1}), "");
    let each = operators::foreach("each", &[], "[1, 2]", std::slice::from_ref(&end));
    let fork = parallel("fork", &[], &[("one", &[end]), ("two", &[task("b", &[])])]);
    for first in [each, fork] {
        let mut run = Scenario::of(&flow(&[first, task("other", &[])]));
        run.assert_status("completed");
        run.expect_no_start();
        assert_eq!(run.view()["result"]["output"], json!({"x": 1}));
        run.advance(1.0);
    }
}

#[test]
fn reopening_at_every_step_of_a_repair_changes_nothing() {
    let mut run = Scenario::of(&handled());
    reopen(&mut run);
    run.fail("main", "TOOL_FAILED");
    reopen(&mut run);
    run.succeed("bad", json!(1));
    reopen(&mut run);
    run.succeed("after_bad", json!(1));
    run.expect_no_start();
    run.assert_status("completed");
}

#[test]
fn cancel_in_a_handler() {
    let mut run = Scenario::of(&handled());
    run.fail("main", "TOOL_FAILED");
    let call = run.expect_start("bad");
    assert!(run.cancel(None));
    run.expect_abort(&call);
    run.finish(&call, Ok(json!(null)));
    run.expect_no_start();
    run.assert_status("cancelled");
}

#[test]
fn a_merge_does_not_care_whether_the_repair_or_the_other_side_is_first() {
    let document = flow(&[
        but(task("main", &[]), json!({"on_failure_task_id": "fix"})),
        task("next", &["main"]),
        task("fix", &[]),
        task("other", &[]),
        task("merge", &["next", "other"]),
    ]);
    let ends = [["fix", "other"], ["other", "fix"]].map(|order| {
        let mut run = Scenario::of(&document);
        run.fail("main", "TOOL_FAILED");
        for id in order {
            run.succeed(id, json!(null));
        }
        run.step("merge")["status"].clone()
    });
    assert_eq!(ends[0], ends[1]);
}

#[test]
fn a_merge_after_a_repair_that_failed_is_skipped() {
    for order in [["fix", "other"], ["other", "fix"]] {
        let mut run = Scenario::of(&flow(&[
            but(task("main", &[]), json!({"on_failure_task_id": "fix"})),
            task("next", &["main"]),
            task("fix", &[]),
            task("other", &[]),
            task("merge", &["next", "other"]),
        ]));
        run.fail("main", "TOOL_FAILED");
        for id in order {
            let call = run.expect_start(id);
            run.finish(&call, if id == "fix" { support::failing("TOOL_FAILED") } else { Ok(json!(null)) });
        }
        run.expect_no_start();
        run.assert_status("failed");
        assert_eq!(skipped_because(&run, "merge"), "upstream_failed");
    }
}

#[test]
fn one_handler_may_serve_two_tasks() {
    let document = flow(&[
        but(task("a", &[]), json!({"on_failure_task_id": "fix"})),
        but(task("b", &["a"]), json!({"on_failure_task_id": "fix"})),
        task("fix", &[]),
    ]);
    let mut run = Scenario::of(&document);
    succeed_all(&mut run, &["a", "b"]);
    run.expect_no_start();
    run.assert_status("completed");
    run.assert_steps("a=succeeded b=succeeded fix=skipped");
    let mut run = Scenario::of(&document);
    succeed_all(&mut run, &["a"]);
    run.fail("b", "TOOL_FAILED");
    succeed_all(&mut run, &["fix"]);
    run.assert_status("completed");
    let mut run = Scenario::of(&document);
    run.fail("a", "TOOL_FAILED");
    succeed_all(&mut run, &["fix"]);
    run.assert_status("completed");
    run.assert_steps("a=failed b=skipped fix=succeeded");
}

#[test]
fn a_failing_on_success_task_fails_the_run_and_leaves_the_original_succeeded() {
    let mut run = Scenario::of(&handled());
    run.succeed("main", json!(1));
    run.fail("good", "TOOL_FAILED");
    run.succeed("after_main", json!(1));
    run.assert_status("failed");
    run.assert_steps(
        "main=succeeded good=failed bad=skipped after_good=skipped after_bad=skipped after_main=succeeded",
    );
}

#[test]
fn a_handler_that_terminates_ends_the_run_as_it_says() {
    for status in ["completed", "failed", "cancelled"] {
        let mut run = Scenario::of(&flow(&[
            but(task("main", &[]), json!({"on_failure_task_id": "end"})),
            terminate("end", &[], status, json!({"x": 1}), "so be it"),
        ]));
        run.fail("main", "TOOL_FAILED");
        run.assert_status(status);
        assert_eq!(run.view()["result"]["output"], json!({"x": 1}));
    }
}

#[test]
fn operators_of_every_kind_have_handlers() {
    let kinds = [
        op("wait", "x", &[], json!({"wait_for": "{{word}}"})),
        condition("x", &[], "{{word}} < 3", None, None),
        op("switch", "x", &[], json!({"switch_on": "{{ghost}}", "cases": {}, "default": null})),
        operators::emit("x", &[], "{{ghost}}", json!({})),
        operators::foreach("x", &[], "{{n}}", &[]),
        operators::while_loop("x", &[], "{{word}} < 3", &[]),
        operators::multi_choice("x", &[], 1, &[("a", "false", &[])]),
        terminate("x", &[], "completed", json!({"x": "{{ghost}}"}), ""),
        op(
            "child_workflow",
            "x",
            &[],
            json!({"children": {"a": {"workflow_name": "ghost"}}, "timeout_seconds": null}),
        ),
    ];
    for kind in kinds {
        let kind = but(kind, json!({"on_failure_task_id": "fix"}));
        let mut run = Scenario::new();
        run.submit_with(&flow(&[kind.clone(), task("fix", &[])]), json!({"word": "abc", "n": 5}));
        assert_eq!(run.step("x")["status"], "failed", "{}", kind["operator_type"]);
        succeed_all(&mut run, &["fix"]);
        run.assert_status("completed");
    }
}

/// A task `main` with a handler.
fn main_with(handler: Value, fields: Value) -> Value {
    let main = but(task("main", &[]), json!({"on_failure_task_id": handler["task_id"]}));
    flow(&[but(main, fields), handler])
}

/// A handler that is told which task failed and why.
fn told_to(id: &str) -> Value {
    with_args(
        id,
        &[],
        json!(["{{failed_task_id}}", "${error_message}", "{{failed_task_id}}: {{error_message}}"]),
    )
}

#[test]
fn a_handler_knows_what_failed_and_why() {
    let retried = json!({"retry_policy": retry(1, "PT1S"), "timeout_policy": operators::timeout("PT9S")});
    let mut run = Scenario::of(&main_with(told_to("fix"), retried));
    run.fail("main", "TOOL_FAILED");
    run.advance(1.0);
    let call = run.expect_start("main");
    run.advance(9.0);
    run.expect_abort(&call);
    let message = "the attempt took longer than its limit of 9 s";
    reopen(&mut run);
    // The last attempt counts.
    let fix = run.succeed("fix", json!(null));
    assert_eq!(fix.args, [json!("main"), json!(message), json!(format!("main: {message}"))]);
    run.assert_status("completed");
}

#[test]
fn operators_of_every_kind_know_it_as_handlers() {
    let id = "{{failed_task_id}}";
    let told = with_args("told", &[], json!([id, "{{error_message}}"]));
    let each = operators::foreach("fix", &[], "[1]", std::slice::from_ref(&told));
    let fork = parallel("fix", &[], &[("a", &[told])]);
    for handler in [each, fork] {
        let mut run = Scenario::of(&main_with(handler, json!({})));
        run.fail("main", "TOOL_FAILED");
        assert_eq!(run.succeed("told", json!(null)).args, [json!("main"), json!("boom")]);
        run.assert_status("completed");
    }
    for handler in [
        condition(
            "fix",
            &[],
            "{{failed_task_id}} == 'main' and {{error_message}} contains 'boom'",
            None,
            None,
        ),
        op("switch", "fix", &[], json!({"switch_on": id, "cases": {}, "default": null})),
        operators::emit("fix", &[], id, json!({"why": "{{error_message}}"})),
        operators::while_loop("fix", &[], "{{failed_task_id}} == 'other'", &[]),
        terminate("fix", &[], "completed", json!({"task": id}), "{{error_message}}"),
    ] {
        let mut run = Scenario::of(&main_with(handler.clone(), json!({})));
        run.fail("main", "TOOL_FAILED");
        run.assert_status("completed");
        let result = operators::result_of(&run, "fix");
        match handler["operator_type"].as_str().unwrap() {
            "condition" => assert_eq!(result["condition"], true),
            "switch" => assert_eq!(result["value"], "main"),
            "emit_event" => assert_eq!(
                (&result["event_name"], &result["payload"]["why"]),
                (&json!("main"), &json!("boom"))
            ),
            "terminate" => assert_eq!(result, json!({"task": "main"})),
            _ => {}
        }
    }
}

#[test]
fn the_failure_of_a_loop_is_that_of_its_round() {
    let each = operators::foreach("main", &[], "[1, 2]", &[task("x", &[])]);
    let mut run = Scenario::of(&flow(&[but(each, json!({"on_failure_task_id": "fix"})), told_to("fix")]));
    run.succeed("x", json!(null));
    run.fail("x", "TOOL_FAILED");
    let fix = run.succeed("fix", json!(null));
    assert_eq!(fix.args[..2], [json!("main"), json!("round 2: task `x` failed: boom")]);
    run.assert_status("completed");
}

#[test]
fn a_handler_of_a_handler_is_told_of_the_handler() {
    let mut run = Scenario::of(&flow(&[
        but(task("a", &[]), json!({"on_failure_task_id": "b"})),
        but(task("b", &[]), json!({"on_failure_task_id": "c"})),
        told_to("c"),
    ]));
    run.fail("a", "TOOL_FAILED");
    run.fail("b", "RATE_LIMITED");
    assert_eq!(run.succeed("c", json!(null)).args[0], "b");
}

#[test]
fn a_handler_in_a_round_is_told_of_its_round() {
    let main = but(with_args("main", &[], json!(["{{item}}"])), json!({"on_failure_task_id": "fix"}));
    let each = operators::foreach("each", &[], "[1, 2]", &[main, told_to("fix")]);
    let mut run = Scenario::of(&flow(&[each]));
    for message in ["one", "two"] {
        let call = run.expect_start("main");
        let failure = highway_wasm::engine::Failure::from_json(&json!({"code": "X", "message": message}));
        run.finish(&call, Err((failure, None)));
        assert_eq!(run.succeed("fix", json!(null)).args[..2], [json!("main"), json!(message)]);
    }
    run.assert_status("completed");
}

#[test]
fn a_handler_of_two_is_told_of_the_one_that_failed_first_and_stays_with_it() {
    let mut run = Scenario::of(&flow(&[
        but(task("a", &[]), json!({"on_failure_task_id": "fix"})),
        but(task("b", &[]), json!({"on_failure_task_id": "fix"})),
        but(told_to("fix"), json!({"retry_policy": retry(1, "PT1S")})),
    ]));
    run.fail("b", "TOOL_FAILED");
    let first = run.expect_start("fix");
    assert_eq!(first.args[0], "b");
    run.advance(1.0);
    run.fail("a", "TOOL_FAILED");
    run.finish(&first, support::failing("TOOL_FAILED"));
    reopen(&mut run);
    run.advance(1.0);
    assert_eq!(run.succeed("fix", json!(null)).args[0], "b", "another attempt is told the same");
    run.assert_status("completed");
}

#[test]
fn outside_of_failure_handlers_nobody_knows_of_a_failure() {
    let told = |id: &str, dependencies: &[&str]| with_args(id, dependencies, json!(["{{error_message}}"]));
    let mut run = Scenario::of(&flow(&[
        but(task("main", &[]), json!({"on_success_task_id": "good", "on_failure_task_id": "bad"})),
        told("good", &[]),
        task("bad", &[]),
        told("after", &["bad"]),
    ]));
    run.fail("main", "TOOL_FAILED");
    run.succeed("bad", json!(null));
    run.assert_status("failed");
    assert_eq!(run.step("after")["error_details"]["code"], "TEMPLATE_UNRESOLVED");

    let mut run = Scenario::of(&flow(&[
        but(task("main", &[]), json!({"on_success_task_id": "good"})),
        told("good", &[]),
    ]));
    run.succeed("main", json!(null));
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn a_slip_in_a_handler_is_told_the_name_that_it_is_near() {
    let mut run = Scenario::of(&main_with(with_args("fix", &[], json!(["{{failed_tsk_id}}"])), json!({})));
    run.fail("main", "TOOL_FAILED");
    run.assert_status("failed");
    assert_eq!(run.step("fix")["error_details"]["code"], "TEMPLATE_UNRESOLVED");
    let told = run.step("fix").to_string();
    assert!(told.contains("`failed_task_id`"), "{told}");
}

#[test]
fn an_input_does_not_hide_what_a_handler_is_told() {
    let mut run = Scenario::new();
    run.submit_with(&main_with(told_to("fix"), json!({})), json!({"error_message": "mine"}));
    run.fail("main", "TOOL_FAILED");
    assert_eq!(run.succeed("fix", json!(null)).args[..2], [json!("main"), json!("boom")]);
}
