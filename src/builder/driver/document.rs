//! Writes the tasks of a driver as a definition, exactly as the Python driver 0.9.1 does: same keys, same order.

use super::artifact::package_name;
use super::python::{self, Wrapper};
use super::task::{Delay, DriverTask, Durable, TaskKind};
use super::{DEFAULT_RUN_TIMEOUT, Driver, RunSettings};
use crate::definition::OF_DRIVER;
use crate::error::{Error, ErrorCode, Result};
use crate::json::number::{as_float, digits, number, parse_f64};
use crate::json::object;
use crate::text::names::NameIndex;
use serde_json::{Map, Number, Value};

/// Module of the uploaded artifact that holds the functions of durable tasks.
const DURABLE_MODULE: &str = "driver_tasks.tasks._hw_";

/// Fields that an entry has at most, but for few: memory for them is asked for once.
const FIELDS: usize = 12;

/// The definition.
pub(super) fn document(driver: &Driver, settings: &RunSettings, random_hex: &str) -> Result<Value> {
    let mut tasks = Map::with_capacity(driver.tasks.len());
    let branched = NameIndex::new(driver.tasks.iter().flat_map(DriverTask::branched));
    for task in driver.tasks.iter().filter(|task| branched.get(&task.name).is_none()) {
        match &task.kind {
            TaskKind::Parallel { branches } => parallel(driver, task, branches, &mut tasks)?,
            _ => add(task, task.depends.clone(), &mut tasks)?,
        }
    }
    let name = workflow_name(driver, random_hex);
    let timeout = settings.timeout.as_ref().map_or_else(|| DEFAULT_RUN_TIMEOUT.into(), whole_seconds);
    let mut document = object([
        ("name", name.into()),
        ("version", "1.0.0".into()),
        ("description", OF_DRIVER.into()),
        ("start_task", start_task(&tasks).into()),
        ("tasks", Value::Object(tasks)),
        ("variables", Value::Object(settings.inputs.clone())),
        ("max_active_runs", 1.into()),
        ("timeout_seconds", timeout),
    ]);
    let schedule =
        driver.tasks.iter().filter_map(|task| task.schedule.as_deref()).find(|text| !text.is_empty());
    if let (Some(schedule), Value::Object(map)) = (schedule, &mut document) {
        map.insert("schedule".into(), schedule.into());
    }
    Ok(document)
}

/// Seconds without their fraction. Floats have none from 2^53 on.
fn whole_seconds(seconds: &Number) -> Value {
    match parse_f64(seconds.as_str()) {
        Some(value) if value.abs() < 9_007_199_254_740_992.0 => number(value.trunc()),
        _ => as_float(seconds).into(),
    }
}

fn workflow_name(driver: &Driver, random_hex: &str) -> String {
    match (&driver.name, driver.tasks.first()) {
        (Some(name), _) => name.replace('-', "_"),
        (None, Some(first)) => format!("workflow_{}", first.name),
        (None, None) => format!("driver_workflow_{random_hex}"),
    }
}

/// The alphabetically first entry without dependencies.
fn start_task(tasks: &Map<String, Value>) -> Option<String> {
    let is_root =
        |entry: &Value| entry.get("dependencies").and_then(Value::as_array).is_some_and(Vec::is_empty);
    tasks.iter().filter(|(_, entry)| is_root(entry)).map(|(id, _)| id.as_str()).min().map(str::to_owned)
}

/// Id of the wait that is written before a delayed task.
pub(super) fn wait_id(task: &str) -> String {
    format!("{task}_wait")
}

/// Id of the body of a loop.
pub(super) fn body_id(task: &str) -> String {
    format!("{task}_body")
}

/// Id of the fork that a parallel task waits for.
pub(super) fn fork_id(task: &str) -> String {
    format!("{task}_fork")
}

