//! The interface of a client to the program around it, and the loop that carries out a call with it.

use super::{Action, Call, Circuit, ClientConfig, NetworkFailure, Operation};
use super::{Offers, Transport};
use crate::error::{Error, ErrorCode, Result};
use crate::http::{HttpRequest, HttpResponse};
use serde_json::Value;
use std::rc::Rc;

/// The program around a client. It sends requests, waits, and keeps a few numbers between calls. A clone is the same
/// host. Every future must end soon after the caller has aborted the call.
pub trait Host: Clone + 'static {
    /// A stream of server-sent events.
    type Events: Events + 'static;

    /// Sends a request of the operation, then reads the whole answer or opens its stream. `timeout_ms` is the time
    /// limit for both, in milliseconds.
    fn send(
        &self,
        request: HttpRequest,
        operation: &Operation,
        timeout_ms: f64,
    ) -> impl Future<Output = std::result::Result<Answer<Self::Events>, Outage>>;

    /// The credential; a different one than `refused`, which the server did not accept.
    fn authorize(&self, refused: Option<String>, timeout_ms: f64) -> impl Future<Output = Result<String>>;

    /// Whether another attempt is useful after a failure; `None` if the caller leaves that to the default rule.
    fn judge(&self, error: &Error, attempt: u32) -> Option<bool>;

    /// Waits for this many milliseconds. The result is `false` if the call was aborted meanwhile.
    fn sleep(&self, ms: f64) -> impl Future<Output = bool>;

    /// Runs a future concurrently.
    fn spawn(&self, future: impl Future<Output = ()> + 'static);

    /// Receives tasks of a run in the form of [`task_results`](super::task_results), in several parts. They come before
    /// the tasks in the result.
    fn part(&self, run_id: &str, is_first: bool, tasks: &Value);

    /// The time in milliseconds, by a clock that does not go back.
    fn now(&self) -> f64;

    /// A random number in `0..1`.
    fn random(&self) -> f64;

    /// The circuit breaker of the client; at first [`Circuit::default`].
    fn circuit(&self) -> Circuit;

    /// Keeps the circuit breaker.
    fn set_circuit(&self, circuit: Circuit);

    /// What the server offers; at first [`Offers::default`].
    fn offers(&self) -> Offers;

    /// Keeps what the server offers.
    fn set_offers(&self, offers: Offers);
}

/// An open stream of server-sent events.
pub trait Events {
    /// The data of the next event; `None` at the end of the stream.
    fn next(&self) -> impl Future<Output = Option<String>>;
}

/// A response, and its events if it is a stream.
#[derive(Debug)]
pub struct Answer<E> {
    /// The response.
    pub response: HttpResponse,
    /// The stream.
    pub events: Option<E>,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq)]
pub enum Outage {
    /// The caller aborted the call.
    Aborted,
    /// The request failed.
    Failed(NetworkFailure),
}

/// The requests of one call to a client.
#[derive(Debug)]
pub struct Session<'a, H> {
    /// The host.
    pub host: &'a H,
    /// The settings of the client.
    pub config: Rc<ClientConfig>,
    /// The time at which all requests must have ended, by the clock of the host.
    pub deadline: Option<f64>,
}

impl<H: Host> Transport for Session<'_, H> {
    async fn perform(&self, operation: Operation) -> Result<Value> {
        let limit = self.deadline.map(|deadline| (deadline - self.host.now()).max(0.0));
        let call = Call::new(self.config.clone(), operation.within(limit));
        perform(self.host, call).await.map(|(data, _)| data)
    }

    fn part(&self, run_id: &str, is_first: bool, tasks: &Value) {
        self.host.part(run_id, is_first, tasks);
    }
}

/// Carries out a call: its data, and its events if the answer is a stream.
///
/// # Errors
///
/// The error of the call; `ABORTED` if the caller aborted it.
pub async fn perform<H: Host>(host: &H, mut call: Call) -> Result<(Value, Option<H::Events>)> {
    let mut events = None;
    loop {
        match with_circuit(host, |circuit, now| call.next_action(now, circuit)) {
            Action::Done(outcome) => return outcome.map(|data| (data, events)),
            Action::Sleep(ms) => {
                if !host.sleep(ms).await {
                    return Err(aborted());
                }
            }
            Action::Judge(error, attempt) => call.judged(host.judge(&error, attempt)),
            Action::Authorize(refused, timeout) => call.authorized(host.authorize(refused, timeout).await),
            Action::Send(request, timeout) => {
                let sent = host.send(request, call.operation(), timeout).await;
                let random = host.random();
                match sent {
                    Ok(answer) => {
                        events = answer.events;
                        with_circuit(host, |circuit, now| {
                            call.received(&answer.response, now, random, circuit);
                        });
                    }
                    Err(Outage::Aborted) => return Err(aborted()),
                    Err(Outage::Failed(failure)) => {
                        with_circuit(host, |circuit, now| call.lost(&failure, now, random, circuit));
                    }
                }
            }
        }
    }
}

/// The error of an aborted call.
#[must_use]
pub fn aborted() -> Error {
    Error::new(ErrorCode::Aborted, "the operation was aborted")
}

fn with_circuit<H: Host, T>(host: &H, use_it: impl FnOnce(&mut Circuit, f64) -> T) -> T {
    let mut circuit = host.circuit();
    let before = circuit;
    let given = use_it(&mut circuit, host.now());
    if circuit != before {
        host.set_circuit(circuit);
    }
    given
}
