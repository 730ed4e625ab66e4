//! Joins, and forks and loops inside one another.

use crate::support::operators::{
    self, builtin, but, flow, foreach, join, op, parallel, reopen, result_of, short_fork, task,
    wait_branches, while_loop, with_args,
};
use crate::support::{START, Scenario, failing, submission};
use highway_wasm::engine::{Config, Engine, RunState, StepIx, StepState};
use serde_json::{Value, json};

/// Two tasks, a join that depends on neither, and a task after it.
fn joined(mode: &str) -> Scenario {
    Scenario::of(&flow(&[
        task("a", &[]),
        task("b", &[]),
        join("both", &[], &["a", "b"], mode),
        task("after", &["both"]),
    ]))
}

#[test]
fn a_join_waits_as_its_mode_says() {
    // Outcomes of the first and the second task, and how the join stands after each.
    for (mode, outcomes, states) in [
        ("all_of", "sf", ["running", "succeeded"]),
        ("all_of", "ff", ["running", "succeeded"]),
        ("any_of", "ss", ["succeeded", "succeeded"]),
        ("any_of", "fs", ["succeeded", "succeeded"]),
        ("all_success", "ss", ["running", "succeeded"]),
        ("all_success", "fs", ["failed", "failed"]),
        ("all_success", "sf", ["running", "failed"]),
        ("one_success", "sf", ["succeeded", "succeeded"]),
        ("one_success", "fs", ["running", "succeeded"]),
        ("one_success", "ff", ["running", "failed"]),
    ] {
        let mut run = joined(mode);
        assert_eq!(run.step("both")["status"], "running", "{mode}");
        for ((id, outcome), state) in ["b", "a"].iter().zip(outcomes.chars()).zip(states) {
            let call = run.expect_start(id);
            run.finish(&call, if outcome == 's' { Ok(json!(*id)) } else { failing("TOOL_FAILED") });
            assert_eq!(run.step("both")["status"], state, "{mode} {outcomes} after `{id}`");
            reopen(&mut run);
        }
        if states[1] == "succeeded" {
            run.succeed("after", json!(null));
        }
        run.expect_no_start();
        run.assert_status(if outcomes == "ss" { "completed" } else { "failed" });
    }
}

#[test]
fn a_join_looks_into_branches_before_and_after_they_were_waited_for() {
    for after in ["all", "fork"] {
        let both = join("both", &[after], &["a1", "b1"], "all_success");
        let mut run = Scenario::of(&flow(&[short_fork(), wait_branches("all", "fork"), both]));
        run.succeed("a1", json!(1));
        run.succeed("b1", json!(2));
        run.assert_status("completed");
        assert_eq!(result_of(&run, "both"), json!({"a1": 1, "b1": 2}));
    }
}

#[test]
fn a_join_has_a_handler_and_a_time_limit() {
    let both = join("both", &[], &["a"], "all_success");
    let limited = but(both.clone(), json!({"timeout_policy": operators::timeout("PT5S")}));
    let mut run = Scenario::of(&flow(&[task("a", &[]), limited]));
    let a = run.expect_start("a");
    run.advance(5.0);
    assert_eq!(run.step("both")["error_details"]["code"], "TASK_TIMED_OUT");
    run.finish(&a, Ok(json!(1)));
    run.assert_status("failed");
    let both = but(both, json!({"on_failure_task_id": "fix"}));
    let a = but(task("a", &[]), json!({"on_failure_task_id": "fix_a"}));
    let mut run = Scenario::of(&flow(&[a, task("fix_a", &[]), both, task("fix", &[])]));
    run.fail("a", "TOOL_FAILED");
    run.succeed("fix_a", json!(null));
    run.succeed("fix", json!(null));
    run.assert_status("completed");
}

