//! The host of a client in a page or a worker, on the global `fetch`, timers, clock and randomness.

use crate::client::{Answer, Circuit, Events, Host, NetworkFailure, Offers, Operation, Outage};
use crate::error::{Error, Result};
use crate::fetch::{answer_of, bytes_of, is_fine, request_of, text_of};
use crate::http::{HttpRequest, HttpResponse};
use js_sys::Promise;
use serde_json::Value;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, RequestInit};

/// The largest answer, in bytes.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// The longest timer of the web, in milliseconds. A longer sleep sets a further timer.
const LONGEST_TIMER: f64 = 2_147_483_647.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn global_fetch(request: &web_sys::Request, init: &RequestInit) -> Promise;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &JsValue, ms: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);

    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// The global `fetch` and timers of a page, a worker, Node, Deno or Bun. It opens no event streams, so runs are
/// followed by requests.
#[derive(Clone, Debug, Default)]
pub struct FetchHost {
    memory: Rc<Cell<Memory>>,
}

#[derive(Clone, Copy, Debug)]
struct Memory {
    circuit: Circuit,
    offers: Offers,
}

impl Default for Memory {
    fn default() -> Self {
        Self { circuit: Circuit::default(), offers: Offers { stream: false, ..Offers::default() } }
    }
}

/// This host opens no event streams, so the type has no values.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum NoEvents {}

impl Events for NoEvents {
    async fn next(&self) -> Option<String> {
        None
    }
}

/// A request in flight. Dropping it aborts the request.
struct Sending(AbortController);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A running timer. Dropping it clears the timer.
struct Timer(JsValue);

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.0);
    }
}

async fn after(ms: f64) {
    let end = now() + ms;
    loop {
        let left = end - now();
        if left <= 0.0 {
            return;
        }
        let mut timer = None;
        let passed = Promise::new(&mut |resolve, _| {
            timer = Some(Timer(set_timeout(&resolve, left.min(LONGEST_TIMER))));
        });
        // A timer does not reject.
        let _ = JsFuture::from(passed).await;
        drop(timer);
    }
}

fn broken(error: JsValue) -> Outage {
    let words = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    let words = words.or_else(|| error.as_string()).unwrap_or_else(|| "the request failed".into());
    Outage::Failed(NetworkFailure::Broken(words))
}

type Exchanged = std::result::Result<Answer<NoEvents>, Outage>;

async fn exchange(request: &HttpRequest, controller: &AbortController) -> Exchanged {
    let sent = request_of(request, request.body.as_deref().map(JsValue::from)).map_err(broken)?;
    let init = RequestInit::new();
    init.set_signal(Some(&controller.signal()));
    let given = JsFuture::from(global_fetch(&sent, &init)).await.map_err(broken)?;
    let (head, response) = answer_of(given, &request.url);
    let Some(response) = response else { return Ok(Answer { response: head, events: None }) };
    let Some(bytes) = bytes_of(&response, MOST_BYTES).await.map_err(broken)? else {
        return Err(Outage::Failed(NetworkFailure::TooLarge(MOST_BYTES as u64)));
    };
    let body = text_of(bytes, is_fine(head.status)).ok_or(Outage::Failed(NetworkFailure::NotText))?;
    Ok(Answer { response: HttpResponse { body, ..head }, events: None })
}

impl Host for FetchHost {
    type Events = NoEvents;

    async fn send(&self, request: HttpRequest, _: &Operation, timeout_ms: f64) -> Exchanged {
        let Ok(controller) = AbortController::new() else { return Err(Outage::Aborted) };
        let sending = Sending(controller);
        let mut work = pin!(exchange(&request, &sending.0));
        let mut limit = pin!(after(timeout_ms));
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(exchanged) => Poll::Ready(exchanged),
            Poll::Pending => {
                let late = |()| Err(Outage::Failed(NetworkFailure::TimedOut));
                limit.as_mut().poll(context).map(late)
            }
        })
        .await
    }

    async fn authorize(&self, _: Option<String>, _: f64) -> Result<String> {
        // The builder of a client cannot set a credential that the host is asked for.
        Err(crate::client::aborted())
    }

    fn judge(&self, _: &Error, _: u32) -> Option<bool> {
        None
    }

    async fn sleep(&self, ms: f64) -> bool {
        after(ms).await;
        true
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        spawn_local(future);
    }

    fn part(&self, _: &str, _: bool, _: &Value) {
        // The client keeps the parts, not the host.
    }

    fn now(&self) -> f64 {
        now()
    }

    fn random(&self) -> f64 {
        js_sys::Math::random()
    }

    fn circuit(&self) -> Circuit {
        self.memory.get().circuit
    }

    fn set_circuit(&self, circuit: Circuit) {
        self.memory.set(Memory { circuit, ..self.memory.get() });
    }

    fn offers(&self) -> Offers {
        self.memory.get().offers
    }

    fn set_offers(&self, offers: Offers) {
        self.memory.set(Memory { offers, ..self.memory.get() });
    }
}
