//! The services of the facade for the client: its `fetch`, timers, signals and callbacks. Every promise ends soon after
//! the caller's signal fires.

use super::error::to_js_error;
use crate::client::{
    self, Answer, Circuit, Expects, Follow, NetworkFailure, News, Offers, Operation, Outage, Watches, aborted,
};
use crate::error::{Error, ErrorCode, Result};
use crate::fetch;
use crate::http::{HttpRequest, HttpResponse};
use crate::json::number::to_f64;
use crate::json::{parse_json, write_json};
use crate::text::has;
use js_sys::{Promise, Uint8Array};
use serde_json::Value;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal};

#[wasm_bindgen]
extern "C" {
    /// The services for one call, or for all runs that a client follows.
    #[derive(Clone)]
    pub type Host;

    /// Sends a request by the caller's function. Rejects if there is no answer.
    #[wasm_bindgen(method)]
    fn fetch(this: &Host, request: &web_sys::Request, signal: &AbortSignal) -> Promise;

    /// Limits the time of a request. If `timeout_ms` milliseconds pass, or the call ends first, it aborts the controller
    /// and calls `cut`, with whether the time has passed.
    #[wasm_bindgen(method)]
    fn limit(
        this: &Host,
        timeout_ms: f64,
        controller: &AbortController,
        cut: &Closure<dyn FnMut(bool)>,
    ) -> Limit;

    /// The body of a request that is not JSON, a fresh one for each attempt.
    #[wasm_bindgen(method)]
    fn attachment(this: &Host) -> JsValue;

    /// Keeps the reason why there is no answer, and returns its message.
    #[wasm_bindgen(method)]
    fn failed(this: &Host, error: &JsValue) -> String;

    /// The text of a refusal, with the credentials in it struck out.
    #[wasm_bindgen(method)]
    fn struck(this: &Host, text: &str) -> Promise;

    /// Keeps the body of an answer that is expected as bytes.
    #[wasm_bindgen(method)]
    fn keep(this: &Host, bytes: Uint8Array);

    /// The largest answer, in bytes.
    #[wasm_bindgen(method, getter, js_name = mostBytes)]
    fn most_bytes(this: &Host) -> f64;

    /// Opens the event stream of an answer.
    #[wasm_bindgen(method)]
    fn events(this: &Host, response: &web_sys::Response, controller: &AbortController) -> Promise;

    /// Gets the credential, a different one than `refused`, within `timeout_ms` milliseconds.
    #[wasm_bindgen(method)]
    fn authorize(this: &Host, refused: Option<String>, timeout_ms: f64) -> Promise;

    /// Asks the caller whether another attempt is useful after a failure, given as JSON text.
    #[wasm_bindgen(method)]
    fn judge(this: &Host, error: &str, attempt: u32) -> Option<bool>;

    /// Sleeps. The result is `false` if the signal fired first.
    #[wasm_bindgen(method)]
    fn sleep(this: &Host, ms: f64) -> Promise;

    /// The time in milliseconds, by a clock that does not go back.
    #[wasm_bindgen(method)]
    fn now(this: &Host) -> f64;

    /// A random number in `0..1`.
    #[wasm_bindgen(method)]
    fn random(this: &Host) -> f64;

    /// The number that the client keeps at an index; 0 at first.
    #[wasm_bindgen(method)]
    fn recall(this: &Host, index: u32) -> f64;

    /// Keeps a number at an index of the client.
    #[wasm_bindgen(method)]
    fn remember(this: &Host, index: u32, value: f64);

    /// Receives tasks of a run as JSON text, in several parts.
    #[wasm_bindgen(method)]
    fn part(this: &Host, run_id: &str, is_first: bool, tasks: &str);

    /// The followers that have joined or left since the last call: `[[ticket, runId, timeoutMs, wantsUpdates,
    /// wantsWhole] | [ticket], …]`.
    #[wasm_bindgen(method)]
    fn commands(this: &Host) -> Option<String>;

    /// Whether the page is hidden.
    #[wasm_bindgen(method, js_name = isHidden)]
    fn is_hidden(this: &Host) -> bool;

    /// Ends the sleep.
    #[wasm_bindgen(method)]
    fn wake(this: &Host);

    /// Passes the status of a run to a follower, as JSON text.
    #[wasm_bindgen(method)]
    fn tell(this: &Host, ticket: u32, status: &str);

    /// Passes the end of a run to a follower: the run as JSON text, or the error.
    #[wasm_bindgen(method)]
    fn end(this: &Host, ticket: u32, outcome: &JsValue, is_error: bool);

    /// The limit of a request in flight.
    type Limit;

    /// Ends the limit: `cut` will not be called.
    #[wasm_bindgen(method)]
    fn end(this: &Limit);

    /// The outcome of a request for the credential.
    type Authorized;

    /// The credential.
    #[wasm_bindgen(method, getter)]
    fn credential(this: &Authorized) -> Option<String>;

    /// The reason why there is none: `timeout`, `aborted` or `failed`.
    #[wasm_bindgen(method, getter)]
    fn kind(this: &Authorized) -> String;

    /// The message, for `failed`.
    #[wasm_bindgen(method, getter)]
    fn reason(this: &Authorized) -> String;

    /// An event stream.
    pub type Events;

    /// The data of the next event; nothing at the end of the stream.
    #[wasm_bindgen(method)]
    fn next(this: &Events) -> Promise;
}