#[test]
fn forks_nest_and_each_is_waited_for_where_it_is() {
    let inner = parallel("inner", &[], &[("x", &[task("x1", &[])]), ("y", &[task("y1", &[])])]);
    let outer = parallel(
        "fork",
        &[],
        &[("a", &[inner.clone(), wait_branches("in", "inner")]), ("b", &[task("b1", &[])])],
    );
    let mut run = Scenario::of(&flow(&[outer, wait_branches("all", "fork")]));
    let calls = run.expect_starts(&["b1", "x1", "y1"]);
    reopen(&mut run);
    for call in &calls {
        run.finish(call, Ok(json!(call.task)));
    }
    run.assert_status("completed");
    assert_eq!(result_of(&run, "all"), json!({"a": {"x": "x1", "y": "y1"}, "b": "b1"}));

    let mut run =
        Scenario::of(&flow(&[parallel("fork", &[], &[("a", &[inner])]), wait_branches("all", "fork")]));
    run.succeed("x1", json!(1));
    run.fail("y1", "TOOL_FAILED");
    run.assert_status("failed");
}

#[test]
fn a_loop_inside_a_branch_runs_there_alone() {
    let each = foreach("each", &[], "[1, 2]", &[task("body", &[])]);
    let body = each["loop_body"][0].clone();
    let mut run =
        Scenario::of(&flow(&[parallel("fork", &[], &[("a", &[each, body])]), wait_branches("all", "fork")]));
    for n in [1, 2] {
        let call = run.expect_starts(&["body"]).remove(0);
        run.finish(&call, Ok(json!(n)));
    }
    run.assert_status("completed");
    assert_eq!(result_of(&run, "all"), json!({"a": [1, 2]}));
}

#[test]
fn a_fork_in_a_loop_is_a_fork_of_its_round() {
    let leaf = with_args("leaf", &[], json!(["{{item}}"]));
    let body = [parallel("fork", &[], &[("a", &[leaf])]), wait_branches("all", "fork")];
    let mut run =
        Scenario::of(&flow(&[but(foreach("each", &[], "[1, 2, 3]", &body), json!({"parallel": true}))]));
    let calls = run.expect_starts(&["leaf", "leaf", "leaf"]);
    for call in calls.iter().rev() {
        run.finish(call, Ok(call.args[0].clone()));
    }
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each"), json!([{"a": 1}, {"a": 2}, {"a": 3}]));
}

#[test]
fn a_branch_of_a_round_that_nobody_waits_for_keeps_the_run_open() {
    let body = [parallel("fork", &[], &[("a", &[task("leaf", &[])])])];
    for (outcome, status) in [(Ok(json!(1)), "completed"), (failing("TOOL_FAILED"), "failed")] {
        let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1, 2]", &body), task("after", &["each"])]));
        let calls = run.expect_starts(&["leaf", "leaf", "after"]);
        run.finish(&calls[2], Ok(json!(null)));
        run.finish(&calls[1], Ok(json!(null)));
        run.assert_status("running");
        reopen(&mut run);
        run.finish(&calls[0], outcome);
        run.assert_status(status);
    }
}

#[test]
fn a_failed_loop_takes_the_branches_of_its_rounds_with_it() {
    let body = [parallel("fork", &[], &[("a", &[task("leaf", &[])])]), task("step", &["fork"])];
    let mut run = Scenario::of(&flow(&[foreach("each", &[], "[1, 2]", &body)]));
    let first = run.expect_start("leaf");
    run.succeed("step", json!(1));
    let second = run.expect_start("leaf");
    run.fail("step", "TOOL_FAILED");
    run.expect_abort(&first);
    run.expect_abort(&second);
    run.assert_status("failed");
}

/// Steps of a kind that are over after each slice of a run without tools.
fn over_in_slices(definition: &Value, prefix: &str) -> Vec<usize> {
    let mut engine = Engine::new(Config::default());
    engine.submit(submission(definition, "run-1"), START).unwrap();
    let mut slices = Vec::new();
    let over = |engine: &Engine| {
        let run = engine.runs()[0].clone();
        let steps = run.steps.iter().enumerate().filter(|(_, step)| step.state == StepState::Succeeded);
        steps.filter(|(at, _)| run.operator(StepIx::new(*at)).unwrap().id.starts_with(prefix)).count()
    };
    let mut before = 0;
    loop {
        engine.take_output();
        slices.push(over(&engine) - before);
        before += slices.last().unwrap();
        if !engine.has_more() {
            break;
        }
        engine.tick(START);
    }
    assert_eq!(engine.runs()[0].state, RunState::Completed);
    slices
}

