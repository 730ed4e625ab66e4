//! Branches: forks, waits for them, what they can read, and joins.

use crate::support::operators::{
    self, all_steps, builtin, but, flow, op, parallel, reopen, result_of, retry, short_fork, task,
    wait_branch, wait_branches, with_args,
};
use crate::support::{Scenario, failing};
use serde_json::{Value, json};

/// Two branches of two tasks each.
fn fork() -> Value {
    parallel(
        "fork",
        &[],
        &[
            ("Left", &[task("l1", &[]), task("l2", &["l1"])]),
            ("right", &[task("r1", &[]), task("r2", &["r1"])]),
        ],
    )
}

/// The fork, and a task that waits for all of it.
fn fork_and_wait(more: &[Value]) -> Value {
    flow(&[&[fork(), wait_branches("all", "fork")], more].concat())
}

fn cancel_branch(id: &str, dependencies: &[&str], branch: &str) -> Value {
    builtin(id, dependencies, "tools.workflow.cancel_branch", json!(["{{fork_fork}}", branch]), json!({}))
}

#[test]
fn a_fork_starts_its_branches_and_goes_on_at_once() {
    let mut run = Scenario::of(&flow(&[fork(), task("beside", &["fork"]), wait_branches("all", "fork")]));
    run.assert_status("running");
    let calls = run.expect_starts(&["l1", "r1", "beside"]);
    assert_eq!(run.step("fork")["status"], "succeeded");
    let result = result_of(&run, "fork");
    assert!(result["join_event_name"].is_string());
    assert_eq!(result["branches"], json!(["Left", "right"]));
    assert!(result["spawned_tasks"].is_array());
    for call in &calls {
        run.finish(call, Ok(json!(null)));
    }
    for id in ["l2", "r2"] {
        run.succeed(id, json!(id));
    }
    run.assert_status("completed");
    assert_eq!(result_of(&run, "all"), json!({"Left": "l2", "right": "r2"}));
}

#[test]
fn branches_run_side_by_side_and_each_is_a_chain() {
    let mut run = Scenario::of(&fork_and_wait(&[task("after", &["all"])]));
    let calls = run.expect_starts(&["l1", "r1"]);
    run.finish(&calls[0], Ok(json!(1)));
    let l2 = run.expect_starts(&["l2"]).remove(0);
    reopen(&mut run);
    run.finish(&l2, Ok(json!("left")));
    run.expect_no_start();
    run.finish(&calls[1], Ok(json!(1)));
    reopen(&mut run);
    run.succeed("r2", json!("right"));
    run.succeed("after", json!(null));
    run.assert_status("completed");
}

