//! One operation: it is sent until it succeeds, is refused, or has no attempts left. Without IO: the host carries out
//! each [`Action`] and reports the result.

use super::config::usable;
use super::response::read;
use super::{Circuit, ClientConfig, Credential, Operation};
use crate::error::{Error, ErrorCode, Result};
use crate::http::{HttpRequest, HttpResponse};
use crate::json::number::{digits, to_f64};
use serde_json::Value;
use std::rc::Rc;

/// What the host must do next.
#[derive(Clone, Debug)]
pub enum Action {
    /// Get the credential within this many milliseconds, and report it. The text is the credential that the server has
    /// just refused.
    Authorize(Option<String>, f64),
    /// Send the request within this many milliseconds, and report the outcome.
    Send(HttpRequest, f64),
    /// Ask the caller whether another attempt is useful after this failure of the attempt with this number, and report
    /// the answer.
    Judge(Error, u32),
    /// Wait for this many milliseconds, then ask for the next action.
    Sleep(f64),
    /// Nothing: the operation has ended.
    Done(Result<Value>),
}

/// Why there is no response to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkFailure {
    /// The request took longer than its limit.
    TimedOut,
    /// The server was not reached, or the connection broke. The text is the host's message.
    Broken(String),
    /// The body is larger than this many bytes, the host's limit.
    TooLarge(u64),
    /// The body is not valid UTF-8.
    NotText,
}

/// The most redirects that are followed. All of them must stay within the endpoint's own origin.
const MOST_REDIRECTS: u32 = 5;

/// One operation while it is carried out. Times are milliseconds of any clock that does not go back.
#[derive(Debug)]
pub struct Call {
    config: Rc<ClientConfig>,
    /// The most attempts.
    attempts: u32,
    operation: Operation,
    /// When the first request was sent.
    began: Option<f64>,
    /// Time limit of the latest request, in milliseconds.
    limit: f64,
    failed: u32,
    credential: Option<String>,
    /// The credential that the server refused, until a new one is requested.
    refused: Option<String>,
    is_renewed: bool,
    redirects: u32,
    /// The URL of the latest redirect.
    url: Option<String>,
    next: Next,
}

/// The next action, without its data.
#[derive(Debug)]
enum Next {
    /// Send a request.
    Send,
    /// Ask the caller about a failure. The number is the random number for the delay.
    Judge(Error, f64),
    /// Wait for this many milliseconds after a failure.
    Wait(Error, f64),
    /// Send a request after a failure.
    Repeat(Error),
    /// End.
    End(Result<Value>),
}

impl Call {
    /// An operation that is not sent yet.
    pub fn new(config: impl Into<Rc<ClientConfig>>, operation: Operation) -> Self {
        let config = config.into();
        Self {
            attempts: config.retry.attempts,
            config,
            operation,
            began: None,
            limit: 0.0,
            failed: 0,
            credential: None,
            refused: None,
            is_renewed: false,
            redirects: 0,
            url: None,
            next: Next::Send,
        }
    }

