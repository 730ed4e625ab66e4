//! Operators as the workflow builder writes them.

use super::Scenario;
use serde_json::{Map, Value, json};

/// A workflow of operators. Bodies of loops are listed beside their loops, too, as the builder does it.
pub(crate) fn flow(operators: &[Value]) -> Value {
    named("scenario", operators)
}

/// The same with a name of its own.
pub(crate) fn named(name: &str, operators: &[Value]) -> Value {
    let mut tasks = Map::new();
    for operator in operators {
        tasks.insert(id_of(operator), operator.clone());
        for inner in operator["loop_body"].as_array().into_iter().flatten() {
            tasks.insert(id_of(inner), inner.clone());
        }
    }
    json!({"name": name, "version": "2.0.0", "description": "", "tasks": tasks, "variables": {},
        "start_task": null, "schedule": null, "start_date": null, "catchup": false, "is_paused": false, "tags": [],
        "max_active_runs": 1, "default_retry_policy": null, "deadline_seconds": null, "deadline_action": "fail"})
}

fn id_of(operator: &Value) -> String {
    operator["task_id"].as_str().unwrap().to_owned()
}

/// An operator with the fields that all have, and those of its kind.
pub(crate) fn op(kind: &str, id: &str, dependencies: &[&str], fields: Value) -> Value {
    let mut operator = json!({"task_id": id, "operator_type": kind, "dependencies": dependencies,
        "trigger_rule": "all_success", "retry_policy": null, "timeout_policy": null, "circuit_breaker_policy": null,
        "idempotency_key": null, "metadata": {}, "description": "", "result_key": null, "on_success_task_id": null,
        "on_failure_task_id": null, "is_internal_loop_task": false, "is_internal_parallel_task": false,
        "preconditions": [], "postconditions": []});
    let all = operator.as_object_mut().unwrap();
    all.extend(fields.as_object().unwrap().clone());
    operator
}

/// An operator with some fields set otherwise.
pub(crate) fn but(mut operator: Value, fields: Value) -> Value {
    operator.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    operator
}

/// A task with the tool `tools.test.<id>` and the result key `<id>_result`.
pub(crate) fn task(id: &str, dependencies: &[&str]) -> Value {
    with_args(id, dependencies, json!([]))
}

/// The same with arguments.
pub(crate) fn with_args(id: &str, dependencies: &[&str], args: Value) -> Value {
    let fields = json!({"function": format!("tools.test.{id}"), "args": args, "kwargs": {},
        "result_key": format!("{id}_result")});
    op("task", id, dependencies, fields)
}

/// A task with a tool of the engine, and the result key `<id>_result`.
pub(crate) fn builtin(id: &str, dependencies: &[&str], function: &str, args: Value, kwargs: Value) -> Value {
    let fields =
        json!({"function": function, "args": args, "kwargs": kwargs, "result_key": format!("{id}_result")});
    op("task", id, dependencies, fields)
}

pub(crate) fn condition(
    id: &str,
    dependencies: &[&str],
    condition: &str,
    if_true: Option<&str>,
    if_false: Option<&str>,
) -> Value {
    op(
        "condition",
        id,
        dependencies,
        json!({"condition": condition, "if_true": if_true, "if_false": if_false}),
    )
}

/// A fork with the result key `<id>_fork`.
pub(crate) fn parallel(id: &str, dependencies: &[&str], branches: &[(&str, &[Value])]) -> Value {
    let (ids, documents) = branches_of(branches);
    let fields = json!({"branches": ids, "branch_workflows": documents, "timeout": null,
        "result_key": format!("{id}_fork")});
    op("parallel", id, dependencies, fields)
}

/// A choice of branches by their conditions, with the result key `<id>_fork`.
pub(crate) fn multi_choice(
    id: &str,
    dependencies: &[&str],
    minimum: u32,
    branches: &[(&str, &str, &[Value])],
) -> Value {
    let plain: Vec<(&str, &[Value])> = branches.iter().map(|(name, _, tasks)| (*name, *tasks)).collect();
    let (mut ids, documents) = branches_of(&plain);
    for (name, condition, _) in branches {
        ids[*name] = json!({"condition": condition, "tasks": ids[*name]});
    }
    let fields = json!({"branches": ids, "branch_workflows": documents, "minimum_branches": minimum, "timeout": null,
        "result_key": format!("{id}_fork")});
    op("multi_choice", id, dependencies, fields)
}

fn branches_of(branches: &[(&str, &[Value])]) -> (Value, Value) {
    let (mut ids, mut documents) = (json!({}), json!({}));
    for (name, operators) in branches {
        ids[*name] = operators.iter().map(id_of).collect();
        documents[*name] = named(&name.to_lowercase(), operators);
    }
    (ids, documents)
}