#[test]
fn a_branch_reads_its_parent_and_not_the_other_branches() {
    let document = flow(&[
        task("before", &[]),
        parallel(
            "fork",
            &["before"],
            &[
                ("a", &[with_args("a1", &[], json!(["{{before_result}}", "{{word}}"])), task("a2", &["a1"])]),
                ("b", &[task("b1", &[]), with_args("b2", &["b1"], json!(["{{a1_result}}"]))]),
            ],
        ),
        wait_branches("all", "fork"),
    ]);
    let mut run = Scenario::new();
    run.submit_with(&document, json!({"word": "w"}));
    run.succeed("before", json!("p"));
    assert_eq!(run.succeed("a1", json!("secret")).args, [json!("p"), json!("w")]);
    run.succeed("a2", json!(1));
    run.succeed("b1", json!(1));
    run.expect_no_start();
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn what_a_branch_gave_is_private_until_it_was_waited_for() {
    let peek = |id: &str, dependencies: &[&str]| with_args(id, dependencies, json!(["{{a1_result}}"]));
    let mut run = Scenario::of(&flow(&[short_fork(), task("gate", &[]), peek("early", &["gate", "fork"])]));
    run.succeed("a1", json!("x"));
    run.succeed("b1", json!("y"));
    run.succeed("gate", json!(null));
    run.expect_no_start();
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");

    let waits = [wait_branches("wait", "fork"), wait_branch("wait", &["fork"], "fork", "a", 60)];
    for wait in waits {
        let mut run = Scenario::of(&flow(&[short_fork(), wait, peek("late", &["wait"])]));
        run.succeed("b1", json!("y"));
        run.succeed("a1", json!("x"));
        assert_eq!(run.succeed("late", json!(null)).args, [json!("x")]);
        run.assert_status("completed");
    }
}

#[test]
fn a_wait_for_one_branch_does_not_show_what_another_gave() {
    let peek = with_args("peek", &["wait"], json!(["{{b1_result}}"]));
    let mut run = Scenario::of(&flow(&[short_fork(), wait_branch("wait", &["fork"], "fork", "a", 60), peek]));
    run.succeed("b1", json!("y"));
    run.succeed("a1", json!("x"));
    run.expect_no_start();
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn the_names_of_the_parent_win_over_those_of_a_branch() {
    let own = but(task("own", &[]), json!({"result_key": "shared"}));
    let inner = but(task("inner", &[]), json!({"result_key": "shared"}));
    let mut run = Scenario::of(&flow(&[
        own,
        parallel(
            "fork",
            &["own"],
            &[("a", &[inner, with_args("reader", &["inner"], json!(["{{shared}}"]))])],
        ),
        wait_branches("all", "fork"),
        with_args("after", &["all"], json!(["{{shared}}"])),
    ]));
    run.succeed("own", json!("parent"));
    run.succeed("inner", json!("branch"));
    assert_eq!(run.succeed("reader", json!(null)).args, [json!("branch")]);
    assert_eq!(run.succeed("after", json!(null)).args, [json!("parent")]);
    run.assert_status("completed");
    assert_eq!(run.view()["result"]["shared"], "parent");
}

#[test]
fn a_branch_keeps_the_variables_that_it_sets() {
    let count = builtin("count", &[], "tools.simple_counter.increment_counter", json!([]), json!({}));
    let mut document = flow(&[
        parallel("fork", &[], &[("a", &[count])]),
        wait_branches("all", "fork"),
        with_args("after", &["all"], json!(["{{counter}}", "{{all_result.a.counter}}"])),
    ]);
    document["variables"] = json!({"counter": 5});
    let mut run = Scenario::of(&document);
    assert_eq!(run.succeed("after", json!(null)).args, [json!(5), json!(6)]);
    run.assert_status("completed");
}

#[test]
fn a_branch_does_not_see_what_its_parent_learns_after_the_fork() {
    let mut run = Scenario::of(&flow(&[
        parallel(
            "fork",
            &[],
            &[("a", &[task("a1", &[]), with_args("a2", &["a1"], json!(["{{later_result}}"]))])],
        ),
        task("later", &["fork"]),
        wait_branches("all", "fork"),
    ]));
    run.succeed("later", json!(1));
    run.succeed("a1", json!(1));
    run.expect_no_start();
    run.assert_status("failed");
}

#[test]
fn a_wait_for_one_branch_gives_what_its_last_task_gave() {
    let mut run = Scenario::of(&flow(&[
        fork(),
        wait_branch("one", &["fork"], "fork", "right", 60),
        task("next", &["one"]),
    ]));
    let l1 = run.expect_start("l1");
    run.succeed("r1", json!(1));
    run.succeed("r2", json!({"answer": 42}));
    run.succeed("next", json!(null));
    assert_eq!(result_of(&run, "one"), json!({"answer": 42}));
    run.assert_status("running");
    run.finish(&l1, Ok(json!(1)));
    run.succeed("l2", json!(1));
    run.assert_status("completed");
}

#[test]
fn a_branch_that_nobody_waits_for_keeps_the_run_open_and_its_failure_fails_it() {
    for (outcome, status) in [(Ok(json!(1)), "completed"), (failing("EXIT_CODE_NONZERO"), "failed")] {
        let mut run = Scenario::of(&flow(&[short_fork(), task("beside", &["fork"])]));
        run.succeed("beside", json!("p"));
        run.succeed("b1", json!(1));
        run.assert_status("running");
        let a1 = run.expect_start("a1");
        run.finish(&a1, outcome);
        run.assert_status(status);
        if status == "failed" {
            assert_eq!(run.failure_code(), "EXIT_CODE_NONZERO");
        }
    }
}

#[test]
fn a_run_whose_own_task_failed_waits_for_its_branches() {
    let mut run = Scenario::of(&flow(&[short_fork(), task("bad", &["fork"])]));
    run.fail("bad", "TOOL_FAILED");
    run.succeed("a1", json!(1));
    run.assert_status("running");
    run.succeed("b1", json!(1));
    run.assert_status("failed");
    assert_eq!(run.step("b1")["status"], "succeeded");
}

#[test]
fn a_failed_branch_fails_the_wait_which_may_be_dealt_with() {
    let wait = but(wait_branches("all", "fork"), json!({"retry_policy": retry(3, "PT1S")}));
    let mut run = Scenario::of(&flow(&[short_fork(), wait.clone(), task("after", &["all"])]));
    run.fail("a1", "TOOL_FAILED");
    run.succeed("b1", json!(1));
    run.assert_status("failed");
    assert_eq!(run.step("all")["status"], "failed");
    assert!(run.step("all")["error"].as_str().unwrap().contains("`a`"), "{}", run.step("all"));
    assert_eq!(run.step("all")["retry_count"], 0, "the branch will not run again");

    let wait = but(wait, json!({"on_failure_task_id": "fix"}));
    let mut run = Scenario::of(&flow(&[short_fork(), wait, task("after", &["all"]), task("fix", &[])]));
    run.fail("a1", "TOOL_FAILED");
    reopen(&mut run);
    run.succeed("b1", json!(1));
    run.succeed("fix", json!(null));
    run.assert_status("completed");
    assert_eq!(run.step("after")["status"], "skipped");
}

#[test]
fn a_failure_that_is_dealt_with_in_the_branch_fails_nothing() {
    let a1 = but(task("a1", &[]), json!({"on_failure_task_id": "fix"}));
    let mut run = Scenario::of(&flow(&[
        parallel("fork", &[], &[("a", &[a1, task("fix", &[])])]),
        wait_branches("all", "fork"),
    ]));
    run.fail("a1", "TOOL_FAILED");
    run.succeed("fix", json!("fixed"));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "all"), json!({"a": "fixed"}));
}

