//! What the golden vectors do not say about the builder.

use highway_wasm::builder::WorkflowBuilder;
use highway_wasm::error::ErrorCode;
use serde_json::{Value, json};

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!([["task", {"task_id": "innermost", "function": "f"}]]), |inner, at| {
        json!([["foreach", {"task_id": format!("l{at}"), "items": "{{xs}}", "loop_body": {"$sub": inner}}]])
    })
}

fn builder() -> WorkflowBuilder {
    WorkflowBuilder::new(&json!({"name": "w"})).unwrap()
}

#[test]
fn parts_nest_up_to_a_limit() {
    let mut deep = builder();
    deep.calls(nested(8)).unwrap();
    assert_eq!(deep.build().unwrap().workflow.tasks.0.len(), 9);
    let error = builder().calls(nested(17)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FieldValueInvalid);
    assert!(error.help().is_some());
}

#[test]
fn what_is_no_list_of_calls_is_refused() {
    for calls in [json!(null), json!({}), json!([1]), json!([["task"]]), json!([["nope", {}]]), json!([[]])] {
        assert!(builder().calls(calls.clone()).is_err(), "{calls}");
    }
}

#[test]
fn a_call_that_fails_leaves_nothing_behind() {
    let mut builder = builder();
    builder.call("task", json!({"task_id": "a", "function": "f"})).unwrap();
    builder.call("task", json!({"task_id": "b", "function": 1})).unwrap_err();
    builder.call("foreach", json!({"task_id": "c", "items": 5, "loop_body": {"$sub": []}})).unwrap_err();
    builder.call("task", json!({"task_id": "d", "function": "f"})).unwrap();
    let workflow = builder.build().unwrap().workflow;
    assert_eq!(workflow.tasks.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "d"]);
    assert_eq!(workflow.tasks.get("d").unwrap().dependencies, ["a"]);
}

/// In Highway the body of a loop and the listed tasks are the same objects, so that what a condition adds shows in both.
#[test]
fn the_body_of_a_loop_in_a_branch_depends_on_the_condition_too() {
    let task = |id: &str| json!(["task", {"task_id": id, "function": "f"}]);
    let mut builder = builder();
    builder
        .call(
            "condition",
            json!({"task_id": "c", "condition": "x", "if_false": {"$sub": []}, "if_true": {"$sub": [
                ["while_loop", {"task_id": "outer", "condition": "x", "loop_body": {"$sub": [
                    task("first"),
                    ["foreach", {"task_id": "inner", "items": "{{xs}}", "loop_body": {"$sub": [task("deep")]}}],
                ]}}],
            ]}}),
        )
        .unwrap();
    let workflow = builder.build().unwrap().workflow;
    let outer = workflow.tasks.get("outer").unwrap();
    let body = outer.operation.loop_body().unwrap();
    for operator in body {
        assert_eq!(workflow.tasks.get(&operator.task_id), Some(operator));
    }
    assert_eq!(body[0].dependencies, ["outer", "c"]);
    assert_eq!(body[1].dependencies, ["first", "c"]);
    assert_eq!(body[1].operation.loop_body().unwrap()[0].dependencies, ["inner", "c"]);
}

#[test]
fn empty_values_are_read_as_python_reads_them() {
    let mut builder = builder();
    for inputs in [json!(""), json!(false), json!(0), json!([]), json!(null)] {
        builder
            .call("child_workflow", json!({"task_id": "x", "workflow_name": "y", "inputs": inputs}))
            .unwrap();
    }
    builder.call("task", json!({"task_id": "", "function": "f"})).unwrap();
    builder.call("precondition", json!({"variable": "x", "check": "exists"})).unwrap_err();
    let wrong = json!({"task_id": "p", "branches": {}, "join_result_key": ["a"]});
    assert_eq!(builder.call("parallel_with_join", wrong).unwrap_err().path(), Some("/join_result_key"));
    let document = builder.build().unwrap().workflow.to_value();
    assert_eq!(document["tasks"]["x"]["children"]["x"]["inputs"], json!({}));
}

