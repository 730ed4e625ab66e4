//! Reads responses: takes data out of envelopes, and turns refusals into errors.

use super::Expects;
use super::endpoint::origin_of;
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpResponse;
use crate::json::to_text;
use crate::json::{JsonError, parse_json};
use crate::text::{cut, has, joined};
use crate::time::parse_http_date;
use serde_json::Value;

/// The most characters of a body that an error shows.
const SNIPPET: usize = 200;

/// The data of a response to a request with this method, or the error that the response stands for.
pub(super) fn read(response: &HttpResponse, expects: Expects, method: &str) -> Result<Value> {
    if !(200..300).contains(&response.status) {
        return Err(refusal(response));
    }
    let body = &response.body;
    let is_json = response.header("content-type").is_none_or(|kind| has(kind, "json"));
    let is_empty_answer = body.trim().is_empty() && (method != "GET" || response.status == 204);
    match expects {
        Expects::Bytes => return Ok(Value::Null),
        Expects::Events if response.header("content-type").is_some_and(|kind| has(kind, "event-stream")) => {
            return Ok(Value::Null);
        }
        Expects::Events => {
            return Err(invalid_response("the server sent no events where some were expected", body));
        }
        Expects::Text if !is_json => return Ok(body.as_str().into()),
        Expects::Json | Expects::Text if is_empty_answer => return Ok(Value::Null),
        _ => {}
    }
    let read: Value = parse_json(body).map_err(|error| {
        invalid_response(&not_json(response, &error), body).with_detail("status", response.status)
    })?;
    let data = unwrap_envelope(read);
    match expects.lacks(&data) {
        Some(expected) => Err(invalid_response(
            &format!("the server sent something else where {expected} was expected"),
            body,
        )
        .with_detail("status", response.status)),
        None => Ok(data),
    }
}

/// The error for an answer that breaks the contract, with the start of its text.
pub(super) fn invalid_response(message: &str, body: &str) -> Error {
    let error = Error::new(ErrorCode::ApiResponseInvalid, message).with_help(
        "check that the endpoint is the origin of a Highway server, and that no proxy answers in its place",
    );
    match snippet(body) {
        Some(text) => error.with_detail("body", text),
        None => error,
    }
}

/// Takes `data` out of `{status, data}`, `{success, data}` and `{data}`. Any other body is the data itself.
fn unwrap_envelope(body: Value) -> Value {
    match body {
        Value::Object(mut map)
            if map.contains_key("data")
                && (map.contains_key("status") || map.contains_key("success") || map.len() == 1) =>
        {
            map.remove("data").unwrap_or(Value::Null)
        }
        other => other,
    }
}

fn not_json(response: &HttpResponse, error: &JsonError) -> String {
    if response.body.trim_start().is_empty() {
        "the server sent an empty answer where JSON was expected".into()
    } else if is_html(response) {
        format!("the server sent an HTML page{} where JSON was expected", title(response))
    } else {
        format!("the server sent an answer that is not JSON: {error}")
    }
}

/// The title of an HTML page, which usually tells who answered in place of the server.
fn title(response: &HttpResponse) -> String {
    let text = || {
        let (_, rest) = cut(&response.body, "<title")?;
        let (title, _) = cut(rest.split_once('>')?.1, "</")?;
        snippet(title)
    };
    text().map(|title| format!(" (`{title}`)")).unwrap_or_default()
}

fn is_html(response: &HttpResponse) -> bool {
    let declared = response.header("content-type").is_some_and(|kind| has(kind, "html"));
    declared || response.body.trim_start().starts_with('<')
}

fn refusal(response: &HttpResponse) -> Error {
    let status = response.status;
    let body: Option<Value> = parse_json(&response.body).ok();
    let (code, help) = match status {
        401 => (ErrorCode::ApiUnauthorized, "check the API key (`apiKey` or HIGHWAY_API_KEY)"),
        403 => (ErrorCode::ApiForbidden, "the key lacks the permission for this request"),
        404 => (ErrorCode::ApiNotFound, "check the id and the endpoint"),
        409 => (ErrorCode::ApiConflict, ""),
        429 => (ErrorCode::ApiRateLimited, "send fewer requests, or wait for `retryAfter` seconds"),
        408 => (ErrorCode::RequestTimeout, ""),
        0 | 300..=399 => return redirect(response),
        501 => (ErrorCode::ApiNotImplemented, "the server does not offer this"),
        500.. => (ErrorCode::ApiServerError, ""),
        _ => (ErrorCode::ApiBadRequest, ""),
    };
    let text = body.as_ref().and_then(server_message);
    let message = match &text {
        Some(text) => format!("the server answered {status}: {text}"),
        None if is_html(response) => {
            format!("the server answered {status} with an HTML page{}", title(response))
        }
        None => format!("the server answered {status}"),
    };
    let mut error = Error::new(code, message).with_detail("status", status);
    if !help.is_empty() {
        error = error.with_help(help);
    }
    let field = |key: &str| body.as_ref().and_then(|body| body.get(key)).filter(|value| !value.is_null());
    if let Some(value) = field("code") {
        error = error.with_detail("serverCode", value.clone());
    }
    if let Some(id) =
        field("request_id").map(to_text).or_else(|| response.header("x-request-id").map(str::to_owned))
    {
        error = error.with_detail("requestId", id);
    }
    let advice = body.as_ref().and_then(|body| {
        let finding = body.get("details").and_then(|details| details.get(0));
        finding.unwrap_or(body).get("help")?.as_str()
    });
    if let Some(advice) = advice {
        error = error.with_help(advice);
    }
    if let Some(value) = field("details") {
        error = error.with_detail("serverDetails", value.clone());
    }
    if let Some(seconds) = retry_after(response) {
        error = error.with_detail("retryAfter", seconds);
    }
    if let Some(run) = body.as_ref().and_then(existing_run) {
        error = error
            .with_detail("existingRunId", run)
            .with_help("this `workflowId` began a run with other content; follow it with `driver.handle(existingRunId)`, or choose another `workflowId`");
    }
    if text.is_none()
        && let Some(text) = snippet(&response.body)
    {
        error = error.with_detail("body", text);
    }
    error
}

