//! Reads runs in every shape that servers use into the one shape of the SDK.

use super::state::{State, task_states};
use crate::error::ErrorCode;
use crate::json::number::{number, to_f64};
use crate::json::{below, object, to_text};
use serde_json::{Map, Value};

/// The status of a run: `{runId, workflowName, status, state, result, error, currentStep, progress, createdAt,
/// startedAt, completedAt}`.
///
/// `status` is the server's word, except for a run that passed its time limit; `state` is one of our states. `error` is
/// `{code, message, help?}` or null. `progress` is `{percent, tasks}`, with the states of the tasks by name if the
/// server has them.
pub fn run_status(data: &Value, run_id: &str) -> Value {
    let status = text(data, &["status", "state"]).unwrap_or("pending");
    let error = run_error(data);
    let timed_out =
        error.as_ref().and_then(|error| error.get("code")) == Some(&ErrorCode::RunTimedOut.as_str().into());
    let state = match run_state(data) {
        State::Failed if timed_out => State::TimedOut,
        state => state,
    };
    let status = if state == State::TimedOut { state.as_str() } else { status };
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
        ("progress", progress(data, state)),
        ("createdAt", text(data, &["created_at"]).into()),
        ("startedAt", text(data, &["started_at"]).into()),
        ("completedAt", text(data, &["completed_at"]).into()),
    ])
}

/// The state of a run. Servers may call a run that passed its time limit failed.
pub(super) fn run_state(data: &Value) -> State {
    State::read(text(data, &["status", "state"]).unwrap_or("pending"))
}

/// Whether an answer is a run: it must name a state. The `success` of an envelope without data does not count.
pub fn is_run(data: &Value) -> bool {
    text(data, &["status", "state"]).is_some_and(|status| status != "success")
}

/// The id of the run that a submission began.
pub fn run_id_of(data: &Value) -> Option<&str> {
    let keys = ["workflow_run_id", "new_workflow_run_id", "run_id"];
    keys.iter().find_map(|key| data.get(key)?.as_str().filter(|id| !id.is_empty()))
}

fn listed_runs(data: &Value) -> &Value {
    ["workflows", "runs", "items", "data"].iter().find_map(|key| data.get(key)).unwrap_or(data)
}

/// Whether an answer is a list of runs; an empty answer is an empty list.
pub(super) fn has_runs(data: &Value) -> bool {
    matches!(listed_runs(data), Value::Array(_) | Value::Null)
}

/// The runs of a page as the server writes them, without entries that name no state.
pub(super) fn runs_in(data: &Value) -> impl Iterator<Item = &Value> {
    listed_runs(data).as_array().into_iter().flatten().filter(|item| item.is_object())
}

/// A page of runs: `{runs, total}`. `total` is null if the server does not count them.
pub fn run_list(data: &Value) -> Value {
    let runs: Vec<Value> = runs_in(data).map(|item| run_status(item, "")).collect();
    object([
        ("total", data.get("total").filter(|total| total.is_number()).cloned().unwrap_or(Value::Null)),
        ("runs", Value::Array(runs)),
    ])
}

pub(super) fn run_error(data: &Value) -> Option<Value> {
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
    let details = found.get("details").filter(|details| details.is_object());
    let path = details.and_then(|details| details.get("path")?.as_str());
    for (key, field) in [("help", text(found, &["help"])), ("path", path)] {
        if let (Value::Object(map), Some(field)) = (&mut error, field) {
            map.insert(key.into(), field.into());
        }
    }
    if let (Value::Object(map), Some(details)) = (&mut error, details) {
        map.insert("details".into(), details.clone());
    }
    Some(error)
}

pub(super) fn failure(code: ErrorCode, message: &str) -> Value {
    object([("code", code.as_str().into()), ("message", message.into())])
}

/// The progress of a run. It is never 100 % for a run that ended without completing, whatever the server counts.
fn progress(data: &Value, state: State) -> Value {
    let progress = data.get("progress");
    let percent = data.get("progress_percentage").and_then(to_f64).or_else(|| match progress {
        Some(fraction @ Value::Number(_)) => to_f64(fraction).map(|fraction| fraction * 100.0),
        Some(map) => {
            let (done, total) = (to_f64(map.get("completed")?)?, to_f64(map.get("total")?)?);
            (total > 0.0).then(|| done / total * 100.0)
        }
        None => None,
    });
    let most = if state.is_final() && state != State::Completed { 99.0 } else { 100.0 };
    let tasks = below(data, "progress/tasks").and_then(Value::as_object).map(task_states);
    object([
        ("percent", percent.map_or(Value::Null, |percent| number(percent.min(most)))),
        ("tasks", tasks.unwrap_or_else(|| Value::Object(Map::new()))),
    ])
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value == "" || value.as_object().is_some_and(Map::is_empty)
}

pub(super) fn text<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
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
    fn an_error_says_where_and_what_to_do() {
        let details = json!({"code": "C", "message": "m", "help": "h", "details": {"path": "/kwargs/url", "limit": "x"}});
        let status = run_status(&json!({"status": "failed", "error_details": &details}), "r");
        let expected = json!({"code": "C", "message": "m", "help": "h", "path": "/kwargs/url", "details": details["details"]});
        assert_eq!(status["error"], expected);
    }

    #[test]
    fn a_failure_by_time_limit_is_timed_out() {
        let data = json!({"status": "failed", "error": "late", "error_details": {"code": "RUN_TIMED_OUT", "message": "late"}});
        let status = run_status(&data, "r");
        assert_eq!((&status["state"], &status["status"]), (&json!("timed_out"), &json!("timed_out")));
        assert_eq!(run_status(&json!({"status": "timed_out"}), "r")["error"]["code"], "RUN_TIMED_OUT");
    }

    #[test]
    fn progress_in_any_shape() {
        let percent = |data: Value| run_status(&data, "r")["progress"]["percent"].clone();
        assert_eq!(percent(json!({"progress": 0.5})), 50);
        assert_eq!(percent(json!({"progress": {"completed": 1, "total": 4}})), 25);
        assert_eq!(percent(json!({"progress_percentage": 40})), 40);
        assert_eq!(percent(json!({"progress": {"completed": 0, "total": 0}})), Value::Null);
        for (status, most) in [("completed", 100), ("failed", 99), ("timed_out", 99), ("canceled", 99)] {
            let progress = json!({"completed": 3, "total": 3});
            assert_eq!(percent(json!({"status": status, "progress": progress})), most, "{status}");
        }
    }
}
