//! Runs that other runs start.

use crate::support::operators::{
    self, builtin, but, flow, foreach, named, op, reopen, result_of, retry, task, timeout, with_args,
};
use crate::support::{self, Scenario, failing};
use highway_wasm::engine::{RunIx, StepIx, run_view, uuid_of};
use serde_json::{Value, json};
use std::sync::mpsc;
use std::time::Duration;

/// A scenario that knows these workflows.
fn knowing(definitions: &[Value]) -> Scenario {
    let mut run = Scenario::new();
    for definition in definitions {
        tell(&mut run, definition);
    }
    run
}

fn tell(run: &mut Scenario, definition: &Value) {
    let definition = support::submission(definition, "unused").definition;
    run.engine.register(definition, run.now).unwrap();
    run.sleep_through(0.0);
}

/// Workflow `leaf`: one task that is told the input `n`.
fn leaf() -> Value {
    named("leaf", &[with_args("work", &[], json!(["{{n}}", "{{inputs.n}}"]))])
}

fn child(workflow: &str, inputs: Value) -> Value {
    json!({"workflow_name": workflow, "inputs": inputs})
}

fn children(children: Value) -> Value {
    op(
        "child_workflow",
        "kids",
        &[],
        json!({"children": children, "timeout_seconds": null, "result_key": "kids_result"}),
    )
}

/// Two children, and a task after them.
fn family() -> Value {
    let both = json!({"a": child("leaf", json!({"n": "{{first}}"})), "b": child("leaf", json!({"n": 2}))});
    let mut document = flow(&[children(both), task("after", &["kids"])]);
    document["variables"] = json!({"first": 1});
    document
}

fn execute(kwargs: Value) -> Value {
    flow(&[builtin("call", &[], "tools.workflow.execute", json!([]), kwargs), task("after", &["call"])])
}

fn child_id(run: &Scenario, at: usize) -> String {
    run.engine.runs()[at].id().to_owned()
}

#[test]
fn children_run_side_by_side_with_their_inputs_and_are_awaited() {
    let mut run = knowing(&[leaf()]);
    run.submit(&family());
    let calls = run.expect_starts(&["work", "work"]);
    assert_eq!(calls[0].args, [json!(1), json!(1)]);
    assert_eq!(calls[1].args, [json!(2), json!(2)]);
    assert_ne!(calls[0].run_id, calls[1].run_id);
    assert!(calls.iter().all(|call| call.workflow == "leaf" && call.run_id != "run-1"));
    reopen(&mut run);
    run.finish(&calls[1], Ok(json!("two")));
    run.assert_status("running");
    run.expect_no_start();
    run.finish(&calls[0], Ok(json!("one")));
    run.succeed("after", json!(null));
    run.assert_status("completed");
    let result = result_of(&run, "kids");
    for (name, output) in [("a", "one"), ("b", "two")] {
        assert_eq!(result[name]["status"], "completed");
        assert_eq!(result[name]["result"], json!({"output": output, "work_result": output}));
    }
    for at in [1, 2] {
        let id = child_id(&run, at);
        run.focus(&id);
        run.assert_status("completed");
    }
}

#[test]
fn a_child_is_a_run_of_its_own_that_names_its_parent() {
    let mut run = knowing(&[leaf()]);
    let parent = run.submit(&family());
    let found = run.engine.runs()[2].created.parent.clone().unwrap();
    assert_eq!((found.run, found.step, found.name.as_str()), (RunIx::new(0), StepIx::new(0), "b"));
    let view = run_view(run.engine.runs()[1]);
    assert_eq!(view["workflow_name"], "leaf");
    assert_eq!(view["parent_run_id"], parent.as_str());
    run.cancel(None);
}

#[test]
fn a_child_knows_the_attempt_that_started_it() {
    let mut run = knowing(&[leaf()]);
    let mut document = flow(&[children(json!({"a": child("leaf", json!({"n": 1}))}))]);
    document["tasks"]["kids"]["retry_policy"] = retry(1, "PT0S");
    run.submit(&document);
    run.fail("work", "TOOL_FAILED");
    run.advance(0.0);
    run.succeed("work", json!(1));
    let attempts = run
        .engine
        .runs()
        .into_iter()
        .filter_map(|run| run.created.parent.as_ref())
        .map(|parent| parent.attempt);
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 2], "attempts are counted from 1, as in tool calls");
}

#[test]
fn a_tool_executes_another_workflow_and_gives_its_result() {
    for key in ["workflow_name", "workflow_id", "definition_id", "workflow_definition_id"] {
        let mut run = knowing(&[leaf()]);
        run.submit(&execute(json!({key: "leaf", "inputs": {"n": 3}})));
        assert_eq!(run.succeed("work", json!({"x": 1})).args[0], 3);
        run.succeed("after", json!(null));
        run.assert_status("completed");
        assert_eq!(result_of(&run, "call")["output"], json!({"x": 1}));
    }
    let mut run = knowing(&[leaf()]);
    run.submit(&flow(&[builtin(
        "call",
        &[],
        "workflow.execute",
        json!(["leaf"]),
        json!({"inputs": {"n": 3}}),
    )]));
    run.succeed("work", json!(1));
    run.assert_status("completed");
}

