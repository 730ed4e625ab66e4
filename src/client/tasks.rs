//! The tasks of a run and their output, read from steps, logs and the result map in every spelling that servers use.

use super::run::{failure, run_error, run_status, text};
use super::state::task_state;
use crate::builder::RESULT_MARKER;
use crate::definition::delayed_task;
use crate::error::ErrorCode;
use crate::json::number::{number, to_f64};
use crate::json::parse_json;
use crate::json::{below, object};
use crate::text::{cut, joined};
use serde_json::{Map, Value};

const NAMES: [&str; 5] = ["step_name", "task_name", "task", "task_id", "name"];
const STDOUT: [&str; 2] = ["stdout", "output_stdout"];
const STDERR: [&str; 2] = ["stderr", "output_stderr"];
const EXIT_CODES: [&str; 4] = ["returncode", "exit_code", "return_code", "output_return_code"];

/// Results by task name: `{name, state, result, error, stdout, stderr, returncode, startedAt, completedAt}`.
///
/// The tasks are those of the steps, and those of the definition that have an entry in the result map. If the server
/// has neither, the keys `<name>_result` of the map name the tasks. Output that no result contains comes from the logs.
pub fn task_results(run: &Value, steps: Option<&Value>, logs: Option<&Value>) -> Value {
    let results = run.get("result").and_then(Value::as_object);
    let stored = |name: &str, key: Option<&str>| {
        let results = results?;
        key.and_then(|key| results.get(key)).or_else(|| results.get(&format!("{name}_result"))).cloned()
    };
    let completed = object([("status", "completed".into())]);
    let mut tasks = Map::new();
    for step in steps.into_iter().flat_map(listed_steps) {
        if let Some(name) = text(step, &NAMES) {
            let mut own = ["result", "output", "checkpoint_data"].iter().filter_map(|key| step.get(key));
            let result = own.find(|value| !value.is_null()).cloned();
            let result = result.or_else(|| stored(name, text(step, &["result_key"])));
            let mut task = task_result(name, step, result);
            let document = run.get("workflow_definition").unwrap_or(&Value::Null);
            let delayed = text(step, &["delay_of"]).or_else(|| delayed_task(document, name));
            if let (Value::Object(task), Some(delayed)) = (&mut task, delayed) {
                task.insert("delayOf".into(), delayed.into());
            }
            tasks.insert(name.into(), task);
        }
    }
    let defined = below(run, "workflow_definition/tasks").and_then(Value::as_object);
    // If the server keeps only the output of the run, it belongs to the single task.
    let single = defined.filter(|defined| defined.len() == 1).and(results).and_then(|map| map.get("output"));
    for (name, task) in
        defined.into_iter().flatten().filter(|(name, _)| !tasks.contains_key(*name)).collect::<Vec<_>>()
    {
        if let Some(result) = stored(name, text(task, &["result_key"])).or_else(|| single.cloned()) {
            tasks.insert(name.clone(), task_result(name, &completed, Some(result)));
        }
    }
    if tasks.is_empty() && defined.is_none() {
        for (key, result) in results.into_iter().flatten() {
            if let Some(name) = key.strip_suffix("_result") {
                tasks.insert(name.into(), task_result(name, &completed, Some(result.clone())));
            }
        }
    }
    if let Some(logs) = logs {
        add_output(&mut tasks, logs);
    }
    Value::Object(tasks)
}

/// `{status, tasks}` of a run that has ended.
pub(super) fn run_result(run: &Value, run_id: &str, steps: Option<&Value>, logs: Option<&Value>) -> Value {
    object([("status", run_status(run, run_id)), ("tasks", task_results(run, steps, logs))])
}

/// Whether the steps contain the results of the tasks, so that the logs are not needed.
pub(super) fn has_results(steps: &Value) -> bool {
    let mut steps = listed_steps(steps).peekable();
    steps.peek().is_some() && steps.all(|step| step.get("result").is_some())
}

/// The states of the tasks in steps, by task.
pub(super) fn step_states(steps: &Value) -> Map<String, Value> {
    let state = |step: &Value| {
        let word = text(step, &["status", "state"]).unwrap_or_default();
        Some((text(step, &NAMES)?.to_owned(), task_state(word).into()))
    };
    listed_steps(steps).filter_map(state).collect()
}

/// Whether an answer is a list of steps; an empty answer is an empty list.
pub(super) fn has_steps(data: &Value) -> bool {
    matches!(data.get("steps").unwrap_or(data), Value::Array(_) | Value::Null)
}

fn listed_steps(steps: &Value) -> impl Iterator<Item = &Value> {
    steps.get("steps").unwrap_or(steps).as_array().into_iter().flatten()
}

