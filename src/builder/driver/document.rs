//! Writes the tasks of a driver as a definition, exactly as the Python driver 0.9.1 does: same keys, same order.

use super::artifact::package_name;
use super::python::{self, Wrapper};
use super::task::{Delay, DriverTask, Durable, TaskKind};
use super::{DEFAULT_RUN_TIMEOUT, Driver, RunSettings};
use crate::definition::OF_DRIVER;
use crate::error::{Error, ErrorCode, Result};
use crate::json::number::{as_float, digits, from_digits, parse_f64};
use crate::json::{JsonWriter, child_path, object};
use crate::text::names::NameIndex;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::ops::Range;

/// The module of the artifact with the functions of durable tasks, in front of the name of a function.
const DURABLE_MODULE: &str = "driver_tasks.tasks._hw_";

/// A definition as text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Name of the workflow.
    pub name: String,
    /// Seconds that a run may take.
    pub timeout: Number,
    /// The definition, as compact JSON.
    pub text: String,
}

/// The definition.
pub(super) fn document(driver: &Driver, settings: &RunSettings, random_hex: &str) -> Result<Document> {
    let mut tasks = Entries::default();
    let branched = NameIndex::new(driver.tasks.iter().flat_map(DriverTask::branched));
    for task in driver.tasks.iter().filter(|task| branched.get(&task.name).is_none()) {
        match &task.kind {
            TaskKind::Parallel { branches } => parallel(driver, task, branches, &mut tasks)?,
            _ => add(task, &task.depends, Dialect::Driver, &mut tasks)?,
        }
    }
    let name = workflow_name(driver, random_hex);
    let timeout = settings.timeout.as_ref().map_or_else(|| DEFAULT_RUN_TIMEOUT.into(), whole_seconds);
    let mut out = JsonWriter::compact();
    out.open('{');
    set_text(&mut out, "name", &name);
    set_text(&mut out, "version", "1.0.0");
    set_text(&mut out, "description", OF_DRIVER);
    tasks.write(&mut out);
    out.field("variables");
    out.object(&settings.inputs);
    set_raw(&mut out, "max_active_runs", "1");
    set_raw(&mut out, "timeout_seconds", timeout.as_str());
    let mut schedules = driver.tasks.iter().filter_map(|task| task.schedule.as_deref());
    if let Some(schedule) = schedules.find(|text| !text.is_empty()) {
        set_text(&mut out, "schedule", schedule);
    }
    out.close('}');
    Ok(Document { name, timeout, text: out.finish() })
}

/// How policies are spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// `timeout_seconds`, `retry_policy` with attempts.
    Driver,
    /// `timeout_policy`, `retry_policy` with retries: Highway reads branches in this dialect.
    Dsl,
}

/// The entries of a definition, or of a branch.
#[derive(Default)]
struct Entries {
    /// The JSON texts of the entries, one after the other.
    out: JsonWriter,
    list: Vec<Entry>,
    /// Positions of the entries by id. A JSON map is the table, so that the artefact has one kind of hash table.
    ids: Map<String, Value>,
}

/// An entry.
struct Entry {
    id: String,
    /// The range of its text in `Entries::out`.
    text: Range<usize>,
    /// Whether it has no dependencies.
    is_root: bool,
}

impl Entries {
    /// Begins an entry with the fields that every entry has. Returns where the entry begins.
    fn begin(&mut self, id: &str, operator_type: &str, dependencies: &[String]) -> usize {
        let (start, out) = (self.out.len(), &mut self.out);
        out.open('{');
        set_text(out, "task_id", id);
        set_text(out, "operator_type", operator_type);
        out.field("dependencies");
        out.texts(dependencies);
        set_text(out, "trigger_rule", "all_success");
        start
    }

    /// Ends the entry that begins at `start`. It replaces an earlier entry with its id in place, as in a Python dict.
    fn end(&mut self, start: usize, id: &str, is_root: bool) {
        self.out.close('}');
        let added = Entry { id: id.to_owned(), text: start..self.out.len(), is_root };
        let earlier = self.ids.get(id).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        if let Some(place) = earlier.and_then(|at| self.list.get_mut(at)) {
            *place = added;
        } else {
            self.ids.insert(id.to_owned(), self.list.len().into());
            self.list.push(added);
        }
    }

