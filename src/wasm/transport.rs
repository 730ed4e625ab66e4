//! Carries requests to the host and its answers back, with gloo-net's request and response types.

use super::host::{Host, Outcome};
use crate::api::{Action, Call, HttpRequest, HttpResponse, NetworkFailure};
use crate::error::{Error, ErrorCode, Result};
use gloo_net::http::{Method, Request, RequestBuilder, Response};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Headers of a response that the client reads.
const READ_HEADERS: [&str; 4] = ["content-type", "date", "retry-after", "x-request-id"];

/// Carries a call to its end.
pub(super) async fn perform(host: &Host, mut call: Call) -> Result<Value> {
    loop {
        match call.next_action(host.now()) {
            Action::Done(outcome) => return outcome,
            Action::Sleep(ms) => sleep(host, ms).await?,
            Action::Send(request, timeout) => {
                let request: web_sys::Request = to_request(&request)?.into();
                let outcome: Outcome = resolved(host.send(&request, timeout)).await.unchecked_into();
                match outcome.kind().as_str() {
                    "response" => call.received(&to_response(&outcome), host.random()),
                    "timeout" => call.lost(&NetworkFailure::TimedOut, host.random()),
                    "aborted" => return Err(aborted()),
                    _ => call.lost(&NetworkFailure::Broken(outcome.reason()), host.random()),
                }
            }
        }
    }
}

/// Sleeps, unless the signal fires.
pub(super) async fn sleep(host: &Host, ms: f64) -> Result<()> {
    if resolved(host.sleep(ms)).await.is_falsy() { Err(aborted()) } else { Ok(()) }
}

/// The host's promises do not reject; should one, its reason stands for its value.
async fn resolved(promise: js_sys::Promise) -> JsValue {
    JsFuture::from(promise).await.unwrap_or_else(|reason| reason)
}

fn aborted() -> Error {
    Error::new(ErrorCode::Aborted, "the operation was aborted")
}

fn to_request(request: &HttpRequest) -> Result<Request> {
    let method = match request.method.as_str() {
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => Method::GET,
    };
    let mut builder = RequestBuilder::new(&request.url).method(method);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let built = match &request.body {
        Some(body) => builder.body(body.as_str()),
        None => builder.build(),
    };
    built.map_err(|error| {
        Error::new(
            ErrorCode::EndpointInvalid,
            format!("no request can be made for `{}`: {error}", request.url),
        )
    })
}

fn to_response(outcome: &Outcome) -> HttpResponse {
    let response = Response::from(outcome.response());
    let headers = response.headers();
    let present = READ_HEADERS.into_iter().filter_map(|name| Some((name.to_owned(), headers.get(name)?)));
    HttpResponse { status: response.status(), headers: present.collect(), body: outcome.body() }
}
