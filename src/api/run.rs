//! Runs, tasks and logs, read from whatever shape a server gives them into the one shape the SDK offers.

use super::State;
use super::response::invalid_response;
use crate::builder::RESULT_MARKER;
use crate::codec::parse_json;
use crate::codec::write_json;
use crate::error::{Error, ErrorCode};
use crate::json::{object, to_text};
use crate::number::{number, to_f64};
use serde_json::{Map, Value};

/// `{runId, workflowName, status, state, result, error, currentStep, progress, createdAt, startedAt, completedAt}`.
///
/// `status` is the server's word, `state` ours. `error` is `{code, message, help?}` or null. `progress` is
/// `{percent, tasks}` with the state of each task by name, where the server tells.
pub fn run_status(data: &Value, run_id: &str) -> Value {
    let status = text(data, &["status", "state"]).unwrap_or("pending");
    let error = run_error(data);
    let timed_out =
        error.as_ref().and_then(|error| error.get("code")) == Some(&ErrorCode::RunTimedOut.as_str().into());
    let state = match State::read(status) {
        State::Failed if timed_out => State::TimedOut,
        state => state,
    };
    let error = match error {
        None if state == State::Failed => Some(failure(ErrorCode::RunFailed, "the run failed")),
        None if state == State::TimedOut => {
            Some(failure(ErrorCode::RunTimedOut, "the run passed its time limit"))
        }
        other => other.filter(|_| state.is_final() && state != State::Completed),
    };
    object([
        ("runId", text(data, &["workflow_run_id"]).unwrap_or(run_id).into()),
        ("workflowName", text(data, &["workflow_name"]).into()),
        ("status", status.into()),
        ("state", state.as_str().into()),
        ("result", data.get("result").cloned().unwrap_or(Value::Null)),
        ("error", error.unwrap_or(Value::Null)),
        ("currentStep", text(data, &["current_step", "current_task"]).into()),
        ("progress", progress(data)),
        ("createdAt", text(data, &["created_at"]).into()),
        ("startedAt", text(data, &["started_at"]).into()),
        ("completedAt", text(data, &["completed_at"]).into()),
    ])
}

/// Whether an answer is a run: it names a state. The `success` of an envelope without data is none.
pub fn is_run(data: &Value) -> bool {
    text(data, &["status", "state"]).is_some_and(|status| status != "success")
}

/// The error for an answer that is no run.
pub fn no_run(data: &Value) -> Error {
    invalid_response("the server sent something else where a run was expected", &write_json(data))
}

/// A page of runs: `{runs, total}`.
pub fn run_list(data: &Value) -> Value {
    let items = ["workflows", "runs", "items"].iter().find_map(|key| data.get(key)).unwrap_or(data);
    let runs: Vec<Value> = items
        .as_array()
        .map(|items| items.iter().filter(|item| is_run(item)).map(|item| run_status(item, "")).collect())
        .unwrap_or_default();
    object([
        ("total", data.get("total").cloned().unwrap_or_else(|| runs.len().into())),
        ("runs", Value::Array(runs)),
    ])
}

/// Results by task name: `{name, state, result, error, stdout, stderr, returncode, startedAt, completedAt}`,
/// from the steps where the server has them, else from the definition and the result map of the run.
pub fn task_results(run: &Value, steps: Option<&Value>) -> Value {
    let listed = steps.and_then(|steps| steps.get("steps").unwrap_or(steps).as_array());
    let results = run.get("result").and_then(Value::as_object);
    let stored = |name: &str, key: Option<&str>| {
        let results = results?;
        key.and_then(|key| results.get(key)).or_else(|| results.get(&format!("{name}_result"))).cloned()
    };
    let mut tasks = Map::new();
    if let Some(steps) = listed.filter(|steps| !steps.is_empty()) {
        for step in steps {
            let Some(name) = text(step, &["step_name", "task_id", "name"]) else {
                continue;
            };
            let result = step.get("result").filter(|value| !value.is_null()).cloned();
            let result = result.or_else(|| stored(name, text(step, &["result_key"])));
            tasks.insert(name.into(), task_result(name, step, result));
        }
    } else if let Some(defined) = run.pointer("/workflow_definition/tasks").and_then(Value::as_object) {
        // Where the server keeps nothing but the output of the run, a single task has made it.
        let output = results.and_then(|results| results.get("output")).filter(|_| defined.len() == 1);
        for (name, task) in defined {
            if let Some(result) = stored(name, text(task, &["result_key"])).or_else(|| output.cloned()) {
                tasks.insert(
                    name.clone(),
                    task_result(name, &object([("status", "completed".into())]), Some(result)),
                );
            }
        }
    } else {
        for (key, result) in results.into_iter().flatten() {
            if let Some(name) = key.strip_suffix("_result") {
                tasks.insert(
                    name.into(),
                    task_result(name, &object([("status", "completed".into())]), Some(result.clone())),
                );
            }
        }
    }
    Value::Object(tasks)
}