/// The error for a redirect. In a page, the status is 0 and the target is not known.
fn redirect(response: &HttpResponse) -> Error {
    // The path of a URL may contain a secret, and so may a user name before the host.
    let origin = response.header("location").and_then(origin_of);
    let message = match &origin {
        Some(origin) => format!("the server redirects to `{origin}`"),
        None => "the server redirects, without saying where to".into(),
    };
    let error = Error::new(ErrorCode::ApiRedirected, message)
        .with_help("give the endpoint that the server redirects to; a credential is sent to no other origin")
        .with_detail("status", response.status);
    origin.map_or(error.clone(), |origin| error.with_detail("location", origin))
}

/// The seconds of `Retry-After`: a number, or a date minus the server's own `Date`. Of several such headers the first
/// counts.
fn retry_after(response: &HttpResponse) -> Option<u64> {
    let text = response.header("retry-after")?.trim();
    let first = text.split(',').next().unwrap_or_default().trim();
    if !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large counts as the largest one.
        return Some(first.parse().unwrap_or(u64::MAX));
    }
    let (until, now) = (parse_http_date(text)?, parse_http_date(response.header("date")?)?);
    Some(until.saturating_sub(now).div_ceil(1_000))
}

/// The run that the idempotency key already has; from the top level, `data` or `details`.
fn existing_run(body: &Value) -> Option<String> {
    let places = [Some(body), body.get("data"), body.get("details")];
    places.into_iter().flatten().find_map(|place| place.get("existing_run_id")?.as_str().map(str::to_owned))
}

/// The server's message: `message`, `error` or `detail` of an error object, or the first `msg` of a validation list.
fn server_message(body: &Value) -> Option<String> {
    if let Some(first) = body.as_array().and_then(|items| items.first()) {
        let place: Vec<String> = first
            .get("loc")
            .and_then(Value::as_array)
            .map(|loc| loc.iter().map(to_text).collect())
            .unwrap_or_default();
        let text = first.get("msg")?.as_str()?;
        return Some(if place.is_empty() {
            text.to_owned()
        } else {
            format!("{}: {text}", joined(&place, "."))
        });
    }
    ["message", "error", "detail"].iter().find_map(|key| match body.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Object(inner) => inner.get("message").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    })
}

fn is_of_word(char: char) -> bool {
    !char.is_whitespace() && !matches!(char, '"' | '\'' | '<' | '>')
}