#[test]
fn tasks_of_a_branch_are_tried_again_and_sleep() {
    let a1 = but(task("a1", &[]), json!({"retry_policy": retry(1, "PT10S")}));
    let nap = op("wait", "nap", &["a1"], json!({"wait_for": "PT20S"}));
    let mut run =
        Scenario::of(&flow(&[parallel("fork", &[], &[("a", &[a1, nap])]), wait_branches("all", "fork")]));
    run.fail("a1", "TOOL_FAILED");
    run.assert_status("sleeping");
    run.advance(10.0);
    run.succeed("a1", json!(1));
    reopen(&mut run);
    run.assert_status("sleeping");
    run.advance(20.0);
    run.assert_status("completed");
}

#[test]
fn a_wait_has_a_time_limit_and_the_branch_goes_on() {
    let mut run = Scenario::of(&flow(&[
        short_fork(),
        wait_branch("one", &["fork"], "fork", "a", 10),
        wait_branches("all", "fork"),
    ]));
    let calls = run.expect_starts(&["a1", "b1"]);
    run.advance(10.0);
    assert_eq!(run.step("one")["error_details"]["code"], "TASK_TIMED_OUT");
    run.advance(289.0);
    run.assert_status("running");
    run.advance(1.0);
    assert_eq!(run.step("all")["status"], "failed", "300 s where nothing else is said");
    run.assert_status("running");
    for call in &calls {
        run.finish(call, Ok(json!(1)));
    }
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
}

#[test]
fn a_branch_that_fails_after_its_wait_was_given_up_fails_the_run() {
    let wait = but(wait_branch("one", &["fork"], "fork", "a", 10), json!({"on_failure_task_id": "fix"}));
    for (outcome, status) in [(Ok(json!(1)), "completed"), (failing("EXIT_CODE_NONZERO"), "failed")] {
        let mut run = Scenario::of(&flow(&[short_fork(), wait.clone(), task("fix", &[])]));
        run.succeed("b1", json!(1));
        let a1 = run.expect_start("a1");
        run.advance(10.0);
        run.succeed("fix", json!(null));
        run.assert_status("running");
        run.finish(&a1, outcome);
        run.assert_status(status);
    }
}

