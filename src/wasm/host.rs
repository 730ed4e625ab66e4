//! What the facade does for the client: it sends requests through the caller's `fetch`, sleeps, and tells the time.
//! Every method ends promptly once the caller's signal fires.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The services of one call.
    pub type Host;

    /// Sends a request and reads the answer to its end, within the time given in milliseconds.
    #[wasm_bindgen(method)]
    pub fn send(this: &Host, request: &web_sys::Request, timeout_ms: f64) -> Promise;

    /// Sleeps; `false` when the signal fired first.
    #[wasm_bindgen(method)]
    pub fn sleep(this: &Host, ms: f64) -> Promise;

    /// Milliseconds of a clock that does not go back.
    #[wasm_bindgen(method)]
    pub fn now(this: &Host) -> f64;

    /// A number in `0..1`.
    #[wasm_bindgen(method)]
    pub fn random(this: &Host) -> f64;

    /// Tells what a followed run is doing, as JSON text.
    #[wasm_bindgen(method)]
    pub fn progress(this: &Host, status: &str);

    /// What became of a request.
    pub type Outcome;

    /// `response`, `timeout`, `aborted` or `failed`.
    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &Outcome) -> String;

    /// The response, for `response`; its body was read.
    #[wasm_bindgen(method, getter)]
    pub fn response(this: &Outcome) -> web_sys::Response;

    /// The text of the body, for `response`.
    #[wasm_bindgen(method, getter)]
    pub fn body(this: &Outcome) -> String;

    /// Why, for `failed`.
    #[wasm_bindgen(method, getter)]
    pub fn reason(this: &Outcome) -> String;
}