/// Log entries: `[{task, attempt, stream, content, timestamp}]`.
pub fn log_entries(data: &Value) -> Value {
    let entries = data.get("logs").unwrap_or(data).as_array();
    let entry = |log: &Value| {
        object([
            ("task", text(log, &["step_name", "task", "task_id", "stage"]).into()),
            ("attempt", log.get("attempt").cloned().unwrap_or(Value::Null)),
            ("stream", text(log, &["stream", "type", "level"]).unwrap_or("stdout").into()),
            ("content", text(log, &["content", "message", "line"]).unwrap_or_default().into()),
            ("timestamp", text(log, &["timestamp", "created_at"]).into()),
        ])
    };
    Value::Array(entries.map(|entries| entries.iter().map(entry).collect()).unwrap_or_default())
}

fn task_result(name: &str, step: &Value, result: Option<Value>) -> Value {
    let state = match text(step, &["status", "state"]).unwrap_or("pending") {
        // A skipped task is over without having run; runs have no such state.
        "skipped" => "skipped",
        other => State::read(other).as_str(),
    };
    let result = result.map_or(Value::Null, with_parsed_result);
    let output =
        |key: &str| result.get(key).filter(|value| value.is_string()).cloned().unwrap_or(Value::Null);
    let exit_code = ["returncode", "exit_code"].iter().find_map(|key| result.get(key)).and_then(to_f64);
    object([
        ("name", name.into()),
        ("state", state.into()),
        (
            "error",
            if state == "failed" {
                run_error(step).unwrap_or_else(|| failure(ErrorCode::ToolFailed, "the task failed"))
            } else {
                Value::Null
            },
        ),
        ("stdout", output("stdout")),
        ("stderr", output("stderr")),
        ("returncode", exit_code.map_or(Value::Null, number)),
        ("startedAt", text(step, &["started_at"]).into()),
        ("completedAt", text(step, &["completed_at"]).into()),
        ("result", result),
    ])
}

/// Adds `parsed_result` where the output carries a marked JSON line and nobody has read it yet.
fn with_parsed_result(mut result: Value) -> Value {
    if let Value::Object(map) = &mut result
        && !map.contains_key("parsed_result")
        && let Some(parsed) = map.get("stdout").and_then(Value::as_str).and_then(marked_json)
    {
        map.insert("parsed_result".into(), parsed);
    }
    result
}

/// The JSON after the first result marker, up to the end of its line; broken JSON is ignored.
fn marked_json(stdout: &str) -> Option<Value> {
    let (_, rest) = stdout.split_once(RESULT_MARKER)?;
    parse_json(rest.trim_start().lines().next()?).ok()
}

fn run_error(data: &Value) -> Option<Value> {
    let details = data.get("error_details").filter(|value| value.get("message").is_some());
    let found = details.or_else(|| {
        ["error", "failure_reason"].iter().filter_map(|key| data.get(key)).find(|value| !is_empty(value))
    })?;
    let message = match found {
        Value::Object(map) => text(found, &["message", "error", "reason"])
            .map_or_else(|| to_text(&Value::Object(map.clone())), str::to_owned),
        other => to_text(other),
    };
    let mut error = object([
        ("code", text(found, &["code"]).unwrap_or(ErrorCode::RunFailed.as_str()).into()),
        ("message", message.into()),
    ]);
    if let (Value::Object(map), Some(help)) = (&mut error, text(found, &["help"])) {
        map.insert("help".into(), help.into());
    }
    Some(error)
}