fn snippet(body: &str) -> Option<String> {
    let text = body.trim();
    let mut short: String = text.chars().take(SNIPPET).collect();
    if short.len() < text.len() {
        // No word is cut, since half a credential could not be recognised and struck out.
        short.truncate(short.trim_end_matches(is_of_word).len());
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(response: &HttpResponse) -> Result<Value> {
        super::read(response, Expects::Json, "GET")
    }

    fn response(status: u16, body: &str) -> HttpResponse {
        HttpResponse { status, headers: vec![("Retry-After".into(), "7".into())], body: body.into() }
    }

    #[test]
    fn unwraps_every_envelope() {
        for body in [
            r#"{"status":"success","data":{"a":1}}"#,
            r#"{"success":true,"data":{"a":1}}"#,
            r#"{"data":{"a":1}}"#,
            r#"{"a":1}"#,
        ] {
            assert_eq!(read(&response(200, body)).unwrap(), json!({"a": 1}), "{body}");
        }
        assert_eq!(read(&response(200, r#"{"data":1,"rows":2}"#)).unwrap(), json!({"data": 1, "rows": 2}));
    }

    #[test]
    fn each_status_has_its_code() {
        for (status, code) in [
            (400, ErrorCode::ApiBadRequest),
            (401, ErrorCode::ApiUnauthorized),
            (403, ErrorCode::ApiForbidden),
            (404, ErrorCode::ApiNotFound),
            (409, ErrorCode::ApiConflict),
            (422, ErrorCode::ApiBadRequest),
            (429, ErrorCode::ApiRateLimited),
            (408, ErrorCode::RequestTimeout),
            (501, ErrorCode::ApiNotImplemented),
            (503, ErrorCode::ApiServerError),
        ] {
            let error =
                read(&response(status, r#"{"message":"why","code":"X","request_id":"r1"}"#)).unwrap_err();
            assert_eq!(error.code(), code, "{status}");
            assert_eq!(error.message(), format!("the server answered {status}: why"));
            assert_eq!(error.details()["requestId"], "r1");
            assert_eq!(error.details()["retryAfter"], 7);
        }
    }

    #[test]
    fn reads_validation_lists_and_existing_runs() {
        let error = read(&response(422, r#"[{"loc":["body","name"],"msg":"field required"}]"#)).unwrap_err();
        assert!(error.message().ends_with("body.name: field required"), "{error}");
        for body in [r#"{"existing_run_id":"r"}"#, r#"{"details":{"existing_run_id":"r"}}"#] {
            assert_eq!(read(&response(409, body)).unwrap_err().details()["existingRunId"], "r");
        }
    }

    #[test]
    fn an_html_page_is_called_one() {
        let page = response(200, "<!doctype html><title>Sign in</title>");
        let error = read(&page).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ApiResponseInvalid);
        assert_eq!(error.message(), "the server sent an HTML page (`Sign in`) where JSON was expected");
        assert!(error.details()["body"].as_str().unwrap().contains("Sign in"));
        assert_eq!(read(&response(200, "")).unwrap_err().code(), ErrorCode::ApiResponseInvalid);
    }

    #[test]
    fn retry_after_may_be_a_date() {
        let mut late = response(429, "{}");
        late.headers = vec![
            ("retry-after".into(), "Wed, 21 Oct 2026 07:28:30 GMT".into()),
            ("Date".into(), "Wed, 21 Oct 2026 07:28:00 GMT".into()),
        ];
        assert_eq!(read(&late).unwrap_err().details()["retryAfter"], 30);
        late.headers.pop();
        assert!(read(&late).unwrap_err().details().get("retryAfter").is_none());
        for (text, expected) in [
            ("7, 9", Some(7)),
            ("soon", None),
            ("-1", None),
            ("172800", Some(172_800)),
            ("99999999999999999999999", Some(u64::MAX)),
        ] {
            late.headers = vec![("retry-after".into(), text.into())];
            assert_eq!(
                read(&late).unwrap_err().details().get("retryAfter"),
                expected.map(Value::from).as_ref()
            );
        }
    }

    #[test]
    fn a_redirect_names_the_origin_and_nothing_behind_it() {
        let mut away = response(302, "");
        away.headers = vec![("location".into(), "https://login.example/sso?token=secret".into())];
        let error = read(&away).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ApiRedirected);
        assert_eq!(error.message(), "the server redirects to `https://login.example`");
        assert!(!format!("{error:?}").contains("secret"));
        assert_eq!(read(&response(0, "")).unwrap_err().code(), ErrorCode::ApiRedirected);
    }

    #[test]
    fn what_is_expected_decides_how_an_answer_is_read() {
        let mut answer = response(200, "graph TD");
        answer.headers = vec![("content-type".into(), "text/plain; charset=utf-8".into())];
        assert_eq!(super::read(&answer, Expects::Text, "GET").unwrap(), "graph TD");
        assert_eq!(super::read(&answer, Expects::Bytes, "GET").unwrap(), Value::Null);
        assert!(super::read(&answer, Expects::Json, "GET").is_err());
        assert!(super::read(&answer, Expects::Events, "GET").is_err());
        answer.headers = vec![("content-type".into(), "text/event-stream".into())];
        assert!(super::read(&answer, Expects::Events, "GET").is_ok());
        let enveloped = response(200, r#"{"data": {"dot": "digraph"}, "status": "success"}"#);
        assert_eq!(super::read(&enveloped, Expects::Text, "GET").unwrap(), json!({"dot": "digraph"}));
    }

    #[test]
    fn an_empty_answer_is_fine_where_nothing_is_to_be_said() {
        assert_eq!(super::read(&response(204, ""), Expects::Json, "GET").unwrap(), Value::Null);
        assert_eq!(super::read(&response(200, " "), Expects::Json, "DELETE").unwrap(), Value::Null);
        assert!(read(&response(200, "")).is_err());
    }

    #[test]
    fn broken_json_says_where_and_shows_how_it_begins() {
        let error = read(&response(200, "{\"a\": oops}")).unwrap_err();
        assert!(error.message().ends_with("expected a value at line 1, column 7"), "{error}");
        assert_eq!(error.details()["body"], "{\"a\": oops}");
        let deep = read(&response(200, &"[".repeat(1_000_000))).unwrap_err();
        assert!(deep.message().contains("too deeply nested"), "{deep}");
    }
}
