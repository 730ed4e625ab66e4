//! What the facade does for the client: it sends requests through the caller's `fetch`, sleeps, and tells the time.
//! Every method ends promptly once the caller's signal fires.

use crate::api::{Circuit, Offers};
use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The services of one call, or of all runs that a client follows.
    #[derive(Clone)]
    pub type Host;

    /// Sends a request, with the host's own body where there is one, and reads the answer as what is expected, within the
    /// time given in milliseconds. Headers are lines of `name: value`.
    #[wasm_bindgen(method)]
    pub fn send(
        this: &Host,
        method: &str,
        url: &str,
        headers: &str,
        body: Option<&str>,
        timeout_ms: f64,
        expects: &str,
        has_attachment: bool,
    ) -> Promise;

    /// Gets the credential, another one than the one that was refused: an outcome of the kind `credential`.
    #[wasm_bindgen(method)]
    pub fn authorize(this: &Host, refused: Option<String>) -> Promise;

    /// Asks the caller whether a failure, as JSON text, is worth another attempt.
    #[wasm_bindgen(method)]
    pub fn judge(this: &Host, error: &str, attempt: u32) -> Option<bool>;

    /// Sleeps; `false` when the signal fired first.
    #[wasm_bindgen(method)]
    pub fn sleep(this: &Host, ms: f64) -> Promise;

    /// Milliseconds of a clock that does not go back.
    #[wasm_bindgen(method)]
    pub fn now(this: &Host) -> f64;

    /// A number in `0..1`.
    #[wasm_bindgen(method)]
    pub fn random(this: &Host) -> f64;

    /// What the client remembers from call to call.
    #[wasm_bindgen(method)]
    pub fn recall(this: &Host) -> Vec<f64>;

    /// Has the client remember it.
    #[wasm_bindgen(method)]
    pub fn remember(this: &Host, memory: &[f64]);

    /// Who follows a run now, and who does not any more, since the last call: `[[ticket, runId, timeoutMs, wantsUpdates,
    /// wantsWhole] | [ticket], …]`.
    #[wasm_bindgen(method)]
    pub fn commands(this: &Host) -> String;

    /// Whether the page is hidden.
    #[wasm_bindgen(method, js_name = isHidden)]
    pub fn is_hidden(this: &Host) -> bool;

    /// Ends the sleep.
    #[wasm_bindgen(method)]
    pub fn wake(this: &Host);

    /// Tells a follower the status of a run, as JSON text.
    #[wasm_bindgen(method)]
    pub fn tell(this: &Host, ticket: u32, status: &str);

    /// Tells a follower that a run is over: the run as JSON text, or the error.
    #[wasm_bindgen(method)]
    pub fn end(this: &Host, ticket: u32, outcome: &JsValue, is_error: bool);

    /// What became of a request.
    pub type Outcome;

    /// `response`, `credential`, `timeout`, `aborted`, `too_large`, `not_text` or `failed`.
    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &Outcome) -> String;

    /// The status of the response, for `response`; 0 for a redirect of which a page is told no more.
    #[wasm_bindgen(method, getter)]
    pub fn status(this: &Outcome) -> u16;

    /// The headers of the response that the client reads, as lines of `name: value`, for `response`.
    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &Outcome) -> String;

    /// The text of the body, for `response`; the credential, for `credential`.
    #[wasm_bindgen(method, getter)]
    pub fn body(this: &Outcome) -> String;

    /// The most bytes that are taken, for `too_large`.
    #[wasm_bindgen(method, getter)]
    pub fn limit(this: &Outcome) -> f64;

    /// Why, for `failed`.
    #[wasm_bindgen(method, getter)]
    pub fn reason(this: &Outcome) -> String;

    /// The data of the next event of a stream; nothing when it is over.
    #[wasm_bindgen(method, js_name = nextEvent)]
    pub fn next_event(this: &Outcome) -> Promise;
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was a count when it was kept"
)]
pub(super) fn recalled_circuit(host: &Host) -> Circuit {
    let memory = host.recall();
    let at = |index: usize| memory.get(index).copied().unwrap_or_default();
    Circuit { failures: at(0) as u32, open_until: at(1) }
}

pub(super) fn remember_circuit(host: &Host, circuit: Circuit) {
    let offers = recalled_offers(host);
    remember(host, circuit, offers);
}

/// Offers are kept as what is lacking, so that an empty memory is the default.
pub(super) fn recalled_offers(host: &Host) -> Offers {
    let memory = host.recall();
    let is_offered = |index: usize| memory.get(index).is_none_or(|lacking| *lacking == 0.0);
    Offers { list: is_offered(2), steps: is_offered(3), stream: is_offered(4) }
}

pub(super) fn remember_offers(host: &Host, offers: Offers) {
    remember(host, recalled_circuit(host), offers);
}

fn remember(host: &Host, circuit: Circuit, offers: Offers) {
    let lacking = |is_offered: bool| f64::from(u8::from(!is_offered));
    let Offers { list, steps, stream } = offers;
    host.remember(&[
        f64::from(circuit.failures),
        circuit.open_until,
        lacking(list),
        lacking(steps),
        lacking(stream),
    ]);
}