    /// Writes the fields `start_task`, the alphabetically first entry without dependencies, and `tasks`.
    fn write(self, out: &mut JsonWriter) {
        let roots = self.list.iter().filter(|entry| entry.is_root);
        out.field("start_task");
        match roots.map(|entry| entry.id.as_str()).min() {
            Some(id) => out.text(id),
            None => out.raw("null"),
        }
        out.field("tasks");
        out.open('{');
        let text = self.out.finish();
        for entry in self.list {
            out.key(&entry.id);
            out.raw(text.get(entry.text).unwrap_or_default());
        }
        out.close('}');
    }
}

fn set_text(out: &mut JsonWriter, key: &'static str, text: &str) {
    out.field(key);
    out.text(text);
}

fn set_raw(out: &mut JsonWriter, key: &'static str, json: &str) {
    out.field(key);
    out.raw(json);
}

fn set(out: &mut JsonWriter, key: &'static str, value: &Value) {
    out.field(key);
    out.value(value);
}

/// Cuts seconds to whole ones. From 2^53 on, floats have no fraction.
fn whole_seconds(seconds: &Number) -> Number {
    match parse_f64(seconds.as_str()) {
        Some(value) if value.abs() < 9_007_199_254_740_992.0 => from_digits(digits(value.trunc())),
        _ => as_float(seconds),
    }
}

fn workflow_name(driver: &Driver, random_hex: &str) -> String {
    match (&driver.name, driver.tasks.first()) {
        (Some(name), _) => name.replace('-', "_"),
        (None, Some(first)) => format!("workflow_{}", first.name),
        (None, None) => format!("driver_workflow_{random_hex}"),
    }
}

/// Id of the wait in front of a delayed task.
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

/// Adds the entries of a task.
fn add(task: &DriverTask, depends: &[String], dialect: Dialect, tasks: &mut Entries) -> Result<()> {
    let waiting;
    let mut dependencies = depends;
    if let Some(Delay(delay)) = task.delay {
        let id = wait_id(&task.name);
        let start = tasks.begin(&id, "wait", dependencies);
        set_text(&mut tasks.out, "wait_for", &format!("PT{}S", delay.micros() / 1_000_000));
        tasks.end(start, &id, dependencies.is_empty());
        waiting = [id];
        dependencies = &waiting;
    }
    let body = match &task.kind {
        TaskKind::Foreach { source, .. } => {
            Some(body(task, "item", &call_of_code(task, source, Wrapper::Body), tasks))
        }
        TaskKind::While { source, is_durable: true, .. } => {
            Some(body(task, "iteration", &durable_call(task, &Durable::of_source(source))?, tasks))
        }
        TaskKind::While { source, .. } => {
            Some(body(task, "iteration", &call_of_code(task, source, Wrapper::Body), tasks))
        }
        _ => None,
    };
    let operator = match &task.kind {
        TaskKind::Foreach { .. } => "foreach",
        TaskKind::While { .. } => "while",
        TaskKind::Emit { .. } => "emit_event",
        TaskKind::WaitFor { .. } => "wait_for_event",
        _ => "task",
    };
    let start = tasks.begin(&task.name, operator, dependencies);
    fields(task, dialect, body, operator == "task", &mut tasks.out)?;
    tasks.end(start, &task.name, dependencies.is_empty());
    Ok(())
}

/// Writes the further fields of a task. `body` is the text of a loop's body; `is_call` tells whether the task calls a
/// tool.
fn fields(
    task: &DriverTask,
    dialect: Dialect,
    body: Option<String>,
    is_call: bool,
    out: &mut JsonWriter,
) -> Result<()> {
    if is_call {
        set_text(out, "result_key", &format!("{}_result", task.name));
        policies(task, dialect, out);
        if let Some(call) = call(task)? {
            call.write(&task.env, out);
        }
    }
    match &task.kind {
        TaskKind::Foreach { items, .. } => set_text(out, "items", items),
        TaskKind::While { condition, .. } => set_text(out, "condition", condition),
        TaskKind::Emit { event, payload } => {
            set_text(out, "event_name", event);
            set(out, "payload", payload);
        }
        TaskKind::WaitFor { event, timeout } => {
            set_text(out, "event_name", event);
            if dialect == Dialect::Driver {
                set_raw(out, "timeout_seconds", timeout.as_str());
            }
        }
        _ => {}
    }
    if let Some(body) = body {
        set_raw(out, "loop_body", &format!("[{body}]"));
    }
    if let TaskKind::Foreach { .. } = task.kind {
        set_raw(out, "parallel", "false");
    }
    if !is_call {
        set_text(out, "result_key", &format!("{}_result", task.name));
    }
    if !task.description.is_empty() {
        set_text(out, "description", &task.description);
    }
    if dialect == Dialect::Dsl {
        if let TaskKind::WaitFor { timeout, .. } = &task.kind {
            set_raw(out, "timeout_seconds", timeout.as_str());
        } else if is_call {
            out.field("timeout_policy");
            out.open('{');
            set_text(out, "timeout", &iso(&task.timeout));
            set_raw(out, "kill_on_timeout", "true");
            out.close('}');
        }
    }
    Ok(())
}