fn nothing(id: &str) -> Value {
    op("wait", id, &[], json!({"wait_for": 0}))
}

/// Joins of all of some tasks.
fn joins(count: usize, tasks: &[String]) -> Vec<Value> {
    let ids: Vec<&str> = tasks.iter().map(String::as_str).collect();
    (0..count).map(|at| join(&format!("join{at}"), &[], &ids, "all_of")).collect()
}

#[test]
fn joins_that_end_together_are_looked_at_in_slices() {
    let tasks: Vec<String> = (0..1_000).map(|at| format!("t{at}")).collect();
    // Of the same scope, and of branches.
    let own = tasks.iter().map(|id| nothing(id));
    let branches: Vec<(&str, [Value; 1])> = tasks.iter().map(|id| (id.as_str(), [nothing(id)])).collect();
    let branches: Vec<(&str, &[Value])> = branches.iter().map(|(id, body)| (*id, &body[..])).collect();
    let fork = parallel("fork", &[], &branches);
    let inside = joins(100, &tasks).into_iter().map(|join| but(join, json!({"dependencies": ["fork"]})));
    let definitions = [
        flow(&joins(100, &tasks).into_iter().chain(own).collect::<Vec<_>>()),
        flow(&std::iter::once(fork).chain(inside).collect::<Vec<_>>()),
    ];
    for definition in definitions {
        let slices = over_in_slices(&definition, "join");
        assert!(slices.iter().all(|over| *over <= 40), "{slices:?}");
        // A join is not looked at for each task that it names.
        assert!(slices.len() < 300, "{}", slices.len());
    }
}

#[test]
fn a_join_waits_for_the_task_of_the_latest_round() {
    // The second round begins after the join has looked at the first one.
    let body = [task("body", &[])];
    let loop_of_two = but(foreach("each", &[], "[1, 2]", &body), json!({"result_key": "each_result"}));
    for (mode, then) in [("all_of", "running"), ("any_of", "succeeded"), ("all_success", "running")] {
        let ids = ["body", "slow"];
        let mut run = Scenario::of(&flow(&[
            loop_of_two.clone(),
            task("slow", &[]),
            task("go", &[]),
            join("both", &["go"], &ids, mode),
        ]));
        run.succeed("go", json!(null));
        run.succeed("body", json!(1));
        assert_eq!(run.step("both")["status"], "running", "{mode}");
        run.succeed("slow", json!(2));
        assert_eq!(run.step("both")["status"], then, "{mode} after `slow`");
        reopen(&mut run);
        run.succeed("body", json!(3));
        if mode != "any_of" {
            assert_eq!(result_of(&run, "both"), json!({"body": 3, "slow": 2}), "{mode}");
        }
        run.assert_status("completed");
    }
}

#[test]
fn a_join_hears_of_tasks_that_were_cancelled() {
    let cancel =
        builtin("stop", &["go"], "tools.workflow.cancel_branch", json!(["{{fork_fork}}", "a"]), json!({}));
    let both = join("both", &["fork"], &["a1", "b1"], "all_of");
    let mut run = Scenario::of(&flow(&[short_fork(), both, task("go", &["fork"]), cancel]));
    run.succeed("b1", json!(1));
    assert_eq!(run.step("both")["status"], "running");
    run.succeed("go", json!(null));
    assert_eq!(result_of(&run, "both"), json!({"a1": null, "b1": 1}));
}

#[test]
fn a_join_that_names_a_task_twice_waits_for_it_once() {
    let mut run = Scenario::of(&flow(&[task("a", &[]), join("both", &[], &["a", "a"], "all_of")]));
    run.succeed("a", json!(1));
    assert_eq!(result_of(&run, "both"), json!({"a": 1}));
    let again = while_loop("again", &[], "{{index}} < 2", &[nothing("in")]);
    let run = Scenario::of(&flow(&[again, join("both", &["again"], &["in"], "all_of")]));
    run.assert_status("completed");
}
