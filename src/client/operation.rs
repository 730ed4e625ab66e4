//! The requests that a client makes.

use super::{ClientConfig, Expects, encode_segment};
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpRequest;
use crate::json::write_json;
use crate::json::{child_path, object, to_text};
use serde_json::Value;

/// One request, independent of the server's address.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// `GET`, `POST`, ….
    pub method: String,
    /// Path from the root of the endpoint, with its query, percent-encoded.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// JSON text of the body.
    pub body: Option<String>,
    /// Whether the host adds a body that is not JSON, with its content type.
    pub has_attachment: bool,
    /// The key by which the server recognises a repetition.
    pub idempotency_key: Option<String>,
    /// Whether sending it twice has the same effect as sending it once.
    pub repeatable: bool,
    /// The expected kind of the answer.
    pub expects: Expects,
    /// Time limit for all attempts together, in milliseconds; `None` for the client's own.
    pub limit_ms: Option<f64>,
}

impl Operation {
    fn new(method: &str, path: String) -> Self {
        Self {
            method: method.to_owned(),
            path,
            headers: Vec::new(),
            body: None,
            has_attachment: false,
            idempotency_key: None,
            repeatable: is_idempotent(method),
            expects: Expects::Json,
            limit_ms: None,
        }
    }

    /// A path below `/api/v1`.
    fn below(method: &str, path: &str) -> Self {
        Self::new(method, format!("/api/v1{path}"))
    }

    fn of_run(method: &str, run_id: &str, path: &str) -> Result<Self> {
        Ok(Self::below(method, &format!("/workflows/{}{path}", segment("runId", run_id)?)))
    }