/// Writes the time limit and the retry policy of a task that calls a tool. In the DSL, the time limit comes last.
fn policies(task: &DriverTask, dialect: Dialect, out: &mut JsonWriter) {
    if dialect == Dialect::Driver {
        set_raw(out, "timeout_seconds", task.timeout.as_str());
    }
    if task.retries == 0 {
        return;
    }
    out.field("retry_policy");
    out.open('{');
    if dialect == Dialect::Driver {
        set_raw(out, "max_attempts", &(u64::from(task.retries) + 1).to_string());
        set_raw(out, "initial_interval_seconds", task.retry_delay.as_str());
        set_raw(out, "backoff_coefficient", task.backoff.as_str());
    } else {
        set_raw(out, "max_retries", &task.retries.to_string());
        set_text(out, "delay", &iso(&task.retry_delay));
        set_raw(out, "backoff_factor", task.backoff.as_str());
    }
    out.close('}');
}

/// Adds the body of a loop, which depends on the loop. Returns the text of the entry.
fn body(task: &DriverTask, each: &str, call: &Call<'_>, tasks: &mut Entries) -> String {
    let id = body_id(&task.name);
    let start = tasks.begin(&id, "task", std::slice::from_ref(&task.name));
    let out = &mut tasks.out;
    call.write(&Map::new(), out);
    set_text(out, "result_key", &format!("{}_{each}_result", task.name));
    set_raw(out, "is_internal_loop_task", "true");
    tasks.end(start, &id, false);
    tasks.out.written(start).to_owned()
}

/// The call of a tool.
struct Call<'a> {
    function: Cow<'a, str>,
    args: Option<Vec<Cow<'a, Value>>>,
    kwargs: Cow<'a, Value>,
}

impl Call<'_> {
    /// Writes the call. `env` becomes a further argument if it is not empty.
    fn write(&self, env: &Map<String, Value>, out: &mut JsonWriter) {
        set_text(out, "function", &self.function);
        if let Some(args) = &self.args {
            out.field("args");
            out.open('[');
            for value in args {
                out.item();
                out.value(value);
            }
            out.close(']');
        }
        match &*self.kwargs {
            Value::Object(kwargs) if !env.is_empty() => {
                let mut kwargs = kwargs.clone();
                kwargs.insert("env".into(), Value::Object(env.clone()));
                out.field("kwargs");
                out.object(&kwargs);
            }
            kwargs => set(out, "kwargs", kwargs),
        }
    }
}

/// The tool call of a task; `None` if it calls no tool.
fn call(task: &DriverTask) -> Result<Option<Call<'_>>> {
    let empty = || Cow::Owned(Value::Object(Map::new()));
    Ok(Some(match &task.kind {
        TaskKind::Shell(command) => tool("tools.shell.run", Some(vec![Cow::Borrowed(command)]), empty()),
        TaskKind::Python(source) => call_of_code(task, source, Wrapper::Task),
        TaskKind::Http(request) => tool("tools.http.request", None, Cow::Borrowed(request)),
        TaskKind::Tool { name, kwargs } if name.is_empty() => {
            workflow_call(None, None, kwargs.get("inputs").cloned())
        }
        TaskKind::Tool { name, kwargs } if kwargs.is_object() => tool(name, None, Cow::Borrowed(kwargs)),
        TaskKind::Tool { name, .. } => tool(name, None, empty()),
        TaskKind::Workflow { name, id, inputs } => {
            workflow_call(name.as_deref(), id.as_deref(), inputs.clone())
        }
        TaskKind::Durable(durable) => durable_call(task, durable)?,
        _ => return Ok(None),
    }))
}

fn tool<'a>(function: &'a str, args: Option<Vec<Cow<'a, Value>>>, kwargs: Cow<'a, Value>) -> Call<'a> {
    Call { function: Cow::Borrowed(function), args, kwargs }
}