/// Adds the entries of a task. An id that is taken already is replaced in its place, as in a Python dict.
fn add(task: &DriverTask, mut dependencies: Vec<String>, tasks: &mut Map<String, Value>) -> Result<()> {
    if let Some(Delay(delay)) = task.delay {
        let id = wait_id(&task.name);
        let mut wait = entry(&id, "wait", &dependencies);
        wait.insert("wait_for".into(), format!("PT{}S", delay.micros() / 1_000_000).into());
        dependencies = vec![id.clone()];
        tasks.insert(id, Value::Object(wait));
    }
    let mut map = match &task.kind {
        TaskKind::Foreach { .. } => entry(&task.name, "foreach", &dependencies),
        TaskKind::While { .. } => entry(&task.name, "while", &dependencies),
        TaskKind::Emit { .. } => entry(&task.name, "emit_event", &dependencies),
        TaskKind::WaitFor { .. } => entry(&task.name, "wait_for_event", &dependencies),
        _ => task_entry(task, &dependencies)?,
    };
    match &task.kind {
        TaskKind::Foreach { items, source } => {
            let body = body(task, "item", call_of_code(task, source, Wrapper::Body));
            map.insert("items".into(), items.as_str().into());
            map.insert("loop_body".into(), Value::Array(vec![body.clone()]));
            map.insert("parallel".into(), false.into());
            tasks.insert(body_id(&task.name), body);
        }
        TaskKind::While { condition, source, is_durable } => {
            let call = if *is_durable {
                durable_call(task, &Durable::of_source(source))?
            } else {
                call_of_code(task, source, Wrapper::Body)
            };
            let body = body(task, "iteration", call);
            map.insert("condition".into(), condition.as_str().into());
            map.insert("loop_body".into(), Value::Array(vec![body.clone()]));
            tasks.insert(body_id(&task.name), body);
        }
        TaskKind::Emit { event, payload } => {
            map.insert("event_name".into(), event.as_str().into());
            map.insert("payload".into(), payload.clone());
        }
        TaskKind::WaitFor { event, timeout } => {
            map.insert("event_name".into(), event.as_str().into());
            map.insert("timeout_seconds".into(), timeout.clone().into());
        }
        _ => {}
    }
    if !map.contains_key("result_key") {
        map.insert("result_key".into(), format!("{}_result", task.name).into());
    }
    if !task.description.is_empty() {
        map.insert("description".into(), task.description.as_str().into());
    }
    tasks.insert(task.name.clone(), Value::Object(map));
    Ok(())
}

fn entry(id: &str, operator_type: &str, dependencies: &[String]) -> Map<String, Value> {
    let mut map = Map::with_capacity(FIELDS);
    map.insert("task_id".into(), id.into());
    map.insert("operator_type".into(), operator_type.into());
    map.insert("dependencies".into(), dependencies.iter().map(|id| Value::from(id.as_str())).collect());
    map.insert("trigger_rule".into(), "all_success".into());
    map
}

/// An entry that calls a tool.
fn task_entry(task: &DriverTask, dependencies: &[String]) -> Result<Map<String, Value>> {
    let mut map = entry(&task.name, "task", dependencies);
    map.insert("result_key".into(), format!("{}_result", task.name).into());
    map.insert("timeout_seconds".into(), task.timeout.clone().into());
    if task.retries > 0 {
        let policy = object([
            ("max_attempts", (u64::from(task.retries) + 1).into()),
            ("initial_interval_seconds", task.retry_delay.clone().into()),
            ("backoff_coefficient", task.backoff.clone().into()),
        ]);
        map.insert("retry_policy".into(), policy);
    }
    if let Some(mut call) = call(task)? {
        if let (Value::Object(kwargs), false) = (&mut call.kwargs, task.env.is_empty()) {
            kwargs.insert("env".into(), Value::Object(task.env.clone()));
        }
        call.write(&mut map);
    }
    Ok(map)
}

/// The body of a loop, which depends on the loop.
fn body(task: &DriverTask, each: &str, call: Call) -> Value {
    let mut map = entry(&body_id(&task.name), "task", std::slice::from_ref(&task.name));
    call.write(&mut map);
    map.insert("result_key".into(), format!("{}_{each}_result", task.name).into());
    map.insert("is_internal_loop_task".into(), true.into());
    Value::Object(map)
}

