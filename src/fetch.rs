//! Requests and answers of `fetch`, in gloo-net's types. Which function sends them is up to the host.

use crate::http::{HttpRequest, HttpResponse};
use gloo_net::http::{Method, RequestBuilder, Response};
use js_sys::{Date, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, ReadableStreamReadResult, RequestRedirect, Url};

/// Headers of a refusal that the core reads as they are.
const OF_A_REFUSAL: [&str; 2] = ["retry-after", "x-request-id"];

/// A request for `fetch`. Redirects are ours to follow, since a runtime would take the credential along.
///
/// # Errors
///
/// What the runtime throws at a request that it does not take.
pub(crate) fn request_of(request: &HttpRequest, body: Option<JsValue>) -> Result<web_sys::Request, JsValue> {
    // By name: parsing any method would cost a page half a kilobyte.
    let method = match request.method.as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        "HEAD" => Method::HEAD,
        "OPTIONS" => Method::OPTIONS,
        other => return Err(js_sys::TypeError::new(&format!("there is no method `{other}`")).into()),
    };
    let mut builder = RequestBuilder::new(&request.url).method(method).redirect(RequestRedirect::Manual);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let built = match body {
        Some(body) => builder.body(body),
        None => builder.build(),
    };
    built.map(web_sys::Request::from).map_err(thrown)
}

/// What a runtime threw, as far as gloo-net tells it.
fn thrown(error: gloo_net::Error) -> JsValue {
    js_sys::Error::new(&error.to_string()).into()
}

/// An answer to the request for `url`, still without its body.
fn head_of(response: &Response, url: &str) -> HttpResponse {
    let status = response.status();
    let given = response.headers().into_raw();
    // A header that is no text, of a look-alike, is none.
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
        // Who is asked to come back at a certain time has to know what time it is there.
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

/// A redirect; of some a page is told no more than that, with status 0.
const fn is_redirect(status: u16) -> bool {
    status == 0 || (300 <= status && status < 400)
}

fn absolute(location: &str, base: &str) -> String {
    Url::new_with_base(location, base).map_or_else(|_| location.to_owned(), |url| url.href())
}

/// What `fetch` gave for the request for `url`: its head, and the answer itself where its body is to be read. A redirect's is not.
pub(crate) fn answer_of(given: JsValue, url: &str) -> (HttpResponse, Option<web_sys::Response>) {
    // By trust: a response may come from another realm.
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

/// The bytes of a body, but `None` where there are more than `limit`; counted as they are unpacked, whatever their
/// length is said to be.
///
/// # Errors
///
/// What the body broke with.
pub(crate) async fn bytes_of(response: &web_sys::Response, limit: usize) -> Result<Option<Vec<u8>>, JsValue> {
    let Some(reader) = reader_of(response)? else {
        let bytes = Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?);
        return Ok((bytes.length() as usize <= limit).then(|| bytes.to_vec()));
    };
    let mut bytes = Vec::new();
    loop {
        let read: ReadableStreamReadResult = JsFuture::from(reader.read()).await?.unchecked_into();
        let chunk: Uint8Array = match read.get_value() {
            value if value.is_undefined() => return Ok(Some(bytes)),
            value => value.unchecked_into(),
        };
        let (start, more) = (bytes.len(), chunk.length() as usize);
        if start + more > limit {
            // The rest is not waited for.
            let _ = reader.cancel();
            return Ok(None);
        }
        bytes.resize(start + more, 0);
        if let Some(free) = bytes.get_mut(start..) {
            chunk.copy_to(free);
        }
    }
}

/// A reader of the body; nothing in a runtime without streams, and where there is no body.
fn reader_of(response: &web_sys::Response) -> Result<Option<ReadableStreamDefaultReader>, JsValue> {
    match response.body() {
        Some(body) if Reflect::has(&body, &"getReader".into())? => {
            Ok(Some(body.get_reader().unchecked_into()))
        }
        _ => Ok(None),
    }
}

/// The text of a body in UTF-8, without a byte order mark. What is wrong in the text of a refusal is replaced, since the
/// rest is worth reading all the same; of another answer there is no text then.
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