#[test]
fn the_latest_definition_of_a_name_is_run() {
    let newer = named("leaf", &[task("newer", &[])]);
    let mut run = knowing(&[leaf(), newer]);
    run.submit(&execute(json!({"workflow_name": "leaf"})));
    run.succeed("newer", json!(1));
    run.succeed("after", json!(1));
    run.assert_status("completed");
}

#[test]
fn an_id_names_one_definition_whatever_is_the_latest_of_its_name() {
    let newer = named("leaf", &[task("newer", &[])]);
    let mut run = knowing(&[leaf(), newer]);
    let id = uuid_of(&support::submission(&leaf(), "unused").definition.hash);
    for key in ["workflow_id", "definition_id", "workflow_definition_id"] {
        run.submit(&execute(json!({key: id, "inputs": {"n": 3}})));
        assert_eq!(run.succeed("work", json!(1)).args[0], 3, "{key}");
        run.succeed("after", json!(null));
    }
    for tool in ["tools.workflow.execute", "workflow.execute"] {
        run.submit(&flow(&[builtin("call", &[], tool, json!([id]), json!({"inputs": {"n": 4}}))]));
        assert_eq!(run.succeed("work", json!(1)).args[0], 4);
    }
    run.submit(&flow(&[children(json!({"a": {"definition_id": id, "inputs": {"n": 5}}}))]));
    assert_eq!(run.succeed("work", json!(1)).args[0], 5);
    run.submit(&execute(json!({"definition_id": "0b0e2c1e-0000-4000-8000-000000000001"})));
    assert_eq!(run.failure_code(), "TOOL_ARGUMENTS_INVALID");
}

/// What a template gave is data, also on its way to another run.
#[test]
fn inputs_of_another_workflow_are_not_resolved_twice() {
    let say = json!({"n": "{{inputs.said}}"});
    let by_tool = execute(json!({"workflow_name": "leaf", "inputs": say}));
    let by_operator = flow(&[children(json!({"a": child("leaf", say)}))]);
    for document in [by_tool, by_operator] {
        let mut run = knowing(&[leaf()]);
        run.submit_with(&document, json!({"said": "{{run.id}} {% raw %}"}));
        assert_eq!(run.expect_start("work").args[0], "{{run.id}} {% raw %}");
    }
}

#[test]
fn a_workflow_that_is_not_known_fails_the_task_with_the_nearest_name() {
    let mut run = knowing(&[leaf()]);
    for document in
        [execute(json!({"workflow_name": "leav"})), flow(&[children(json!({"a": child("leav", json!({}))}))])]
    {
        run.submit(&document);
        run.assert_status("failed");
        let details = run.view()["error_details"].to_string();
        assert!(details.contains("`leav`") && details.contains("`leaf`"), "{details}");
    }
    run.submit(&execute(json!({"inputs": {}})));
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "TOOL_ARGUMENTS_INVALID");
    assert_eq!(run.engine.runs().len(), 3, "no child was started");
}

#[test]
fn one_unknown_child_starts_none() {
    let mut run = knowing(&[leaf()]);
    run.submit(&flow(&[children(
        json!({"a": child("leaf", json!({"n": 1})), "b": child("ghost", json!({}))}),
    )]));
    run.expect_no_start();
    run.assert_status("failed");
    assert_eq!(run.engine.runs().len(), 1);
}

#[test]
fn a_failing_child_fails_the_step_once_all_are_over() {
    let mut run = knowing(&[leaf()]);
    run.submit(&family());
    let calls = run.expect_starts(&["work", "work"]);
    run.finish(&calls[0], failing("EXIT_CODE_NONZERO"));
    run.assert_status("running");
    reopen(&mut run);
    run.finish(&calls[1], Ok(json!("two")));
    run.assert_status("failed");
    run.assert_steps("kids=failed after=skipped");
    assert_eq!(run.failure_code(), "EXIT_CODE_NONZERO");
    let error = run.view()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("`kids`") && error.contains("leaf") && error.contains("`work`"), "{error}");
    assert_eq!(result_of(&run, "kids")["b"]["status"], "completed");
    assert_eq!(result_of(&run, "kids")["a"]["status"], "failed");
}