/// The call of a tool.
struct Call {
    function: String,
    args: Option<Vec<Value>>,
    kwargs: Value,
}

impl Call {
    fn write(self, map: &mut Map<String, Value>) {
        map.insert("function".into(), self.function.into());
        if let Some(args) = self.args {
            map.insert("args".into(), Value::Array(args));
        }
        map.insert("kwargs".into(), self.kwargs);
    }
}

/// What a task calls.
fn call(task: &DriverTask) -> Result<Option<Call>> {
    let empty = Value::Object(Map::new());
    Ok(Some(match &task.kind {
        TaskKind::Shell(command) => tool("tools.shell.run", Some(vec![command.clone()]), empty),
        TaskKind::Python(source) => call_of_code(task, source, Wrapper::Task),
        TaskKind::Http(request) => tool("tools.http.request", None, request.clone()),
        TaskKind::Tool { name, kwargs } if name.is_empty() => {
            tool("tools.workflow.execute", None, workflow_kwargs(None, None, kwargs.get("inputs").cloned()))
        }
        TaskKind::Tool { name, kwargs } => {
            tool(name, None, if kwargs.is_object() { kwargs.clone() } else { empty })
        }
        TaskKind::Workflow { name, id, inputs } => {
            let kwargs = workflow_kwargs(name.as_deref(), id.as_deref(), inputs.clone());
            tool("tools.workflow.execute", None, kwargs)
        }
        TaskKind::Durable(durable) => durable_call(task, durable)?,
        _ => return Ok(None),
    }))
}

fn tool(function: &str, args: Option<Vec<Value>>, kwargs: Value) -> Call {
    Call { function: function.to_owned(), args, kwargs }
}

fn call_of_code(task: &DriverTask, source: &str, wrapper: Wrapper) -> Call {
    let code = python::wrap(&task.name, source, wrapper);
    tool("tools.code.exec", None, object([("code", code.into()), ("timeout", task.timeout.clone().into())]))
}

fn durable_call(task: &DriverTask, durable: &Durable) -> Result<Call> {
    let mut args = vec![Value::from(durable_function(task, durable)?)];
    args.extend(durable.args.iter().cloned());
    let mut kwargs = Map::new();
    kwargs.insert("artifact_id".into(), "{{_artifact_id}}".into());
    for (key, value) in &durable.kwargs {
        kwargs.insert(key.clone(), value.clone());
    }
    Ok(tool("tools.python.run", Some(args), Value::Object(kwargs)))
}

/// The dotted name of the function in the artifact.
fn durable_function(task: &DriverTask, durable: &Durable) -> Result<String> {
    let Some((package, entrypoint)) = &durable.package else {
        let name = python::entry_function(&task.name, &durable.source);
        return Ok(format!("{DURABLE_MODULE}{}", name.as_deref().unwrap_or(&task.name)));
    };
    let folder = package_name(package);
    match entrypoint.split(':').collect::<Vec<_>>().as_slice() {
        [module, function] => Ok(format!("{folder}.{module}.{function}")),
        _ => Err(Error::new(
            ErrorCode::EntrypointInvalid,
            format!("`{entrypoint}` of task `{}` is not a `module:function` entry point", task.name),
        )
        .with_path("/entrypoint")),
    }
}

fn workflow_kwargs(name: Option<&str>, id: Option<&str>, inputs: Option<Value>) -> Value {
    let mut kwargs = Map::new();
    for (key, value) in [("workflow_name", name), ("definition_id", id)] {
        if let Some(text) = value.filter(|text| !text.is_empty()) {
            kwargs.insert(key.into(), text.into());
        }
    }
    if let Some(inputs) = inputs {
        kwargs.insert("inputs".into(), inputs);
    }
    Value::Object(kwargs)
}