/// The indexes of the numbers that the client keeps.
const FAILURES: u32 = 0;
const OPEN_UNTIL: u32 = 1;
/// The numbers say what the server lacks, so that 0 is the default.
const NO_LIST: u32 = 2;
const NO_STEPS: u32 = 3;
const NO_STREAM: u32 = 4;

/// The value of a promise. The host's promises do not reject; if one did, its reason would be the value.
async fn resolved(promise: Promise) -> JsValue {
    JsFuture::from(promise).await.unwrap_or_else(|reason| reason)
}

type Exchanged = std::result::Result<Answer<Events>, Outage>;

/// Why a request in flight ends early, and the task that waits for its answer.
#[derive(Default)]
struct Cut {
    outage: Cell<Option<Outage>>,
    task: Cell<Option<Waker>>,
}

impl Host {
    async fn exchange(
        &self,
        request: HttpRequest,
        operation: &Operation,
        controller: &AbortController,
    ) -> Exchanged {
        let Operation { expects, has_attachment, .. } = *operation;
        let failed = |error: JsValue| Outage::Failed(NetworkFailure::Broken(self.failed(&error)));
        let body =
            if has_attachment { Some(self.attachment()) } else { request.body.as_deref().map(JsValue::from) };
        let sent = fetch::request_of(&request, body).map_err(failed)?;
        let given = JsFuture::from(self.fetch(&sent, &controller.signal())).await.map_err(failed)?;
        let (head, response) = fetch::answer_of(given, &request.url);
        let Some(response) = response else { return Ok(Answer { response: head, events: None }) };
        let is_fine = fetch::is_fine(head.status);
        let is_stream = || head.header("content-type").is_some_and(|kind| has(kind, "event-stream"));
        if expects == Expects::Events && is_fine && is_stream() {
            let events = resolved(self.events(&response, controller)).await.unchecked_into();
            return Ok(Answer { response: head, events: Some(events) });
        }
        let limit = count(self.most_bytes());
        let Some(bytes) = fetch::bytes_of(&response, limit).await.map_err(failed)? else {
            return Err(Outage::Failed(NetworkFailure::TooLarge(limit as u64)));
        };
        let mut body = String::new();
        if expects == Expects::Bytes && is_fine {
            self.keep(Uint8Array::from(bytes.as_slice()));
        } else {
            body = fetch::text_of(bytes, is_fine).ok_or(Outage::Failed(NetworkFailure::NotText))?;
            if !is_fine {
                // Strikes the whole text, before an error shows a part of it: half a credential could not be
                // recognised.
                body = resolved(self.struck(&body)).await.as_string().unwrap_or_default();
            }
        }
        Ok(Answer { response: HttpResponse { body, ..head }, events: None })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes")]
fn count(bytes: f64) -> usize {
    bytes.max(0.0) as usize
}

impl client::Events for Events {
    async fn next(&self) -> Option<String> {
        resolved(self.next()).await.as_string()
    }
}

impl client::Host for Host {
    type Events = Events;

    async fn send(&self, request: HttpRequest, operation: &Operation, timeout_ms: f64) -> Exchanged {
        let Ok(controller) = AbortController::new() else { return Err(Outage::Aborted) };
        let cut = Rc::new(Cut::default());
        let tell = {
            let cut = cut.clone();
            Closure::new(move |is_late| {
                let late = Outage::Failed(NetworkFailure::TimedOut);
                cut.outage.set(Some(if is_late { late } else { Outage::Aborted }));
                if let Some(task) = cut.task.take() {
                    task.wake();
                }
            })
        };
        let limit = self.limit(timeout_ms, &controller, &tell);
        let mut work = pin!(self.exchange(request, operation, &controller));
        let exchanged = poll_fn(|context| {
            if let Some(outage) = cut.outage.take() {
                return Poll::Ready(Err(outage));
            }
            cut.task.set(Some(context.waker().clone()));
            work.as_mut().poll(context)
        })
        .await;
        limit.end();
        exchanged
    }

    async fn authorize(&self, refused: Option<String>, timeout_ms: f64) -> Result<String> {
        let outcome: Authorized = resolved(self.authorize(refused, timeout_ms)).await.unchecked_into();
        if let Some(credential) = outcome.credential() {
            return Ok(credential);
        }
        let (code, reason) = match outcome.kind().as_str() {
            "aborted" => return Err(aborted()),
            "timeout" => (ErrorCode::RequestTimeout, "it took too long".to_owned()),
            _ => (ErrorCode::AuthFailed, outcome.reason()),
        };
        Err(Error::new(code, format!("`auth` did not return a credential: {reason}")).with_path("/auth"))
    }

    fn judge(&self, error: &Error, attempt: u32) -> Option<bool> {
        self.judge(&write_json(&error.to_json()), attempt)
    }

    async fn sleep(&self, ms: f64) -> bool {
        resolved(self.sleep(ms)).await.is_truthy()
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        spawn_local(future);
    }

    fn part(&self, run_id: &str, is_first: bool, tasks: &Value) {
        self.part(run_id, is_first, &write_json(tasks));
    }

    fn now(&self) -> f64 {
        self.now()
    }

    fn random(&self) -> f64 {
        self.random()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was a count when it was kept"
    )]
    fn circuit(&self) -> Circuit {
        Circuit { failures: self.recall(FAILURES) as u32, open_until: self.recall(OPEN_UNTIL) }
    }

    fn set_circuit(&self, circuit: Circuit) {
        self.remember(FAILURES, f64::from(circuit.failures));
        self.remember(OPEN_UNTIL, circuit.open_until);
    }

    fn offers(&self) -> Offers {
        let is_offered = |lacking: u32| self.recall(lacking) == 0.0;
        Offers { list: is_offered(NO_LIST), steps: is_offered(NO_STEPS), stream: is_offered(NO_STREAM) }
    }

    fn set_offers(&self, offers: Offers) {
        for (lacking, is_offered) in
            [(NO_LIST, offers.list), (NO_STEPS, offers.steps), (NO_STREAM, offers.stream)]
        {
            self.remember(lacking, f64::from(u8::from(!is_offered)));
        }
    }
}

impl client::Followers for Host {
    fn instruct(&self, watches: &mut Watches) {
        let commands = self.commands().and_then(|text| parse_json(&text).ok()).unwrap_or_default();
        for command in commands.as_array().into_iter().flatten() {
            take(watches, command, self.now());
        }
    }