/// Log entries: `[{task, attempt, stream, content, timestamp}]`. A record with the whole output of a task becomes one
/// entry for each stream.
pub fn log_entries(data: &Value) -> Value {
    let mut entries = Vec::new();
    for log in listed_logs(data) {
        let entry = |stream: &str, content: &str| {
            object([
                ("task", text(log, &NAMES).or_else(|| text(log, &["stage"])).into()),
                ("attempt", log.get("attempt").cloned().unwrap_or(Value::Null)),
                ("stream", stream.into()),
                ("content", content.into()),
                ("timestamp", text(log, &["timestamp", "created_at", "logged_at"]).into()),
            ])
        };
        let whole = [
            ("stdout", text(log, &STDOUT)),
            ("stderr", text(log, &STDERR)),
            ("error", text(log, &["error_message"])),
        ];
        let count = entries.len();
        for (stream, content) in whole {
            entries
                .extend(content.filter(|content| !content.is_empty()).map(|content| entry(stream, content)));
        }
        let line = text(log, &["content", "message", "line", "msg"]);
        if let Some(line) = line.or((entries.len() == count && !has_output(log)).then_some("")) {
            entries.push(entry(text(log, &["stream", "type", "level"]).unwrap_or("stdout"), line));
        }
    }
    Value::Array(entries)
}

fn has_output(log: &Value) -> bool {
    STDOUT.iter().chain(&STDERR).any(|key| log.get(key).is_some())
}

fn logs_in(data: &Value) -> &Value {
    ["logs", "entries", "steps", "tasks"].iter().find_map(|key| data.get(key)).unwrap_or(data)
}

/// Whether an answer is a list of logs or a single one; an empty answer is an empty list.
pub(super) fn has_logs(data: &Value) -> bool {
    matches!(logs_in(data), Value::Array(_) | Value::Null) || listed_logs(data).next().is_some()
}

fn listed_logs(data: &Value) -> impl Iterator<Item = &Value> {
    let items = logs_in(data);
    let alone = Some(items).filter(|items| items.is_object() && text(items, &NAMES).is_some());
    items.as_array().into_iter().flatten().chain(alone)
}

/// Adds the output of the last attempt from the logs to tasks whose results have none.
fn add_output(tasks: &mut Map<String, Value>, logs: &Value) {
    let entries = log_entries(logs);
    for (name, task) in tasks.iter_mut() {
        let own = |entry: &&Value| entry.get("task").and_then(Value::as_str) == Some(name.as_str());
        let attempt = |entry: &Value| entry.get("attempt").and_then(to_f64).unwrap_or_default();
        let entries = || entries.as_array().into_iter().flatten().filter(own);
        let last = entries().map(attempt).fold(0.0, f64::max);
        let Value::Object(task) = task else { continue };
        for stream in ["stdout", "stderr"] {
            let is_of =
                |entry: &&Value| attempt(entry) == last && entry.get("stream") == Some(&stream.into());
            let lines: Vec<&str> =
                entries().filter(is_of).filter_map(|entry| text(entry, &["content"])).collect();
            if task.get(stream) == Some(&Value::Null) && !lines.is_empty() {
                let glue = if lines.iter().all(|line| line.ends_with('\n')) { "" } else { "\n" };
                task.insert(stream.into(), joined(&lines, glue).into());
            }
        }
        let record = listed_logs(logs).filter(|log| text(log, &NAMES) == Some(name)).last();
        if let Some(code) = record.and_then(exit_code)
            && task.get("returncode") == Some(&Value::Null)
        {
            task.insert("returncode".into(), code);
        }
        let printed = task.get("stdout").and_then(Value::as_str).and_then(marked_json);
        if let Some(printed) = printed.filter(|_| task.get("result") == Some(&Value::Null)) {
            task.insert("result".into(), object([("parsed_result", printed)]));
        }
    }
}

fn task_result(name: &str, step: &Value, result: Option<Value>) -> Value {
    let state = task_state(text(step, &["status", "state"]).unwrap_or_default());
    let result = result.map_or(Value::Null, with_parsed_result);
    let output = |keys: &[&str]| text(&result, keys).or_else(|| text(step, keys)).into();
    let error = (state == "failed").then(|| {
        let record = text(step, &["error_message"]).map(|message| failure(ErrorCode::ToolFailed, message));
        run_error(step).or(record).unwrap_or_else(|| failure(ErrorCode::ToolFailed, "the task failed"))
    });
    object([
        ("name", name.into()),
        ("state", state.into()),
        ("error", error.unwrap_or(Value::Null)),
        ("stdout", output(&STDOUT)),
        ("stderr", output(&STDERR)),
        ("returncode", exit_code(&result).or_else(|| exit_code(step)).unwrap_or(Value::Null)),
        ("startedAt", text(step, &["started_at"]).into()),
        ("completedAt", text(step, &["completed_at"]).into()),
        ("result", result),
    ])
}

fn exit_code(value: &Value) -> Option<Value> {
    EXIT_CODES.iter().find_map(|key| value.get(key)).and_then(to_f64).map(number)
}

/// Adds `parsed_result` if the output contains a marked line of JSON that the server has not read.
fn with_parsed_result(mut result: Value) -> Value {
    let parsed = text(&result, &STDOUT).and_then(marked_json);
    if let (Value::Object(map), Some(parsed)) = (&mut result, parsed)
        && !map.contains_key("parsed_result")
    {
        map.insert("parsed_result".into(), parsed);
    }
    result
}

