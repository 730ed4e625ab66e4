//! The requests the client makes.

use super::response::invalid_response;
use super::{ClientConfig, HttpRequest, encode_segment};
use crate::codec::write_json;
use crate::error::Result;
use crate::json::object;
use serde_json::Value;

/// One request, before it knows the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// `GET`, `POST`, ….
    pub method: &'static str,
    /// Path below `/api/v1`, with its query, percent-encoded.
    pub path: String,
    /// JSON body.
    pub body: Option<Value>,
    /// A key that lets the server recognise a repetition.
    pub idempotency_key: Option<String>,
    /// Whether sending it twice does no more than sending it once.
    pub repeatable: bool,
}

impl Operation {
    fn new(method: &'static str, path: String) -> Self {
        Self { method, path, body: None, idempotency_key: None, repeatable: true }
    }

    /// Submits a workflow. The key makes a repetition give the run that the first one began.
    pub fn submit(definition: Value, inputs: Value, key: &str) -> Self {
        Self {
            body: Some(object([("workflow_definition", definition), ("inputs", inputs)])),
            idempotency_key: Some(key.to_owned()),
            ..Self::new("POST", "/workflows".into())
        }
    }

    /// One run.
    pub fn get_run(run_id: &str) -> Self {
        Self::new("GET", format!("/workflows/{}", encode_segment(run_id)))
    }

    /// Runs, newest first.
    pub fn list_runs(page: Option<u64>, page_size: Option<u64>, status: Option<&str>) -> Self {
        let mut query = Vec::new();
        let mut push =
            |key: &str, value: Option<String>| query.extend(value.map(|value| format!("{key}={value}")));
        push("page", page.map(|page| page.to_string()));
        push("page_size", page_size.map(|size| size.to_string()));
        push("status", status.map(encode_segment));
        let question = if query.is_empty() { "" } else { "?" };
        Self::new("GET", format!("/workflows{question}{}", query.join("&")))
    }

    /// Ends a run. Repeatable: a second request finds it ended.
    pub fn cancel_run(run_id: &str, reason: Option<&str>) -> Self {
        Self {
            body: Some(object([("reason", reason.unwrap_or("cancelled by the client").into())])),
            ..Self::new("POST", format!("/workflows/{}/cancel", encode_segment(run_id)))
        }
    }

    /// The steps of a run.
    pub fn get_steps(run_id: &str) -> Self {
        Self::new("GET", format!("/workflows/{}/steps", encode_segment(run_id)))
    }

    /// What the steps of a run wrote.
    pub fn get_logs(run_id: &str) -> Self {
        Self::new("GET", format!("/workflows/{}/steps/logs", encode_segment(run_id)))
    }

    /// The request for a server.
    pub fn to_request(&self, config: &ClientConfig) -> HttpRequest {
        let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        if !config.credential.is_empty() {
            headers.push(("Authorization".into(), format!("Bearer {}", config.credential)));
        }
        if self.body.is_some() {
            headers.push(("Content-Type".into(), "application/json".into()));
        }
        if let Some(key) = &self.idempotency_key {
            headers.push(("X-Idempotency-Key".into(), encode_header(key)));
        }
        HttpRequest {
            method: self.method.to_owned(),
            url: config.endpoint.url(&self.path),
            headers,
            body: self.body.as_ref().map(write_json),
        }
    }
}

/// A header carries visible ASCII and inner blanks; anything else is percent-encoded, the same way each time.
fn encode_header(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && text.trim() == text;
    if plain { text.to_owned() } else { encode_segment(text) }
}

/// The id of the run that a submission began.
///
/// # Errors
///
/// `API_RESPONSE_INVALID` if the answer names none.
pub fn run_id_of(data: &Value) -> Result<String> {
    let keys = ["workflow_run_id", "run_id"];
    let found = keys.iter().find_map(|key| data.get(key).and_then(Value::as_str).filter(|id| !id.is_empty()));
    found.map(str::to_owned).ok_or_else(|| {
        invalid_response("the server accepted the workflow but named no run", &write_json(data))
    })
}