    /// The call with a single attempt, whatever the policy says.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.attempts = 1;
        self
    }

    /// The operation.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The next action at the time `now`.
    pub fn next_action(&mut self, now: f64, circuit: &mut Circuit) -> Action {
        let began = *self.began.get_or_insert(now);
        let left = self.operation.limit_ms.map_or(f64::INFINITY, |limit| began + limit - now);
        match std::mem::replace(&mut self.next, Next::Send) {
            Next::End(outcome) => Action::Done(outcome),
            Next::Judge(error, random) => {
                self.next = Next::Judge(error.clone(), random);
                Action::Judge(error, self.failed)
            }
            Next::Wait(error, delay) => {
                let latest = began + self.config.retry.total_ms;
                if now + delay > latest || delay >= left {
                    return Action::Done(Err(error));
                }
                self.next = Next::Repeat(error);
                Action::Sleep(delay)
            }
            Next::Repeat(error) => self.send(now, left, circuit, Some(error)),
            Next::Send => self.send(now, left, circuit, None),
        }
    }

    /// The action that sends a request, or the one that its circuit breaker, its deadline or its credential makes
    /// necessary first. `failure` is the failure of the attempt before.
    fn send(&mut self, now: f64, left: f64, circuit: &mut Circuit, failure: Option<Error>) -> Action {
        let credential = match (&self.config.credential, &self.credential) {
            (Credential::None, _) => None,
            (Credential::Key(key), _) | (Credential::Asked, Some(key)) => Some(key.as_str()),
            (Credential::Asked, None) => {
                self.next = failure.map_or(Next::Send, Next::Repeat);
                let limit = self.config.request_timeout_ms.min(left);
                return Action::Authorize(self.refused.clone(), limit.max(1.0));
            }
        };
        let wait = self.config.circuit.as_ref().and_then(|policy| circuit.wait(policy, now));
        if let Some(wait) = wait {
            let endpoint = self.config.endpoint.as_str();
            let error = failure.unwrap_or_else(|| circuit.error(endpoint, wait));
            return Action::Done(Err(error));
        }
        let whole = if self.operation.repeatable { f64::INFINITY } else { left };
        self.limit = self.config.request_timeout_ms.min(left);
        if whole.is_finite() {
            self.limit = whole;
        }
        self.limit = self.limit.max(1.0);
        let request = self.operation.to_request(&self.config, credential, self.url.as_deref());
        Action::Send(request, self.limit)
    }

    /// Reports the credential.
    pub fn authorized(&mut self, credential: Result<String>) {
        match credential.and_then(|text| usable(&text)) {
            Ok(credential) => self.credential = Some(credential),
            Err(error) => self.next = Next::End(Err(error)),
        }
    }

    /// Reports the caller's opinion of a failure: whether another attempt is useful, or `None` for the default rule.
    pub fn judged(&mut self, is_worth_it: Option<bool>) {
        if let Next::Judge(error, random) = std::mem::replace(&mut self.next, Next::Send) {
            let is_worth_it = is_worth_it.unwrap_or_else(|| is_passing(&error));
            self.next = self.after(error, random, is_worth_it);
        }
    }

    /// Reports a response at the time `now`. `random` is in `0..1`.
    pub fn received(&mut self, response: &HttpResponse, now: f64, random: f64, circuit: &mut Circuit) {
        let (expects, method) = (self.operation.expects, self.operation.method.as_str());
        match read(response, expects, method) {
            Ok(data) => {
                circuit.succeeded();
                self.next = Next::End(Ok(data));
            }
            Err(error) if error.code() == ErrorCode::ApiRedirected => {
                circuit.succeeded();
                self.next = self.redirected(response, error);
            }
            Err(error) => {
                match (&self.config.circuit, error.code()) {
                    (Some(policy), ErrorCode::ApiServerError) => circuit.failed(policy, now),
                    _ => circuit.succeeded(),
                }
                let is_refused = error.code() == ErrorCode::ApiUnauthorized;
                if is_refused && self.config.credential == Credential::Asked && !self.is_renewed {
                    // The server did nothing, so any request may be sent again.
                    self.is_renewed = true;
                    self.refused = self.credential.take();
                    self.next = Next::Send;
                } else {
                    self.next = self.failed(error, random);
                }
            }
        }
    }

    /// Reports at the time `now` that there is no response. `random` is in `0..1`.
    pub fn lost(&mut self, failure: &NetworkFailure, now: f64, random: f64, circuit: &mut Circuit) {
        let endpoint = self.config.endpoint.as_str();
        let (code, message, help) = match failure {
            NetworkFailure::TimedOut => {
                let limit = digits(self.limit.round());
                (ErrorCode::RequestTimeout, format!("`{endpoint}` did not answer within {limit} ms"), "")
            }
            NetworkFailure::Broken(reason) => (
                ErrorCode::ApiUnreachable,
                format!("`{endpoint}` could not be reached: {reason}"),
                "check the endpoint and the network; in a page, also that the server allows its origin (CORS)",
            ),
            NetworkFailure::TooLarge(limit) => (
                ErrorCode::ApiResponseTooLarge,
                format!("the answer of `{endpoint}` is larger than {limit} bytes"),
                "ask for less, or raise `maxResponseSize`",
            ),
            NetworkFailure::NotText => (
                ErrorCode::ApiResponseInvalid,
                format!("the answer of `{endpoint}` is not text in UTF-8"),
                "",
            ),
        };
        let error = Error::new(code, message);
        let error = if help.is_empty() { error } else { error.with_help(help) };
        match &self.config.circuit {
            Some(policy) if is_passing(&error) => circuit.failed(policy, now),
            _ => circuit.succeeded(),
        }
        self.next = self.failed(error, random);
    }

    /// Follows a redirect within the endpoint's origin, with the whole request.
    fn redirected(&mut self, response: &HttpResponse, error: Error) -> Next {
        let keeps_method = matches!(response.status, 307 | 308) || self.operation.method == "GET";
        let target = response.header("location").filter(|url| self.config.endpoint.is_origin_of(url));
        match target {
            Some(url) if keeps_method && self.redirects < MOST_REDIRECTS => {
                self.redirects += 1;
                self.url = Some(url.to_owned());
                Next::Send
            }
            Some(_) if keeps_method => Next::End(Err(error.with_help("the server redirects in a circle"))),
            _ => Next::End(Err(error)),
        }
    }

    fn failed(&mut self, error: Error, random: f64) -> Next {
        self.failed += 1;
        let is_passing = is_passing(&error);
        let error =
            if self.failed > 1 || is_passing { error.with_detail("attempts", self.failed) } else { error };
        if self.config.retry.is_judged && self.operation.repeatable && self.failed < self.attempts {
            return Next::Judge(error, random);
        }
        self.after(error, random, is_passing)
    }

    /// The action after a failure.
    fn after(&self, error: Error, random: f64, is_worth_it: bool) -> Next {
        if !(is_worth_it && self.operation.repeatable && self.failed < self.attempts) {
            return Next::End(Err(error));
        }
        // The wait is never shorter than the server asks for. A call without time for it ends here.
        let delay = self.config.retry.delay_ms(self.failed, random).max(pause_ms(&error));
        Next::Wait(error, delay)
    }
}

/// How long the server asks to wait, in milliseconds; 0 if it does not ask.
pub(super) fn pause_ms(error: &Error) -> f64 {
    error.details().get("retryAfter").and_then(to_f64).unwrap_or_default() * 1_000.0
}

/// Whether another attempt may not have the failure.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::ApiServerError
            | ErrorCode::ApiUnreachable
            | ErrorCode::ApiRateLimited
            | ErrorCode::RequestTimeout
    )
}

#[cfg(test)]
mod tests;
