//! The bodies of responses. Every answer is JSON in an envelope that all public clients read.

use crate::engine::view::shown::{Shown, View};
use crate::engine::{Engine, Run};
use crate::error::{Diagnostic, Error, ErrorCode};
use crate::http::HttpResponse;
use crate::json::object;
use crate::json::write_json;
use serde_json::{Map, Value};

/// The text of an answer before its data.
pub(super) const ENVELOPE: &str = "{\"status\":\"success\",\"success\":true,\"data\":";

pub(super) fn data(status: u16, data: Value) -> HttpResponse {
    shown(status, &Shown::Made(data))
}

/// The run to which a list belongs.
pub(super) fn owner(run: &Run) -> View<'_> {
    View::default().with("workflow_run_id", run.id())
}

/// An answer with borrowed data.
pub(super) fn shown(status: u16, data: &Shown) -> HttpResponse {
    written(status, format!("{ENVELOPE}{}}}", data.text()))
}

/// An answer whose body is already written.
pub(super) fn written(status: u16, body: String) -> HttpResponse {
    HttpResponse { status, headers: vec![("content-type".into(), "application/json".into())], body }
}

/// An answer with its data both at the top level and in the envelope, since clients look in either place.
pub(super) fn bare(status: u16, fields: Map<String, Value>) -> HttpResponse {
    let mut body = fields.clone();
    body.insert("status".into(), "success".into());
    body.insert("success".into(), true.into());
    body.insert("data".into(), Value::Object(fields));
    written(status, write_json(&Value::Object(body)))
}

pub(super) fn refusal(status: u16, code: &str, message: &str) -> HttpResponse {
    advice(code).map_or_else(
        || refusal_with(status, code, message, Map::new()),
        |help| advised(status, code, message, help),
    )
}

/// A refusal with advice.
pub(super) fn advised(status: u16, code: &str, message: &str, help: &str) -> HttpResponse {
    refusal_with(status, code, message, Map::from_iter([("help".to_owned(), help.into())]))
}

/// The advice on a refusal whose message contains none.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "RUN_FINISHED" => "read its result; to do it again, submit the workflow again",
        "RUN_NOT_FAILED" => "to do it again, submit the workflow again",
        "UNSUPPORTED_ENCODING" => "send the body as it is",
        "UPDATE_TIMED_OUT" => "send it again with more time, if the run is going to answer it",
        "VALUE_NOT_JSON" => "write it as text",
        _ => return None,
    })
}

/// The refusal of an artifact with more than `most` bytes.
pub(super) fn artifact_too_large(most: usize) -> HttpResponse {
    let mut more = Map::new();
    let help = "leave out of the archive what the task does not need, or have the task fetch it";
    more.insert("help".into(), help.into());
    more.insert("details".into(), object([("limit", "artifact".into()), ("allowed", most.into())]));
    refusal_with(413, "ARTIFACT_TOO_LARGE", &format!("the artifact is larger than {most} bytes"), more)
}

/// The refusal of a definition, with all findings in `details`. An exceeded limit is a 413 with the limit in `details`,
/// since clients do not repeat a 413.
pub(super) fn failure(status: u16, error: &Error) -> HttpResponse {
    let mut more = Map::new();
    if error.code() == ErrorCode::LimitExceeded {
        more.insert("help".into(), error.help().into());
        more.insert("details".into(), Value::Object(error.details().clone()));
        return refusal_with(413, error.code().as_str(), error.message(), more);
    }
    let findings: Vec<Value> = error.diagnostics().iter().map(Diagnostic::to_json).collect();
    more.insert("details".into(), Value::Array(findings));
    refusal_with(status, error.code().as_str(), error.message(), more)
}

pub(super) fn not_found(kind: &str, id: &str) -> HttpResponse {
    refusal(404, "NOT_FOUND", &format!("there is no {kind} `{id}`"))
}

/// The refusal for an unknown run, which may have been dropped.
pub(super) fn no_run(engine: &Engine, id: &str) -> HttpResponse {
    let mut more = Map::new();
    if engine.has_forgotten_runs() {
        let help = "the engine drops finished runs, by `keepRuns` and `limits.scheduleHistory`: read results within a minute, or raise these";
        more.insert("help".into(), help.into());
    }
    refusal_with(404, "NOT_FOUND", &format!("there is no run `{id}`"), more)
}

/// The refusal of a known key with other content. Clients look for `existing_run_id` at the top level.
pub(super) fn conflict(existing_run: &str) -> HttpResponse {
    let mut more = Map::new();
    more.insert("existing_run_id".into(), existing_run.into());
    refusal_with(409, "IDEMPOTENCY_CONFLICT", "the idempotency key began a run with other content", more)
}

fn refusal_with(status: u16, code: &str, message: &str, more: Map<String, Value>) -> HttpResponse {
    let mut body = object([
        ("status", "error".into()),
        ("success", false.into()),
        ("message", message.into()),
        ("code", code.into()),
    ]);
    if let Value::Object(map) = &mut body {
        map.extend(more);
    }
    written(status, write_json(&body))
}