#[test]
fn a_cancelled_branch_stops_and_does_not_fail_the_run() {
    let nap = op("wait", "nap", &[], json!({"wait_for": "PT1H"}));
    let mut run = Scenario::of(&flow(&[
        parallel(
            "fork",
            &[],
            &[("a", &[task("a1", &[]), task("a2", &["a1"]), nap]), ("b", &[task("b1", &[])])],
        ),
        wait_branch("first", &["fork"], "fork", "b", 60),
        cancel_branch("stop", &["first"], "a"),
        task("after", &["stop"]),
    ]));
    let a1 = run.expect_start("a1");
    run.succeed("b1", json!(1));
    assert!(run.expect_abort(&a1).contains("cancelled"));
    assert_eq!(result_of(&run, "stop"), json!({"branch": "a", "cancelled": true}));
    reopen(&mut run);
    run.succeed("after", json!(null));
    run.assert_status("completed");
    for id in ["a1", "a2", "nap"] {
        assert_eq!(run.step(id)["status"], "cancelled");
    }
}

#[test]
fn cancelling_a_branch_that_is_over_changes_nothing() {
    let mut run = Scenario::of(&flow(&[
        short_fork(),
        wait_branches("all", "fork"),
        cancel_branch("stop", &["all"], "a"),
    ]));
    run.succeed("a1", json!(1));
    run.succeed("b1", json!(2));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "stop")["cancelled"], false);
    assert_eq!(run.step("a1")["status"], "succeeded");
}

#[test]
fn who_waits_for_a_branch_that_is_cancelled_is_told_at_once() {
    let mut run = Scenario::of(&flow(&[
        short_fork(),
        wait_branch("one", &["fork"], "fork", "a", 60),
        task("decide", &["fork"]),
        cancel_branch("stop", &["decide"], "a"),
    ]));
    let a1 = run.expect_start("a1");
    run.succeed("b1", json!(1));
    run.succeed("decide", json!(null));
    run.expect_abort(&a1);
    assert_eq!(run.step("one")["status"], "failed", "it has nothing to wait for");
    run.assert_status("failed");
}

#[test]
fn a_wait_for_what_is_no_fork_or_no_branch_says_so() {
    let mut run = Scenario::of(&flow(&[short_fork(), wait_branch("one", &["fork"], "fork", "aa", 60)]));
    run.succeed("a1", json!(1));
    run.succeed("b1", json!(1));
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TOOL_ARGUMENTS_INVALID");
    assert!(run.view()["error"].as_str().unwrap().contains("no branch `aa`"));
    for args in [json!([]), json!(["nothing"]), json!([{"join_event_name": "other"}]), json!([null])] {
        let wait = builtin("w", &[], "tools.workflow.wait_for_parallel_branches", args, json!({}));
        let run = Scenario::of(&flow(&[wait]));
        run.assert_status("failed");
        assert_eq!(run.failure_code(), "TOOL_ARGUMENTS_INVALID");
    }
}

#[test]
fn a_fork_without_branches_and_a_second_wait_are_fine() {
    let again = but(wait_branches("again", "fork"), json!({"dependencies": ["all"]}));
    let mut run = Scenario::of(&flow(&[short_fork(), wait_branches("all", "fork"), again]));
    run.succeed("a1", json!(1));
    run.succeed("b1", json!(2));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "again"), json!({"a": 1, "b": 2}));
    let run = Scenario::of(&flow(&[parallel("fork", &[], &[]), wait_branches("all", "fork")]));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "all"), json!({}));
}

#[test]
fn cancel_while_branches_run_and_are_waited_for() {
    let mut run = Scenario::of(&fork_and_wait(&[task("after", &["all"])]));
    let calls = run.expect_starts(&["l1", "r1"]);
    reopen(&mut run);
    assert!(run.cancel(None));
    for call in &calls {
        run.expect_abort(call);
    }
    run.assert_status("cancelled");
    assert_eq!(all_steps(&run).matches("=cancelled").count(), 6, "{}", all_steps(&run));
    run.advance(400.0);
    run.expect_no_start();
}

