//! Requests and answers of `fetch`, in the types of web-sys and gloo-net. The host chooses the function that sends them.

use crate::http::{HttpRequest, HttpResponse};
use gloo_net::http::{Headers, Response};
use js_sys::{Date, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, ReadableStreamReadResult, RequestInit, RequestRedirect, Url};

/// The headers of a refusal that the core reads.
const OF_A_REFUSAL: [&str; 2] = ["retry-after", "x-request-id"];

/// A request for `fetch`. It follows no redirects: a runtime would send the credential along, so the core follows them.
///
/// # Errors
///
/// The error of a runtime that does not accept the request.
pub(crate) fn request_of(request: &HttpRequest, body: Option<JsValue>) -> Result<web_sys::Request, JsValue> {
    let method = request.method.as_str();
    if !matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS") {
        return Err(js_sys::TypeError::new(&format!("there is no method `{method}`")).into());
    }
    let headers = Headers::new();
    for (name, value) in &request.headers {
        headers.set(name, value);
    }
    let init = RequestInit::new();
    init.set_method(method);
    init.set_redirect(RequestRedirect::Manual);
    init.set_headers(&headers.into_raw());
    if let Some(body) = body {
        init.set_body(&body);
    }
    web_sys::Request::new_with_str_and_init(&request.url, &init)
}

/// The status and headers of the answer from `url`, without a body.
fn head_of(response: &Response, url: &str) -> HttpResponse {
    let status = response.status();
    let given = response.headers().into_raw();
    // A response that only imitates the type may have a header that is not text. It counts as missing.
    let get = |name: &str| given.get(name).ok().flatten();
    let mut headers = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        headers.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("content-type", get("content-type"));
    if !is_fine(status) {
        for name in OF_A_REFUSAL {
            add(name, get(name));
        }
        add("location", get("location").map(|location| absolute(&location, url)));
        // A date in `Retry-After` means something only with the server's own time.
        if get("retry-after").is_some() {
            let now = || String::from(Date::new_0().to_utc_string());
            add("date", Some(get("date").unwrap_or_else(now)));
        }
    }
    HttpResponse { status, headers, body: String::new() }
}

pub(crate) const fn is_fine(status: u16) -> bool {
    200 <= status && status < 300
}

/// Whether the status means a redirect. A page sees the status 0 for some of them.
const fn is_redirect(status: u16) -> bool {
    status == 0 || (300 <= status && status < 400)
}

fn absolute(location: &str, base: &str) -> String {
    Url::new_with_base(location, base).map_or_else(|_| location.to_owned(), |url| url.href())
}

/// The answer that `fetch` gave for `url`: its head, and the response if its body must be read. The body of a redirect
/// is not.
pub(crate) fn answer_of(given: JsValue, url: &str) -> (HttpResponse, Option<web_sys::Response>) {
    // Unchecked, since a response may come from another realm.
    let response: web_sys::Response = given.unchecked_into();
    let head = head_of(&Response::from(Clone::clone(&response)), url);
    if !is_redirect(head.status) {
        return (head, Some(response));
    }
    if let Some(body) = response.body() {
        let _ = body.cancel();
    }
    (head, None)
}

/// The bytes of a body; `None` if they are more than `limit`. The unpacked bytes count, whatever length the headers
/// claim.
///
/// # Errors
///
/// The error that ended the body early.
pub(crate) async fn bytes_of(response: &web_sys::Response, limit: usize) -> Result<Option<Vec<u8>>, JsValue> {
    // There is no stream without a body, and in a runtime without streams.
    let Some(stream) = response.body() else {
        let bytes = Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?);
        return Ok((bytes.length() as usize <= limit).then(|| bytes.to_vec()));
    };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let read: ReadableStreamReadResult = JsFuture::from(reader.read()).await?.unchecked_into();
        let chunk: Uint8Array = match read.get_value() {
            value if value.is_undefined() => return Ok(Some(bytes)),
            value => value.unchecked_into(),
        };
        let (start, more) = (bytes.len(), chunk.length() as usize);
        if start + more > limit {
            // The rest of the body is dropped without waiting.
            let _ = reader.cancel();
            return Ok(None);
        }
        bytes.resize(start + more, 0);
        if let Some(free) = bytes.get_mut(start..) {
            chunk.copy_to(free);
        }
    }
}

/// The text of a body in UTF-8, without a byte order mark. In the text of a refusal, invalid bytes are replaced, since
/// the rest is still useful. In any other answer they make the text `None`.
pub(crate) fn text_of(bytes: Vec<u8>, is_fine: bool) -> Option<String> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if !is_fine => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Err(_) => return None,
    };
    Some(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