    /// Any request: `{method, path, params?, query?, headers?, body?, bodyText?, key?, repeatable?, expects?,
    /// attachment?}`.
    ///
    /// `path` starts with `/`, or else lies below `/api/v1`; names in braces are replaced by `params`. `bodyText` is a
    /// body that is already JSON text.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID` with the path of a missing parameter, or of a header that cannot be sent.
    ///
    /// ```
    /// use highway_wasm::client::Operation;
    /// use serde_json::json;
    ///
    /// let operation = Operation::read(&json!({
    ///     "method": "GET", "path": "workflows/{id}/events", "params": {"id": "a/b"}, "query": {"limit": 5},
    /// }))
    /// .unwrap();
    /// assert_eq!(operation.path, "/api/v1/workflows/a%2Fb/events?limit=5");
    /// ```
    pub fn read(value: &Value) -> Result<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let (method, template) = (text("method").unwrap_or("GET"), text("path").unwrap_or_default());
        let mut path = match template.strip_prefix('/') {
            Some(_) => fill(template, value.get("params"))?,
            None => format!("/api/v1/{}", fill(template, value.get("params"))?),
        };
        push_query(&mut path, value.get("query"));
        let operation = Self::new(method, path);
        Ok(Self {
            headers: headers(value.get("headers"))?,
            body: match text("bodyText") {
                Some(body) => Some(body.to_owned()),
                None => value.get("body").filter(|body| !body.is_null()).map(write_json),
            },
            has_attachment: value.get("attachment") == Some(&Value::Bool(true)),
            idempotency_key: text("key").map(str::to_owned),
            repeatable: operation.repeatable
                || value.get("repeatable") == Some(&Value::Bool(true))
                || value.get("key").is_some_and(Value::is_string),
            expects: match text("expects") {
                Some("text") => Expects::Text,
                Some("bytes") => Expects::Bytes,
                _ => Expects::Json,
            },
            ..operation
        })
    }

    /// Submits a workflow. `body` is the text of `{workflow_definition | python_dsl, inputs?}`. By the key, a
    /// repetition gets the run of the first request.
    pub fn submit(body: String, key: &str) -> Self {
        Self {
            body: Some(body),
            idempotency_key: Some(key.to_owned()),
            repeatable: true,
            expects: Expects::NewRun,
            ..Self::below("POST", "/workflows")
        }
    }

    /// Reads one run.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID` for an invalid id.
    pub fn get_run(run_id: &str) -> Result<Self> {
        Ok(Self { expects: Expects::Run, ..Self::of_run("GET", run_id, "")? })
    }

    /// Lists runs, newest first, by `{page?, pageSize?, status?, days?}`.
    pub fn list_runs(filter: &Value) -> Self {
        let mut path = "/workflows".to_owned();
        let field = |key: &str| filter.get(key).cloned().unwrap_or(Value::Null);
        let query = object([
            ("page", field("page")),
            ("page_size", field("pageSize")),
            ("status", field("status")),
            ("days", field("days")),
        ]);
        push_query(&mut path, Some(&query));
        Self { expects: Expects::Runs, ..Self::below("GET", &path) }
    }

    /// Cancels a run. It can be repeated: the second request finds the run ended.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID` for an invalid id.
    pub fn cancel_run(run_id: &str, reason: Option<&str>) -> Result<Self> {
        Ok(Self {
            body: Some(write_json(&object([("reason", reason.unwrap_or("cancelled by the client").into())]))),
            repeatable: true,
            ..Self::of_run("POST", run_id, "/cancel")?
        })
    }

    /// Lists the steps of a run. `cursor` is 0 at first. A server that knows cursors returns one page and the next
    /// cursor as `next_cursor`; any other server returns all steps.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID` for an invalid id.
    pub fn get_steps(run_id: &str, cursor: Option<u32>) -> Result<Self> {
        let mut path = "/steps".to_owned();
        push_query(&mut path, Some(&object([("cursor", cursor.into())])));
        Ok(Self { expects: Expects::Steps, ..Self::of_run("GET", run_id, &path)? })
    }

    /// Lists the output of the steps of a run.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID` for an invalid id.
    pub fn get_logs(run_id: &str) -> Result<Self> {
        Ok(Self { expects: Expects::Logs, ..Self::of_run("GET", run_id, "/steps/logs")? })
    }

    /// Opens the changes of a run as server-sent events.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID` for an invalid id.
    pub fn stream_run(run_id: &str) -> Result<Self> {
        Ok(Self { expects: Expects::Events, repeatable: false, ..Self::of_run("GET", run_id, "/stream")? })
    }

    /// The operation with a limit for all its attempts together, in milliseconds.
    #[must_use]
    pub fn within(self, limit_ms: Option<f64>) -> Self {
        Self { limit_ms, ..self }
    }

    /// The request to a server; to `url` after a redirect.
    pub fn to_request(
        &self,
        config: &ClientConfig,
        credential: Option<&str>,
        url: Option<&str>,
    ) -> HttpRequest {
        let mut headers = vec![("Accept".to_owned(), self.expects.media_types().to_owned())];
        if let Some(credential) = credential {
            headers.push(("Authorization".into(), format!("Bearer {credential}")));
        }
        if self.body.is_some() {
            headers.push(("Content-Type".into(), "application/json".into()));
        }
        if let Some(key) = &self.idempotency_key {
            headers.push(("X-Idempotency-Key".into(), encode_header(key)));
        }
        // A header of the caller replaces ours.
        headers.retain(|(name, _)| !self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
        headers.extend(self.headers.iter().cloned());
        HttpRequest {
            method: self.method.clone(),
            url: url.map_or_else(|| format!("{}{}", config.endpoint.as_str(), self.path), str::to_owned),
            headers,
            body: self.body.clone(),
        }
    }
}

/// Whether a method has the same effect once and twice (RFC 9110, 9.2.2).
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS")
}