#[test]
fn a_limit_of_the_fork_is_that_of_the_waits_for_it() {
    let limited = |fork: Value, seconds: u32| but(fork, json!({"timeout": seconds}));
    let choice = operators::multi_choice("fork", &[], 1, &[("a", "true", &[task("a1", &[])])]);
    for fork in [limited(short_fork(), 20), limited(choice, 20)] {
        for wait in [wait_branches("wait", "fork"), wait_branch("wait", &["fork"], "fork", "a", 60)] {
            let wait = but(wait, json!({"on_failure_task_id": "fix"}));
            let mut run = Scenario::of(&flow(&[fork.clone(), wait, task("fix", &[])]));
            let calls = run.take_starts();
            run.advance(19.9);
            run.expect_no_start();
            reopen(&mut run);
            run.advance(0.1);
            assert_eq!(run.step("wait")["error_details"]["code"], "TASK_TIMED_OUT");
            assert!(run.step("wait")["error"].as_str().unwrap().contains("20 s"), "{}", run.step("wait"));
            run.succeed("fix", json!(null));
            // The branches go on, and the run with them.
            run.assert_status("running");
            for call in &calls {
                run.finish(call, Ok(json!(1)));
            }
            run.assert_status("completed");
        }
    }
}

#[test]
fn the_sooner_of_the_limits_of_a_fork_and_of_a_wait_counts() {
    let policy = operators::timeout("PT7S");
    for (fork, own, limit, seconds) in [
        (Some(100), 10, None, 10.0),
        (Some(10), 100, None, 10.0),
        (None, 10, None, 10.0),
        (Some(100), 100, Some(&policy), 7.0),
    ] {
        let fork = but(short_fork(), json!({"timeout": fork}));
        let wait = but(wait_branch("wait", &["fork"], "fork", "a", own), json!({"timeout_policy": limit}));
        let mut run = Scenario::of(&flow(&[fork, wait]));
        let calls = run.take_starts();
        run.advance(seconds - 0.001);
        assert_eq!(run.step("wait")["status"], "running");
        run.advance(0.001);
        assert_eq!(run.step("wait")["status"], "failed", "{seconds}");
        for call in &calls {
            run.finish(call, Ok(json!(1)));
        }
        run.assert_status("failed");
    }
}

#[test]
fn a_timeout_policy_of_a_fork_is_that_of_forking_and_leaves_the_branches_alone() {
    let policy = json!({"timeout_policy": operators::timeout("PT5S"), "retry_policy": retry(2, "PT1S")});
    let mut run = Scenario::of(&flow(&[but(short_fork(), policy), wait_branches("all", "fork")]));
    let calls = run.expect_starts(&["a1", "b1"]);
    assert_eq!(calls[0].deadline, None);
    run.advance(100.0);
    run.expect_no_start();
    for call in &calls {
        run.finish(call, Ok(json!(1)));
    }
    run.assert_status("completed");
    assert_eq!(run.step("fork")["retry_count"], 0);
}

#[test]
fn each_branch_has_the_limits_of_its_own_tasks() {
    let slow = but(task("slow", &[]), json!({"timeout_policy": operators::timeout("PT5S")}));
    let mut run = Scenario::of(&flow(&[
        parallel("fork", &[], &[("a", &[slow, task("next", &["slow"])]), ("b", &[task("b1", &[])])]),
        wait_branches("all", "fork"),
    ]));
    let slow = run.expect_start("slow");
    let b1 = run.expect_start("b1");
    run.advance(5.0);
    run.expect_abort(&slow);
    run.expect_no_start();
    run.assert_status("running");
    run.finish(&b1, Ok(json!(1)));
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
}

#[test]
fn waits_take_the_fork_and_the_branch_by_any_of_their_names() {
    let fork = "{{fork_fork}}";
    for kwargs in [json!({"fork": fork}), json!({"fork_data": fork}), json!({"parallel_result": fork})] {
        let tool = "tools.workflow.wait_for_parallel_branches";
        let all = builtin("all", &["fork"], tool, json!([]), kwargs.clone());
        let mut one = kwargs.clone();
        one["branch_name"] = json!("b");
        let one = builtin("one", &["fork"], "tools.workflow.wait_for_branch", json!([]), one);
        let mut run = Scenario::of(&flow(&[short_fork(), all, one]));
        run.succeed("a1", json!(1));
        run.succeed("b1", json!(2));
        run.assert_status("completed");
        assert_eq!((result_of(&run, "all"), result_of(&run, "one")), (json!({"a": 1, "b": 2}), json!(2)));
    }
}
