//! Carries requests to the host and its answers back.

use super::convert::parse;
use super::host::{Host, Outcome, recalled_circuit, remember_circuit};
use crate::api::{
    Action, Call, Circuit, ClientConfig, HttpRequest, HttpResponse, NetworkFailure, Operation, Transport,
};
use crate::codec::write_json;
use crate::error::{Error, ErrorCode, Result};
use crate::text::cut;
use serde_json::Value;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The operations of one call of the facade.
pub(super) struct ClientTransport<'a> {
    pub(super) host: &'a Host,
    pub(super) config: Rc<ClientConfig>,
    /// When all of them have to be over.
    pub(super) deadline: Option<f64>,
}

/// The settings of a client.
pub(super) fn config_of(text: &str) -> Result<Rc<ClientConfig>> {
    Ok(Rc::new(ClientConfig::read(&parse(text)?)?))
}

impl Transport for ClientTransport<'_> {
    async fn perform(&self, operation: Operation) -> Result<Value> {
        let limit = self.deadline.map(|deadline| (deadline - self.host.now()).max(0.0));
        let call = Call::new(self.config.clone(), operation.within(limit));
        perform(self.host, call).await.map(|(data, _)| data)
    }

    fn part(&self, run_id: &str, is_first: bool, tasks: &Value) {
        self.host.part(run_id, is_first, &write_json(tasks));
    }
}

/// Carries a call to its end: the data, and the answer that it came in.
pub(super) async fn perform(host: &Host, mut call: Call) -> Result<(Value, Option<Outcome>)> {
    let mut last = None;
    loop {
        match with_circuit(host, |circuit, now| call.next_action(now, circuit)) {
            Action::Done(outcome) => return outcome.map(|data| (data, last)),
            Action::Sleep(ms) => {
                if resolved(host.sleep(ms)).await.is_falsy() {
                    return Err(aborted());
                }
            }
            Action::Judge(error, attempt) => call.judged(host.judge(&write_json(&error.to_json()), attempt)),
            Action::Authorize(refused, timeout) => {
                call.authorized(authorized(host, refused, timeout).await);
            }
            Action::Send(request, timeout) => {
                let operation = call.operation();
                let (expects, has_attachment) = (operation.expects.as_str(), operation.has_attachment);
                let headers = to_lines(&request);
                let (method, url, body) = (&request.method, &request.url, request.body.as_deref());
                let sent = host.send(method, url, &headers, body, timeout, expects, has_attachment);
                let outcome: Outcome = resolved(sent).await.unchecked_into();
                let random = host.random();
                match read(&outcome) {
                    Ok(response) => {
                        with_circuit(host, |circuit, now| call.received(&response, now, random, circuit));
                        last = Some(outcome);
                    }
                    Err(None) => return Err(aborted()),
                    Err(Some(failure)) => {
                        with_circuit(host, |circuit, now| call.lost(&failure, now, random, circuit));
                    }
                }
            }
        }
    }
}

async fn authorized(host: &Host, refused: Option<String>, timeout: f64) -> Result<String> {
    let outcome: Outcome = resolved(host.authorize(refused, timeout)).await.unchecked_into();
    if let Some(credential) = outcome.credential() {
        return Ok(credential);
    }
    let (code, reason) = match outcome.kind().as_str() {
        "aborted" => return Err(aborted()),
        "timeout" => (ErrorCode::RequestTimeout, "it took too long".to_owned()),
        _ => (ErrorCode::AuthFailed, outcome.reason()),
    };
    Err(Error::new(code, format!("`auth` gave no credential: {reason}")).with_path("/auth"))
}

/// The circuit of the client, which it remembers between its calls.
fn with_circuit<T>(host: &Host, use_it: impl FnOnce(&mut Circuit, f64) -> T) -> T {
    let mut circuit = recalled_circuit(host);
    let before = circuit;
    let given = use_it(&mut circuit, host.now());
    if circuit != before {
        remember_circuit(host, circuit);
    }
    given
}

/// The host's promises do not reject; should one, its reason stands for its value.
pub(super) async fn resolved(promise: js_sys::Promise) -> JsValue {
    JsFuture::from(promise).await.unwrap_or_else(|reason| reason)
}

fn aborted() -> Error {
    Error::new(ErrorCode::Aborted, "the operation was aborted")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes")]
fn bytes(limit: f64) -> u64 {
    limit.max(0.0) as u64
}

fn to_lines(request: &HttpRequest) -> String {
    let mut lines = String::new();
    for (name, value) in &request.headers {
        for part in [name, ": ", value, "\n"] {
            lines.push_str(part);
        }
    }
    lines
}

/// The response, or why there is none; nothing where the call was aborted.
fn read(outcome: &Outcome) -> std::result::Result<HttpResponse, Option<NetworkFailure>> {
    let Some(status) = outcome.status() else {
        return Err(match outcome.kind().as_str() {
            "aborted" => None,
            "timeout" => Some(NetworkFailure::TimedOut),
            "not_text" => Some(NetworkFailure::NotText),
            "too_large" => Some(NetworkFailure::TooLarge(bytes(outcome.limit()))),
            _ => Some(NetworkFailure::Broken(outcome.reason())),
        });
    };
    let lines = outcome.headers();
    let header = |line: &str| cut(line, ": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = lines.lines().filter_map(header).collect();
    Ok(HttpResponse { status, headers, body: outcome.body() })
}
