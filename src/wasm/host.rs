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

    /// Gets the credential, another one than the one that was refused, within the time given in milliseconds: an outcome
    /// with a `credential`.
    #[wasm_bindgen(method)]
    pub fn authorize(this: &Host, refused: Option<String>, timeout_ms: f64) -> Promise;

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

    /// A number that the client remembers from call to call, 0 at first.
    #[wasm_bindgen(method)]
    pub fn recall(this: &Host, index: u32) -> f64;

    /// Has the client remember a number.
    #[wasm_bindgen(method)]
    pub fn remember(this: &Host, index: u32, value: f64);

    /// Takes some of the tasks of a run as JSON text; the first of them, or some more.
    #[wasm_bindgen(method)]
    pub fn part(this: &Host, run_id: &str, is_first: bool, tasks: &str);

    /// Who follows a run now, and who does not any more, since the last call: `[[ticket, runId, timeoutMs, wantsUpdates,
    /// wantsWhole] | [ticket], …]`.
    #[wasm_bindgen(method)]
    pub fn commands(this: &Host) -> Option<String>;

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

    /// The status of the response, where there is one; 0 for a redirect of which a page is told no more.
    #[wasm_bindgen(method, getter)]
    pub fn status(this: &Outcome) -> Option<u16>;

    /// The headers of the response that the client reads, as lines of `name: value`.
    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &Outcome) -> String;

    /// The text of the body of the response.
    #[wasm_bindgen(method, getter)]
    pub fn body(this: &Outcome) -> String;

    /// The credential that was asked for.
    #[wasm_bindgen(method, getter)]
    pub fn credential(this: &Outcome) -> Option<String>;

    /// What happened instead: `timeout`, `aborted`, `too_large`, `not_text` or `failed`.
    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &Outcome) -> String;

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

/// Where the client remembers what.
const FAILURES: u32 = 0;
const OPEN_UNTIL: u32 = 1;
/// Offers are kept as what is lacking, so that an empty memory is the default.
const NO_LIST: u32 = 2;
const NO_STEPS: u32 = 3;
const NO_STREAM: u32 = 4;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was a count when it was kept"
)]
pub(super) fn recalled_circuit(host: &Host) -> Circuit {
    Circuit { failures: host.recall(FAILURES) as u32, open_until: host.recall(OPEN_UNTIL) }
}

pub(super) fn remember_circuit(host: &Host, circuit: Circuit) {
    host.remember(FAILURES, f64::from(circuit.failures));
    host.remember(OPEN_UNTIL, circuit.open_until);
}

pub(super) fn recalled_offers(host: &Host) -> Offers {
    let is_offered = |lacking: u32| host.recall(lacking) == 0.0;
    Offers { list: is_offered(NO_LIST), steps: is_offered(NO_STEPS), stream: is_offered(NO_STREAM) }
}

pub(super) fn remember_offers(host: &Host, offers: Offers) {
    for (lacking, is_offered) in
        [(NO_LIST, offers.list), (NO_STEPS, offers.steps), (NO_STREAM, offers.stream)]
    {
        host.remember(lacking, f64::from(u8::from(!is_offered)));
    }
}