/// A path with the names in its braces replaced.
fn fill(template: &str, params: Option<&Value>) -> Result<String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        let value = params.and_then(|params| params.get(name)).filter(|value| !value.is_null());
        out.push_str(before);
        out.push_str(&segment(name, &value.map(to_text).unwrap_or_default())?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// One segment of a path. Dots alone are an error, since a reader of the URL would take them for steps upwards.
fn segment(name: &str, text: &str) -> Result<String> {
    if !matches!(text, "" | "." | "..") {
        return Ok(encode_segment(text));
    }
    let message = match text {
        "" => format!("`{name}` is missing or empty"),
        dots => format!("`{name}` cannot be `{dots}`"),
    };
    Err(Error::new(ErrorCode::OptionInvalid, message).with_path(child_path("", name)))
}

fn push_query(path: &mut String, query: Option<&Value>) {
    let mut push = |key: &str, value: &Value| {
        if !value.is_null() {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(&encode_segment(key));
            path.push('=');
            path.push_str(&encode_segment(&to_text(value)));
        }
    };
    for (key, value) in query.and_then(Value::as_object).into_iter().flatten() {
        match value {
            Value::Array(items) => items.iter().for_each(|item| push(key, item)),
            value => push(key, value),
        }
    }
}

fn headers(value: Option<&Value>) -> Result<Vec<(String, String)>> {
    let given = value.and_then(Value::as_object).into_iter().flatten();
    given
        .map(|(name, value)| {
            let text = to_text(value);
            let is_name = !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
            let is_value = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
            let refused = if name.eq_ignore_ascii_case("authorization") {
                Some("the header `Authorization` is the client's own")
            } else {
                (!is_name || !is_value).then_some("a header has a name or a value that cannot be sent")
            };
            refused.map_or(Ok((name.clone(), text)), |message| {
                Err(Error::new(ErrorCode::OptionInvalid, message).with_path(child_path("/headers", name)))
            })
        })
        .collect()
}

/// The text as the value of a header: visible ASCII and inner blanks stay, other characters are percent-encoded. Equal
/// texts stay equal.
fn encode_header(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && text.trim() == text;
    if plain { text.to_owned() } else { encode_segment(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(value: &Value) -> String {
        Operation::read(value).unwrap().path
    }

    #[test]
    fn paths_are_filled_and_encoded() {
        let params = json!({"run": "a/b c", "version": 3});
        assert_eq!(
            path(&json!({"path": "/api/v1/w/{run}/versions/{version}", "params": params})),
            "/api/v1/w/a%2Fb%20c/versions/3"
        );
        assert_eq!(path(&json!({"path": "/ping"})), "/ping");
        assert_eq!(
            path(&json!({"path": "runs", "query": {"a": null, "b": "x y", "c": [1, "&"], "d": true}})),
            "/api/v1/runs?b=x%20y&c=1&c=%26&d=true"
        );
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        for id in ["", ".", ".."] {
            let error =
                Operation::read(&json!({"path": "workflows/{id}/cancel", "params": {"id": id}})).unwrap_err();
            assert_eq!((error.code(), error.path()), (ErrorCode::OptionInvalid, Some("/id")));
            assert!(Operation::get_run(id).is_err());
        }
        assert!(Operation::read(&json!({"path": "workflows/{id}"})).is_err());
    }

    #[test]
    fn only_what_is_safe_is_repeatable() {
        let repeatable = |value: Value| Operation::read(&value).unwrap().repeatable;
        for method in ["GET", "PUT", "DELETE"] {
            assert!(repeatable(json!({"method": method, "path": "x"})));
        }
        for method in ["POST", "PATCH"] {
            assert!(!repeatable(json!({"method": method, "path": "x"})));
        }
        assert!(repeatable(json!({"method": "POST", "path": "x", "key": "k"})));
        assert!(repeatable(json!({"method": "POST", "path": "x", "repeatable": true})));
    }

    #[test]
    fn headers_that_cannot_be_sent_are_refused() {
        let read = |headers: Value| Operation::read(&json!({"path": "x", "headers": headers}));
        assert_eq!(read(json!({"X-A": "b c", "x-n": 1})).unwrap().headers.len(), 2);
        for headers in [
            json!({"x": "a\r\nb: c"}),
            json!({"": "a"}),
            json!({"a b": "c"}),
            json!({"AUTHORIZATION": "Bearer other"}),
        ] {
            assert_eq!(read(headers).unwrap_err().code(), ErrorCode::OptionInvalid);
        }
    }
}