    fn is_hidden(&self) -> bool {
        self.is_hidden()
    }

    async fn rest(&self, ms: f64) {
        resolved(self.sleep(ms)).await;
    }

    fn wake(&self) {
        self.wake();
    }

    fn tell(&self, news: News) {
        match news {
            News::Update { ticket, status } => self.tell(ticket, &write_json(&status)),
            News::End { ticket, outcome: Ok(result) } => {
                self.end(ticket, &write_json(&result).into(), false);
            }
            News::End { ticket, outcome: Err(error) } => self.end(ticket, &to_js_error(&error), true),
        }
    }
}

fn take(watches: &mut Watches, command: &Value, now: f64) {
    let Some([ticket, more @ ..]) = command.as_array().map(Vec::as_slice) else {
        return;
    };
    let Some(ticket) = ticket.as_u64().and_then(|ticket| u32::try_from(ticket).ok()) else {
        return;
    };
    match more {
        [Value::String(run_id), timeout, updates, whole] => {
            let follow = Follow {
                run_id: run_id.clone(),
                timeout_ms: to_f64(timeout),
                wants_updates: *updates == Value::Bool(true),
                wants_whole: *whole == Value::Bool(true),
            };
            watches.follow(ticket, &follow, now);
        }
        _ => watches.leave(ticket),
    }
}