#[test]
fn a_failing_child_may_be_dealt_with() {
    let mut run = knowing(&[leaf()]);
    let call = builtin("call", &[], "tools.workflow.execute", json!(["leaf"]), json!({"inputs": {"n": 1}}));
    run.submit(&flow(&[but(call, json!({"on_failure_task_id": "fix"})), task("fix", &[])]));
    run.fail("work", "TOOL_FAILED");
    run.succeed("fix", json!(null));
    run.assert_status("completed");
}

#[test]
fn a_step_that_is_tried_again_starts_new_children() {
    let mut run = knowing(&[leaf()]);
    let mut document = flow(&[children(json!({"a": child("leaf", json!({"n": 1}))}))]);
    document["tasks"]["kids"]["retry_policy"] = retry(1, "PT10S");
    run.submit(&document);
    let first = run.fail("work", "TOOL_FAILED");
    run.assert_status("sleeping");
    reopen(&mut run);
    run.advance(10.0);
    let second = run.succeed("work", json!("good"));
    assert_ne!(first.run_id, second.run_id);
    run.assert_status("completed");
    assert_eq!(result_of(&run, "kids")["a"]["status"], "completed");
}

#[test]
fn children_that_take_too_long_are_cancelled() {
    let limit = |key: &str, value: Value| {
        let mut document = family();
        document["tasks"]["kids"][key] = value;
        document
    };
    for document in [limit("timeout_seconds", json!(30)), limit("timeout_policy", timeout("PT30S"))] {
        let mut run = knowing(&[leaf()]);
        run.submit(&document);
        let calls = run.expect_starts(&["work", "work"]);
        run.finish(&calls[0], Ok(json!(1)));
        run.advance(29.999);
        run.assert_status("running");
        run.advance(0.001);
        run.expect_abort(&calls[1]);
        run.assert_status("failed");
        assert_eq!(run.failure_code(), "TASK_TIMED_OUT");
        for (at, status) in [(1, "completed"), (2, "cancelled")] {
            let id = child_id(&run, at);
            run.focus(&id);
            run.assert_status(status);
        }
    }
}

/// Parent, child, and a grandchild that works.
fn three_generations() -> Scenario {
    let middle = named(
        "middle",
        &[builtin("down", &[], "tools.workflow.execute", json!(["leaf"]), json!({"inputs": {"n": 1}}))],
    );
    let mut run = knowing(&[leaf(), middle]);
    run.submit(&execute(json!({"workflow_name": "middle"})));
    run
}

#[test]
fn results_come_up_through_the_generations() {
    let mut run = three_generations();
    reopen(&mut run);
    run.succeed("work", json!("deep"));
    run.succeed("after", json!(null));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "call")["output"]["output"], "deep");
}

#[test]
fn cancel_goes_down_through_the_generations() {
    let mut run = three_generations();
    let work = run.expect_start("work");
    reopen(&mut run);
    assert!(run.cancel(Some("enough")));
    run.expect_abort(&work);
    for at in [0, 1, 2] {
        let id = child_id(&run, at);
        run.focus(&id);
        run.assert_status("cancelled");
    }
    run.finish(&work, Ok(json!(1)));
    run.expect_no_start();
}

#[test]
fn a_cancelled_child_fails_its_parent() {
    let mut run = three_generations();
    let work = run.expect_start("work");
    let middle = child_id(&run, 1);
    run.focus(&middle);
    assert!(run.cancel(Some("not this one")));
    run.expect_abort(&work);
    run.assert_status("cancelled");
    run.focus("run-1");
    run.assert_status("failed");
    run.assert_steps("call=failed after=skipped");
    assert!(run.view()["error"].as_str().unwrap().contains("not this one"));
}

#[test]
fn the_time_limit_of_the_parent_ends_its_children() {
    let mut run = knowing(&[leaf()]);
    let mut document = family();
    document["deadline_seconds"] = json!(10);
    run.submit(&document);
    let calls = run.expect_starts(&["work", "work"]);
    run.advance(10.0);
    for call in &calls {
        run.expect_abort(call);
    }
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "RUN_TIMED_OUT");
    let id = child_id(&run, 2);
    run.focus(&id);
    run.assert_status("cancelled");
}

#[test]
fn a_child_past_its_own_deadline_fails_its_parent() {
    let mut slow = leaf();
    slow["deadline_seconds"] = json!(10);
    let mut run = knowing(&[slow]);
    run.submit(&execute(json!({"workflow_name": "leaf", "inputs": {"n": 1}})));
    let work = run.expect_start("work");
    run.advance(10.0);
    run.expect_abort(&work);
    run.assert_status("failed");
    assert_eq!(run.failure_code(), "RUN_TIMED_OUT");
}

#[test]
fn a_loop_starts_a_child_each_round() {
    let mut run = knowing(&[leaf()]);
    let call =
        builtin("call", &[], "tools.workflow.execute", json!(["leaf"]), json!({"inputs": {"n": "{{item}}"}}));
    run.submit(&flow(&[foreach("each", &[], "[5, 6]", &[call])]));
    for n in [5, 6] {
        let work = run.expect_starts(&["work"]).remove(0);
        assert_eq!(work.args[0], n);
        run.finish(&work, Ok(json!(n * 2)));
    }
    run.assert_status("completed");
    assert_eq!(result_of(&run, "each")[1]["output"], 12);
}

