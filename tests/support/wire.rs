//! The recorded exchanges of public clients in `tests/wire`.

use highway_wasm::http::{HttpRequest, HttpResponse};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One request of a public client, and what the recording server answered.
pub(crate) struct Exchange {
    pub(crate) file: String,
    pub(crate) request: HttpRequest,
    pub(crate) response: HttpResponse,
}

impl Exchange {
    /// The document that the request submits, where it submits one as JSON.
    pub(crate) fn definition(&self) -> Option<Value> {
        let is_submit = self.request.method == "POST" && self.request.url == "/api/v1/workflows";
        let body: Value = serde_json::from_str(self.request.body.as_deref().filter(|_| is_submit)?).ok()?;
        body.get("workflow_definition").cloned()
    }

    /// Whether the request asks for one run.
    pub(crate) fn is_status(&self) -> bool {
        let below = self.request.url.strip_prefix("/api/v1/workflows/");
        self.request.method == "GET" && below.is_some_and(|id| !id.contains('/') && id.len() == 36)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire")
}

/// Names of all recordings.
pub(crate) fn wire_names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "json"))
        .collect();
    names.sort();
    names
}

/// All exchanges of a recording that have both a request and a response.
pub(crate) fn exchanges(name: &str) -> Vec<Exchange> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let recording: Value = serde_json::from_str(&text).unwrap();
    let listed = recording.get("exchanges").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter_map(|exchange| {
            let (request, response) = (exchange.get("request")?, exchange.get("response")?);
            Some(Exchange {
                file: name.to_owned(),
                request: HttpRequest {
                    method: request.get("method")?.as_str()?.to_owned(),
                    url: request.get("path")?.as_str()?.to_owned(),
                    headers: headers(&request["headers"]),
                    body: text_of(&request["body"]),
                },
                response: HttpResponse {
                    status: response.get("status")?.as_u64()?.try_into().ok()?,
                    headers: headers(&response["headers"]),
                    body: text_of(&response["body"]).unwrap_or_default(),
                },
            })
        })
        .collect()
}

/// Recorded as a list of pairs or as an object.
fn headers(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match value {
        Value::Array(pairs) => pairs.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        _ => Vec::new(),
    }
}

/// Recorded as parsed JSON, or as text where the sender named no content type.
fn text_of(body: &Value) -> Option<String> {
    match body {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
