//! What a client needs of the program around it, and how a call is carried out with that.

use super::{Action, Call, Circuit, ClientConfig, NetworkFailure, Operation};
use super::{Offers, Transport};
use crate::error::{Error, ErrorCode, Result};
use crate::http::{HttpRequest, HttpResponse};
use serde_json::Value;
use std::rc::Rc;

/// The program around a client: it sends requests, waits, and keeps a few numbers from call to call. A clone is the same
/// host. Each future ends soon after the caller has given the call up.
pub trait Host: Clone + 'static {
    /// A stream of server-sent events.
    type Events: Events + 'static;

    /// Sends a request of the operation and reads the answer to its end, or opens the stream that it is. `timeout_ms` is
    /// the time for all of that, in milliseconds.
    fn send(
        &self,
        request: HttpRequest,
        operation: &Operation,
        timeout_ms: f64,
    ) -> impl Future<Output = std::result::Result<Answer<Self::Events>, Outage>>;

    /// The credential; another one than `refused`, which the server does not take.
    fn authorize(&self, refused: Option<String>, timeout_ms: f64) -> impl Future<Output = Result<String>>;

    /// Whether a failure is worth another attempt, where the caller wants to decide that.
    fn judge(&self, error: &Error, attempt: u32) -> Option<bool>;

    /// Waits; `false` where the call was given up meanwhile.
    fn sleep(&self, ms: f64) -> impl Future<Output = bool>;

    /// Carries a future out beside everything else.
    fn spawn(&self, future: impl Future<Output = ()> + 'static);

    /// Takes some of the tasks of a run, as [`task_results`](super::task_results): the first of them, or some more. They come before those of the
    /// result.
    fn part(&self, run_id: &str, is_first: bool, tasks: &Value);

    /// Milliseconds of a clock that does not go back.
    fn now(&self) -> f64;

    /// A number in `0..1`.
    fn random(&self) -> f64;

    /// How the server has fared lately; at first as [`Circuit::default`].
    fn circuit(&self) -> Circuit;

    /// Keeps that.
    fn set_circuit(&self, circuit: Circuit);

    /// What the server was found to offer; at first as [`Offers::default`].
    fn offers(&self) -> Offers;

    /// Keeps that.
    fn set_offers(&self, offers: Offers);
}

/// An open stream of server-sent events.
pub trait Events {
    /// The data of the next event; nothing when the stream is over.
    fn next(&self) -> impl Future<Output = Option<String>>;
}

/// A response, and its events where it is a stream.
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
    /// The caller gave the call up.
    Aborted,
    /// The request failed.
    Failed(NetworkFailure),
}

/// The requests of one call, through a host.
#[derive(Debug)]
pub struct Session<'a, H> {
    /// The host.
    pub host: &'a H,
    /// The settings of the client.
    pub config: Rc<ClientConfig>,
    /// When all of them have to be over, in the host's time.
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

/// Carries a call to its end: its data, and the events where the answer is a stream.
///
/// # Errors
///
/// What the call ends with; `ABORTED` where the caller gave it up.
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

/// The error of a call that was given up.
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