#[test]
fn children_take_no_place_and_no_children_are_fine() {
    let mut run = Scenario::with_places(1);
    tell(&mut run, &leaf());
    run.submit(&family());
    for n in [1, 2] {
        assert_eq!(run.succeed("work", json!(null)).args[0], n);
    }
    run.succeed("after", json!(null));
    run.assert_status("completed");
    let run = Scenario::of(&flow(&[children(json!({}))]));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "kids"), json!({}));
}

#[test]
fn an_event_of_a_child_is_heard_by_its_parent() {
    let told = named("told", &[operators::emit("tell", &[], "from_child", json!({"n": "{{n}}"}))]);
    let mut run = knowing(&[told]);
    run.submit(&flow(&[
        builtin("call", &[], "tools.workflow.execute", json!(["told"]), json!({"inputs": {"n": 4}})),
        operators::receive("heard", &["call"], "from_child", Some(1)),
    ]));
    run.assert_status("completed");
    assert_eq!(result_of(&run, "heard")["n"], 4);
}

#[test]
fn a_workflow_that_runs_itself_for_ever_is_ended() {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let call = builtin("again", &[], "tools.workflow.execute", json!(["mirror"]), json!({}));
        let run = Scenario::of(&named("mirror", &[call]));
        done.send((run.view()["status"].clone(), run.engine.runs().len())).unwrap();
    });
    let ended = wait.recv_timeout(Duration::from_secs(2));
    assert_eq!(ended.map(|(status, _)| status), Ok(json!("failed")), "submit does not return");
}

#[test]
fn a_child_that_terminates_ends_alone() {
    for (status, parent) in [("completed", "running"), ("failed", "failed"), ("cancelled", "failed")] {
        let end = named("end", &[operators::terminate("stop", &[], status, json!({"x": 1}), "enough")]);
        let mut run = knowing(&[end]);
        run.submit(&execute(json!({"workflow_name": "end"})));
        run.assert_status(parent);
        if status == "completed" {
            assert_eq!(result_of(&run, "call")["output"], json!({"x": 1}));
            run.succeed("after", json!(null));
            run.assert_status("completed");
        } else {
            assert!(run.view()["error"].as_str().unwrap().contains("enough"));
        }
    }
}

#[test]
fn what_stops_a_loop_or_a_branch_stops_its_children() {
    let call = |input: &str| {
        builtin("call", &[], "tools.workflow.execute", json!(["leaf"]), json!({"inputs": {"n": input}}))
    };
    let mut run = knowing(&[leaf()]);
    let each = but(foreach("each", &[], "[1, 2]", &[call("{{item}}")]), json!({"parallel": true}));
    run.submit(&flow(&[each]));
    let calls = run.expect_starts(&["work", "work"]);
    run.finish(&calls[0], failing("TOOL_FAILED"));
    run.expect_abort(&calls[1]);
    run.assert_status("failed");

    let stop = json!(["{{fork_fork}}", "a"]);
    let mut run = knowing(&[leaf()]);
    run.submit(&flow(&[
        operators::parallel("fork", &[], &[("a", &[call("1")])]),
        task("decide", &["fork"]),
        builtin("stop", &["decide"], "tools.workflow.cancel_branch", stop, json!({})),
    ]));
    let work = run.expect_start("work");
    run.succeed("decide", json!(null));
    run.expect_abort(&work);
    run.assert_status("completed");
    let id = child_id(&run, 1);
    run.focus(&id);
    run.assert_status("cancelled");
}

#[test]
fn a_time_limit_that_passes_while_the_attempt_fails_does_not_cut_the_delay_of_the_next() {
    let short = but(leaf(), json!({"deadline_seconds": 10}));
    let kids = children(json!({"a": child("leaf", json!({"n": 1}))}));
    let kids = but(kids, json!({"timeout_seconds": 20, "retry_policy": retry(1, "PT1H")}));
    let mut run = knowing(&[short]);
    run.submit(&flow(&[kids]));
    let first = run.expect_start("work");
    // The deadline of the child and the limit of the attempt are found at once; the first ends the attempt.
    run.sleep_through(30.0);
    run.expect_abort(&first);
    run.expect_no_start();
    assert_eq!(run.step("kids")["status"], "sleeping");
    run.advance(3_599.0);
    run.expect_no_start();
    reopen(&mut run);
    run.advance(1.0);
    run.succeed("work", json!(null));
    run.assert_status("completed");
    assert_eq!(run.step("kids")["retry_count"], 1);
}