/// A fork, and a task of the given name that waits for its branches: what depends on it starts when they are over.
fn parallel(
    driver: &Driver,
    task: &DriverTask,
    branches: &[(String, Vec<String>)],
    tasks: &mut Map<String, Value>,
) -> Result<()> {
    let (fork, data) = (fork_id(&task.name), format!("{}_fork_data", task.name));
    let mut ids = Map::new();
    let mut workflows = Map::new();
    for (branch, members) in branches {
        ids.insert(branch.clone(), members.iter().map(|id| Value::from(id.as_str())).collect());
        workflows.insert(branch.clone(), branch_workflow(driver, &task.name, branch, members)?);
    }
    let mut map = entry(&fork, "parallel", &task.depends);
    map.insert("branches".into(), Value::Object(ids));
    map.insert("branch_workflows".into(), Value::Object(workflows));
    map.insert("result_key".into(), data.as_str().into());
    tasks.insert(fork.clone(), Value::Object(map));
    let mut wait = entry(&task.name, "task", &[fork]);
    wait.insert("result_key".into(), format!("{}_result", task.name).into());
    let kwargs = object([("timeout_seconds", task.timeout.clone().into())]);
    let args = vec![format!("{{{{{data}}}}}").into()];
    tool("tools.workflow.wait_for_parallel_branches", Some(args), kwargs).write(&mut wait);
    tasks.insert(task.name.clone(), Value::Object(wait));
    Ok(())
}

/// A branch as a workflow of its own, with policies as the DSL spells them: that is what Highway reads branches with.
fn branch_workflow(driver: &Driver, task: &str, branch: &str, members: &[String]) -> Result<Value> {
    let mut tasks = Map::new();
    for member in members {
        let Some(found) = driver.find(member) else {
            return Err(Error::new(
                ErrorCode::DependencyUnknown,
                format!("branch `{branch}` of `{task}` names `{member}` which is not registered"),
            )
            .with_path(crate::json::child_path("/tasks", task)));
        };
        if let TaskKind::Parallel { .. } = found.kind {
            return Err(Error::new(
                ErrorCode::BranchCrossed,
                format!("branch `{branch}` of `{task}` runs the parallel task `{member}`, which cannot be in a branch"),
            )
            .with_path(crate::json::child_path("/tasks", task)));
        }
        let inside = found.depends.iter().filter(|name| members.contains(name)).cloned().collect();
        add(found, inside, &mut tasks)?;
        if let Some(Value::Object(entry)) = tasks.get_mut(member) {
            spell_policies(found, entry);
        }
    }
    let name = format!("{task}_{}", branch.to_ascii_lowercase()).replace('-', "_");
    Ok(object([
        ("name", name.into()),
        ("version", "2.0.0".into()),
        ("start_task", start_task(&tasks).into()),
        ("tasks", Value::Object(tasks)),
        ("variables", Value::Object(Map::new())),
    ]))
}

/// ISO 8601 text of a number of seconds.
fn iso(seconds: &Number) -> String {
    format!("PT{}S", digits(parse_f64(seconds.as_str()).unwrap_or_default()))
}

/// `timeout_policy` and `retry_policy` of the DSL in the place of the driver's spelling.
fn spell_policies(task: &DriverTask, entry: &mut Map<String, Value>) {
    if entry.shift_remove("timeout_seconds").is_some_and(|_| !matches!(task.kind, TaskKind::WaitFor { .. })) {
        let timeout = iso(&task.timeout);
        let policy = object([("timeout", timeout.into()), ("kill_on_timeout", true.into())]);
        entry.insert("timeout_policy".into(), policy);
    } else if let TaskKind::WaitFor { timeout, .. } = &task.kind {
        entry.insert("timeout_seconds".into(), timeout.clone().into());
    }
    if entry.contains_key("retry_policy") {
        let policy = object([
            ("max_retries", task.retries.into()),
            ("delay", iso(&task.retry_delay).into()),
            ("backoff_factor", task.backoff.clone().into()),
        ]);
        entry.insert("retry_policy".into(), policy);
    }
}