#[test]
fn what_can_hardly_be_meant_is_noted() {
    let mut builder = builder();
    for (method, params) in [
        ("retry", json!({})),
        ("task", json!({"task_id": "a", "function": "f", "retrypolicy": {}})),
        ("wait", json!({"task_id": "w", "wait_for": 1, "depends_on": ["a"]})),
        ("timeout", json!({"timeout": 5})),
        ("task", json!({"task_id": "a", "function": "f"})),
    ] {
        builder.call(method, params).unwrap();
    }
    let notes = builder.build().unwrap().notes;
    let codes: Vec<_> = notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(
        codes,
        ["MODIFIER_IGNORED", "OPTION_MERGED", "OPTION_IGNORED", "MODIFIER_IGNORED", "TASK_OVERWRITTEN"]
    );
    let helps: Vec<_> = notes.iter().map(|note| note.help.as_deref().unwrap_or_default()).collect();
    assert_eq!(helps.get(1..3).unwrap(), ["did you mean `retry_policy`?", "use `dependencies`"]);
}

/// The operator `c` of the loop's body takes the place of the condition `c`, and is what `on_failure` changes.
#[test]
fn an_operator_is_the_same_in_the_workflow_and_in_the_body_of_a_loop() {
    let task = |id: &str| json!(["task", {"task_id": id, "function": "f"}]);
    let body = json!({"$sub": [task("c")]});
    let mut builder = builder();
    builder
        .calls(json!([
            ["condition", {"task_id": "c", "condition": "x", "if_false": {"$sub": []}, "if_true": {"$sub": [
                ["foreach", {"task_id": "each", "items": "{{xs}}", "loop_body": body}],
            ]}}],
            ["on_failure", {"failure_task_id": "mend"}],
            ["timeout", {"timeout": 5}],
            task("mend"),
        ]))
        .unwrap();
    let written = builder.build().unwrap().workflow.to_value();
    let copy = &written["tasks"]["each"]["loop_body"][0];
    assert_eq!(copy, &written["tasks"]["c"]);
    assert_eq!(copy["on_failure_task_id"], "mend");
    assert_eq!(copy["timeout_policy"]["timeout"], "PT5S");
}

/// The first `step` is replaced in the workflow but stays in the body of the loop, where the condition does not reach it.
#[test]
fn an_operator_that_was_replaced_is_left_alone() {
    let task = |id: &str| json!(["task", {"task_id": id, "function": "f"}]);
    let mut builder = builder();
    builder
        .calls(json!([["condition", {"task_id": "c", "condition": "x", "if_false": {"$sub": []}, "if_true": {"$sub": [
            ["foreach", {"task_id": "each", "items": "{{xs}}", "loop_body": {"$sub": [task("step")]}}],
            task("step"),
        ]}}]]))
        .unwrap();
    let written = builder.build().unwrap().workflow.to_value();
    assert_eq!(written["tasks"]["each"]["loop_body"][0]["dependencies"], json!(["each"]));
    assert_eq!(written["tasks"]["step"]["dependencies"], json!(["each", "c"]));
}

#[test]
fn a_setter_sets_its_field_and_nothing_else() {
    let task =
        json!({"task_id": "a", "operator_type": "task", "function": "f", "on_failure_task_id": "nowhere"});
    let given = json!({"name": "w", "tasks": {"a": task}});
    for (setter, params, field, value) in [
        ("set_start_task", json!({"task_id": ""}), "start_task", json!("")),
        ("set_paused", json!({"paused": true}), "is_paused", json!(true)),
        ("set_variables", json!({"variables": {"n": 1}}), "variables", json!({"n": 1})),
        ("add_tags", json!({"tags": ["x"]}), "tags", json!(["x"])),
    ] {
        let mut expected = highway_wasm::definition::read(&given).workflow.to_value();
        expected[field] = value;
        let set = WorkflowBuilder::set(given.clone(), setter, params).unwrap();
        assert_eq!(set.workflow.to_value(), expected, "{setter}");
    }
}

#[test]
fn what_counts_as_false_in_python_is_an_empty_result() {
    for result in [json!(null), json!([]), json!(""), json!(0), json!(false)] {
        let mut builder = WorkflowBuilder::new(&json!({"name": "w"})).unwrap();
        builder.call("terminate", json!({"task_id": "end", "result": result})).unwrap();
        assert_eq!(
            builder.build().unwrap().workflow.to_value()["tasks"]["end"]["result"],
            json!({}),
            "{result}"
        );
    }
}