/// The JSON after the first result marker, up to the end of its line; `None` for invalid JSON.
fn marked_json(stdout: &str) -> Option<Value> {
    let (_, rest) = cut(stdout, RESULT_MARKER)?;
    parse_json(rest.trim_start().lines().next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(tasks: &Value) -> Vec<String> {
        tasks.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn task_results_from_steps_definition_or_result_map() {
        let run = json!({"result": {"output": 1, "a_result": {"stdout": "x\n__HIGHWAY_RESULT__:{\"n\": 2}\nrest", "exit_code": 0}, "other": 5},
            "workflow_definition": {"tasks": {"a": {"result_key": "a_result"}, "b": {"result_key": "other"}, "c": {}}}});
        let steps = json!({"steps": [{"step_name": "a", "status": "succeeded"}, {"step_name": "s", "status": "skipped"},
            {"step_name": "f", "status": "failed", "error": "e", "result": {"stderr": "bad", "returncode": 3}}]});
        let tasks = task_results(&run, Some(&steps), None);
        assert_eq!(names(&tasks), ["a", "s", "f", "b"]);
        assert_eq!(tasks["a"]["state"], "completed");
        assert_eq!(tasks["a"]["result"]["parsed_result"], json!({"n": 2}));
        assert_eq!(tasks["a"]["returncode"], 0);
        assert_eq!(tasks["s"]["state"], "skipped");
        assert_eq!(
            (&tasks["f"]["stderr"], &tasks["f"]["returncode"], &tasks["f"]["error"]["message"]),
            (&json!("bad"), &json!(3), &json!("e"))
        );
        assert_eq!(names(&task_results(&run, None, None)), ["a", "b"]);
        assert_eq!(names(&task_results(&json!({"result": run["result"]}), None, None)), ["a"]);
        assert_eq!(names(&task_results(&json!({"result": "scalar"}), None, None)), [""; 0]);
    }

    #[test]
    fn output_in_every_spelling() {
        for step in [
            json!({"step_name": "a", "status": "succeeded", "result": {"stdout": "o", "stderr": "e", "returncode": 3}}),
            json!({"task_name": "a", "status": "success", "output_stdout": "o", "output_stderr": "e", "output_return_code": 3}),
            json!({"name": "a", "state": "COMPLETED", "stdout": "o", "stderr": "e", "exit_code": 3.0}),
            json!({"task_id": "a", "status": "completed", "output": {"stdout": "o", "stderr": "e", "return_code": 3}}),
        ] {
            let tasks = task_results(&Value::Null, Some(&json!([step])), None);
            let task = &tasks["a"];
            assert_eq!(
                (&task["state"], &task["stdout"], &task["stderr"], &task["returncode"]),
                (&json!("completed"), &json!("o"), &json!("e"), &json!(3)),
                "{step}"
            );
        }
    }

    #[test]
    fn what_steps_do_not_say_is_read_from_the_logs() {
        let steps = json!({"steps": [{"step_name": "a", "status": "succeeded"}, {"step_name": "b", "status": "failed"}]});
        assert!(!has_results(&steps));
        let lines = json!({"logs": [
            {"step_name": "a", "attempt": 1, "stream": "stdout", "content": "first"},
            {"step_name": "a", "attempt": 2, "stream": "stdout", "content": "x"},
            {"step_name": "a", "attempt": 2, "stream": "stdout", "content": "__HIGHWAY_RESULT__:[1]"},
            {"step_name": "b", "stream": "stderr", "line": "bad\n"}, {"step_name": "b", "stream": "stderr", "line": "worse\n"},
        ]});
        let tasks = task_results(&Value::Null, Some(&steps), Some(&lines));
        assert_eq!(tasks["a"]["stdout"], "x\n__HIGHWAY_RESULT__:[1]");
        assert_eq!(tasks["a"]["result"], json!({"parsed_result": [1]}));
        assert_eq!(tasks["b"]["stderr"], "bad\nworse\n");
        let records = json!([{"task_name": "b", "output_stdout": "", "output_stderr": "no", "output_return_code": 2, "error_message": "why"}]);
        let tasks = task_results(&Value::Null, Some(&steps), Some(&records));
        assert_eq!((&tasks["b"]["stderr"], &tasks["b"]["returncode"]), (&json!("no"), &json!(2)));
        let entries = log_entries(&records);
        assert_eq!((&entries[0]["stream"], &entries[1]["content"]), (&json!("stderr"), &json!("why")));
    }

    #[test]
    fn states_of_steps_by_name() {
        let steps = json!({"steps": [{"step_name": "a", "status": "succeeded"}, {"no": "name"}, {"name": "b"},
            {"step_name": "c", "state": "skipped"}, {"step_name": "d", "status": "canceled"}]});
        let states = json!({"a": "completed", "b": "pending", "c": "skipped", "d": "cancelled"});
        assert_eq!(Value::Object(step_states(&steps)), states);
        let run =
            json!({"status": "running", "progress": {"tasks": {"a": "succeeded", "b": "skipped", "c": 5}}});
        let tasks = json!({"a": "completed", "b": "skipped", "c": "pending"});
        assert_eq!(run_status(&run, "r")["progress"]["tasks"], tasks);
    }
}