fn failure(code: ErrorCode, message: &str) -> Value {
    object([("code", code.as_str().into()), ("message", message.into())])
}

fn progress(data: &Value) -> Value {
    let progress = data.get("progress");
    let percent = data.get("progress_percentage").and_then(to_f64).or_else(|| match progress {
        Some(fraction @ Value::Number(_)) => to_f64(fraction).map(|fraction| fraction * 100.0),
        Some(map) => {
            let (done, total) = (to_f64(map.get("completed")?)?, to_f64(map.get("total")?)?);
            (total > 0.0).then(|| done / total * 100.0)
        }
        None => None,
    });
    let tasks = progress.and_then(|map| map.get("tasks")).filter(|tasks| tasks.is_object());
    object([
        ("percent", percent.map_or(Value::Null, number)),
        ("tasks", tasks.cloned().unwrap_or_else(|| Value::Object(Map::new()))),
    ])
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value == "" || value.as_object().is_some_and(Map::is_empty)
}

fn text<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| value.get(key)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn status_comes_before_state_and_errors_in_any_shape() {
        for (data, code, message) in [
            (json!({"status": "failed", "state": "running", "error": "boom"}), "RUN_FAILED", "boom"),
            (json!({"status": "FAILED", "error": {"code": "X", "message": "m"}}), "X", "m"),
            (json!({"state": "failed", "error": "", "failure_reason": {"reason": "r"}}), "RUN_FAILED", "r"),
            (json!({"status": "failed"}), "RUN_FAILED", "the run failed"),
        ] {
            let status = run_status(&data, "r");
            assert_eq!(status["state"], "failed", "{data}");
            assert_eq!(status["error"]["code"], code, "{data}");
            assert_eq!(status["error"]["message"], message, "{data}");
        }
        assert_eq!(run_status(&json!({"status": "completed", "error": "old"}), "r")["error"], Value::Null);
    }

    #[test]
    fn a_failure_by_time_limit_is_timed_out() {
        let data = json!({"status": "failed", "error": "late", "error_details": {"code": "RUN_TIMED_OUT", "message": "late"}});
        assert_eq!(run_status(&data, "r")["state"], "timed_out");
        assert_eq!(run_status(&json!({"status": "timed_out"}), "r")["error"]["code"], "RUN_TIMED_OUT");
    }

    #[test]
    fn progress_in_any_shape() {
        let percent = |data: Value| run_status(&data, "r")["progress"]["percent"].clone();
        assert_eq!(percent(json!({"progress": 0.5})), 50);
        assert_eq!(percent(json!({"progress": {"completed": 1, "total": 4}})), 25);
        assert_eq!(percent(json!({"progress_percentage": 40})), 40);
        assert_eq!(percent(json!({"progress": {"completed": 0, "total": 0}})), Value::Null);
    }

    #[test]
    fn task_results_from_steps_definition_or_result_map() {
        let run = json!({"result": {"output": 1, "a_result": {"stdout": "x\n__HIGHWAY_RESULT__:{\"n\": 2}\nrest", "exit_code": 0}, "other": 5},
            "workflow_definition": {"tasks": {"a": {"result_key": "a_result"}, "b": {"result_key": "other"}, "c": {}}}});
        let steps = json!({"steps": [{"step_name": "a", "status": "succeeded"}, {"step_name": "s", "status": "skipped"},
            {"step_name": "f", "status": "failed", "error": "e", "result": {"stderr": "bad", "returncode": 3}}]});
        let tasks = task_results(&run, Some(&steps));
        assert_eq!(tasks["a"]["state"], "completed");
        assert_eq!(tasks["a"]["result"]["parsed_result"], json!({"n": 2}));
        assert_eq!(tasks["a"]["returncode"], 0);
        assert_eq!(tasks["s"]["state"], "skipped");
        assert_eq!(
            (&tasks["f"]["stderr"], &tasks["f"]["returncode"], &tasks["f"]["error"]["message"]),
            (&json!("bad"), &json!(3), &json!("e"))
        );
        let names = |value: Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(task_results(&run, None)), ["a", "b"]);
        assert_eq!(names(task_results(&json!({"result": run["result"]}), None)), ["a"]);
        assert_eq!(names(task_results(&json!({"result": "scalar"}), None)), [""; 0]);
    }
}