fn call_of_code<'a>(task: &DriverTask, source: &str, wrapper: Wrapper) -> Call<'a> {
    let code = python::wrap(&task.name, source, wrapper);
    let kwargs = object([("code", code.into()), ("timeout", task.timeout.clone().into())]);
    tool("tools.code.exec", None, Cow::Owned(kwargs))
}

fn durable_call<'a>(task: &DriverTask, durable: &'a Durable) -> Result<Call<'a>> {
    let function = Cow::Owned(Value::from(durable_function(task, durable)?));
    let args = std::iter::once(function).chain(durable.args.iter().map(Cow::Borrowed)).collect();
    let mut kwargs = Map::new();
    kwargs.insert("artifact_id".into(), "{{_artifact_id}}".into());
    for (key, value) in &durable.kwargs {
        kwargs.insert(key.clone(), value.clone());
    }
    Ok(tool("tools.python.run", Some(args), Cow::Owned(Value::Object(kwargs))))
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

fn workflow_call<'a>(name: Option<&str>, id: Option<&str>, inputs: Option<Value>) -> Call<'a> {
    let mut kwargs = Map::new();
    for (key, value) in [("workflow_name", name), ("definition_id", id)] {
        if let Some(text) = value.filter(|text| !text.is_empty()) {
            kwargs.insert(key.into(), text.into());
        }
    }
    if let Some(inputs) = inputs {
        kwargs.insert("inputs".into(), inputs);
    }
    tool("tools.workflow.execute", None, Cow::Owned(Value::Object(kwargs)))
}

/// Adds a fork, and a wait for its branches under the name of the task: tasks that depend on it start after the
/// branches.
fn parallel(
    driver: &Driver,
    task: &DriverTask,
    branches: &[(String, Vec<String>)],
    tasks: &mut Entries,
) -> Result<()> {
    let (fork, data) = (fork_id(&task.name), format!("{}_fork_data", task.name));
    let start = tasks.begin(&fork, "parallel", &task.depends);
    let out = &mut tasks.out;
    out.field("branches");
    out.open('{');
    for (branch, members) in branches {
        out.key(branch);
        out.texts(members);
    }
    out.close('}');
    out.field("branch_workflows");
    out.open('{');
    for (branch, members) in branches {
        out.key(branch);
        branch_workflow(driver, &task.name, branch, members, out)?;
    }
    out.close('}');
    set_text(out, "result_key", &data);
    tasks.end(start, &fork, task.depends.is_empty());
    let start = tasks.begin(&task.name, "task", &[fork]);
    let out = &mut tasks.out;
    set_text(out, "result_key", &format!("{}_result", task.name));
    let kwargs = object([("timeout_seconds", task.timeout.clone().into())]);
    let args = vec![Cow::Owned(format!("{{{{{data}}}}}").into())];
    tool("tools.workflow.wait_for_parallel_branches", Some(args), Cow::Owned(kwargs)).write(&Map::new(), out);
    tasks.end(start, &task.name, false);
    Ok(())
}

/// Writes a branch as a workflow of its own.
fn branch_workflow(
    driver: &Driver,
    task: &str,
    branch: &str,
    members: &[String],
    out: &mut JsonWriter,
) -> Result<()> {
    let mut tasks = Entries::default();
    let refused =
        |code, message: String| Err(Error::new(code, message).with_path(child_path("/tasks", task)));
    for member in members {
        let Some(found) = driver.find(member) else {
            let message = format!("branch `{branch}` of `{task}` names `{member}` which is not registered");
            return refused(ErrorCode::DependencyUnknown, message);
        };
        if let TaskKind::Parallel { .. } = found.kind {
            let message = format!(
                "branch `{branch}` of `{task}` runs the parallel task `{member}`, which cannot be in a branch"
            );
            return refused(ErrorCode::BranchCrossed, message);
        }
        let inside: Vec<String> =
            found.depends.iter().filter(|name| members.contains(name)).cloned().collect();
        add(found, &inside, Dialect::Dsl, &mut tasks)?;
    }
    out.open('{');
    set_text(out, "name", &format!("{task}_{}", branch.to_ascii_lowercase()).replace('-', "_"));
    set_text(out, "version", "2.0.0");
    tasks.write(out);
    set_raw(out, "variables", "{}");
    out.close('}');
    Ok(())
}

/// ISO 8601 text of a number of seconds.
fn iso(seconds: &Number) -> String {
    format!("PT{}S", digits(parse_f64(seconds.as_str()).unwrap_or_default()))
}