/// Waits for all branches of a fork.
pub(crate) fn wait_branches(id: &str, fork: &str) -> Value {
    let function = "tools.workflow.wait_for_parallel_branches";
    builtin(id, &[fork], function, json!([format!("{{{{{fork}_fork}}}}")]), json!({"timeout_seconds": 300}))
}

/// Waits for one branch of a fork.
pub(crate) fn wait_branch(id: &str, dependencies: &[&str], fork: &str, branch: &str, seconds: u32) -> Value {
    let args = json!([format!("{{{{{fork}_fork}}}}"), branch]);
    builtin(id, dependencies, "tools.workflow.wait_for_branch", args, json!({"timeout_seconds": seconds}))
}

/// A loop over items with the result key `<id>_result`; its body as the builder lists it.
pub(crate) fn foreach(id: &str, dependencies: &[&str], items: &str, body: &[Value]) -> Value {
    let fields = json!({"items": items, "loop_body": body_of(id, body), "parallel": false, "dynamic": false,
        "result_key": format!("{id}_result")});
    op("foreach", id, dependencies, fields)
}

/// A loop as long as a condition holds, with the result key `<id>_result`.
pub(crate) fn while_loop(id: &str, dependencies: &[&str], condition: &str, body: &[Value]) -> Value {
    let fields = json!({"condition": condition, "loop_body": body_of(id, body),
        "result_key": format!("{id}_result")});
    op("while", id, dependencies, fields)
}

/// Bodies of inner loops are listed in the outer one, too; the first operator depends on the loop.
fn body_of(id: &str, body: &[Value]) -> Vec<Value> {
    let mut all = Vec::new();
    for operator in body {
        all.push(operator.clone());
        all.extend(operator["loop_body"].as_array().into_iter().flatten().cloned());
    }
    for (at, operator) in all.iter_mut().enumerate() {
        operator["is_internal_loop_task"] = json!(true);
        let dependencies = operator["dependencies"].as_array_mut().unwrap();
        if at == 0 {
            dependencies.push(json!(id));
        }
    }
    all
}

pub(crate) fn join(id: &str, dependencies: &[&str], tasks: &[&str], mode: &str) -> Value {
    let fields = json!({"join_tasks": tasks, "join_mode": mode, "result_key": format!("{id}_result")});
    op("join", id, dependencies, fields)
}

pub(crate) fn emit(id: &str, dependencies: &[&str], event: &str, payload: Value) -> Value {
    op("emit_event", id, dependencies, json!({"event_name": event, "payload": payload}))
}

pub(crate) fn receive(id: &str, dependencies: &[&str], event: &str, seconds: Option<u32>) -> Value {
    let fields =
        json!({"event_name": event, "timeout_seconds": seconds, "result_key": format!("{id}_result")});
    op("wait_for_event", id, dependencies, fields)
}

pub(crate) fn terminate(id: &str, dependencies: &[&str], status: &str, result: Value, reason: &str) -> Value {
    op("terminate", id, dependencies, json!({"status": status, "result": result, "reason": reason}))
}

pub(crate) fn retry(retries: u32, delay: &str) -> Value {
    json!({"max_retries": retries, "delay": delay, "backoff_factor": 1.0})
}

pub(crate) fn timeout(limit: &str) -> Value {
    json!({"timeout": limit, "kill_on_timeout": true})
}

/// States of steps, those in rounds of loops included: `each[0]=succeeded`.
pub(crate) fn all_steps(run: &Scenario) -> String {
    let steps = highway_wasm::engine::steps_view(run.run(), None);
    let shown =
        steps["steps"].as_array().unwrap().iter().map(|step| {
            format!("{}={}", step["step_name"].as_str().unwrap(), step["status"].as_str().unwrap())
        });
    shown.collect::<Vec<_>>().join(" ")
}

/// What a finished step gave.
pub(crate) fn result_of(run: &Scenario, id: &str) -> Value {
    run.step(id)["result"].clone()
}

/// Why a step was skipped.
pub(crate) fn skipped_because(run: &Scenario, id: &str) -> String {
    run.step(id)["skip_reason"].as_str().unwrap_or_default().to_owned()
}

/// The engine is lost and built again; it has nothing new to say.
pub(crate) fn reopen(run: &mut Scenario) {
    run.reopen();
    let known = run.records.len();
    run.sleep_through(0.0);
    assert_eq!(run.records.get(known), None, "the replayed engine goes on by itself");
}

/// Has tasks succeed with their ids, each once it is the only one that starts.
pub(crate) fn succeed_all(run: &mut Scenario, tasks: &[&str]) {
    for id in tasks {
        run.expect_starts(&[id]).iter().for_each(|call| run.finish(call, Ok(json!(*id))));
    }
}

/// Two branches of one task each.
pub(crate) fn short_fork() -> Value {
    parallel("fork", &[], &[("a", &[task("a1", &[])]), ("b", &[task("b1", &[])])])
}
