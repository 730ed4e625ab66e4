//! One operation, sent until it succeeds, is refused, or its attempts are used up. Sans-IO: the host sends and
//! sleeps as told and reports what came of it.

use super::response::read;
use super::{ClientConfig, HttpRequest, HttpResponse, Operation};
use crate::error::{Error, ErrorCode, Result};
use crate::number::{clamp, digits, to_f64};
use serde_json::Value;

/// What the host does next.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send the request and report the outcome, within this many milliseconds.
    Send(HttpRequest, f64),
    /// Wait for this many milliseconds, then ask again.
    Sleep(f64),
    /// Nothing more.
    Done(Result<Value>),
}

/// Why no response arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkFailure {
    /// The request took longer than its limit.
    TimedOut,
    /// The server was not reached, or the connection broke; with the host's words for it.
    Broken(String),
}

/// Milliseconds that a request is given in any case, so that a look at the very deadline can still succeed.
const LAST_LOOK_MS: f64 = 250.0;

/// One operation under way. Times are milliseconds of any clock that does not go back.
#[derive(Debug)]
pub struct Call {
    config: ClientConfig,
    operation: Operation,
    deadline: f64,
    /// What the latest request was given, in milliseconds.
    limit: f64,
    failed: u32,
    pending: Option<(f64, Error)>,
    outcome: Option<Result<Value>>,
}

impl Call {
    /// An operation that has not been sent.
    pub fn new(config: ClientConfig, operation: Operation) -> Self {
        Self {
            config,
            operation,
            deadline: f64::INFINITY,
            limit: 0.0,
            failed: 0,
            pending: None,
            outcome: None,
        }
    }

    /// The same, with no attempt that would begin after `deadline`.
    #[must_use]
    pub fn until(mut self, deadline: f64) -> Self {
        self.deadline = deadline;
        self
    }

    /// What to do at `now`.
    pub fn next_action(&mut self, now: f64) -> Action {
        if let Some(outcome) = self.outcome.take() {
            return Action::Done(outcome);
        }
        match self.pending.take() {
            Some((delay, error)) if now + delay > self.deadline => Action::Done(Err(error)),
            Some((delay, _)) => Action::Sleep(delay),
            None => {
                self.limit = self.config.request_timeout_ms.min((self.deadline - now).max(LAST_LOOK_MS));
                Action::Send(self.operation.to_request(&self.config), self.limit)
            }
        }
    }

    /// Takes a response. `random` in `0..1`.
    pub fn received(&mut self, response: &HttpResponse, random: f64) {
        match read(response) {
            Ok(data) => self.outcome = Some(Ok(data)),
            // A server may repeat what it was sent, and the error shows what the server says.
            Err(_) => match read(&self.without_credential(response)) {
                Err(error) if error.code() == ErrorCode::ApiServerError => self.failed(error, random),
                Err(error) if self.failed > 0 => {
                    self.outcome = Some(Err(error.with_detail("attempts", self.failed + 1)));
                }
                outcome => self.outcome = Some(outcome),
            },
        }
    }

    /// Takes the news that there is no response. `random` in `0..1`.
    pub fn lost(&mut self, failure: &NetworkFailure, random: f64) {
        let endpoint = self.config.endpoint.as_str();
        let error = match failure {
            NetworkFailure::TimedOut => {
                Error::new(ErrorCode::RequestTimeout, format!("`{endpoint}` did not answer within {} ms", digits(self.limit.round())))
            }
            NetworkFailure::Broken(reason) => {
                Error::new(ErrorCode::ApiUnreachable, format!("`{endpoint}` could not be reached: {reason}"))
                    .with_help("check the endpoint and the network; in a page, also that the server allows its origin (CORS)")
            }
        };
        self.failed(error, random);
    }

    fn failed(&mut self, error: Error, random: f64) {
        self.failed += 1;
        let error = error.with_detail("attempts", self.failed);
        let delay = self.config.retry.delay_ms(self.failed, random).filter(|_| self.operation.repeatable);
        match delay {
            Some(delay) => {
                let asked =
                    error.details().get("retryAfter").and_then(to_f64).map(|seconds| seconds * 1_000.0);
                let longest = self.config.retry.max_ms.max(delay);
                self.pending = Some((asked.map_or(delay, |asked| clamp(asked, delay, longest)), error));
            }
            None => self.outcome = Some(Err(error)),
        }
    }

    fn without_credential(&self, response: &HttpResponse) -> HttpResponse {
        let credential = &self.config.credential;
        if credential.is_empty() {
            return response.clone();
        }
        HttpResponse { body: response.body.replace(credential.as_str(), "[API key]"), ..response.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call() -> Call {
        Call::new(
            ClientConfig::new("http://h", "k").unwrap(),
            Operation::submit(json!({}), json!({}), "key-1"),
        )
    }

    fn sent(action: Action) -> HttpRequest {
        match action {
            Action::Send(request, _) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn repeats_with_the_same_key_until_it_succeeds() {
        let mut call = call();
        let first = sent(call.next_action(0.0));
        assert_eq!(first.header("x-idempotency-key"), Some("key-1"));
        call.received(&HttpResponse { status: 503, ..HttpResponse::default() }, 1.0);
        assert!(matches!(call.next_action(0.0), Action::Sleep(delay) if delay == 250.0));
        assert_eq!(sent(call.next_action(0.0)), first);
        call.lost(&NetworkFailure::Broken("ECONNRESET".into()), 0.0);
        assert!(matches!(call.next_action(0.0), Action::Sleep(delay) if delay == 250.0));
        assert_eq!(sent(call.next_action(0.0)), first);
        call.received(&HttpResponse { status: 201, headers: vec![], body: "{\"a\":1}".into() }, 0.0);
        assert!(matches!(call.next_action(0.0), Action::Done(Ok(value)) if value == json!({"a": 1})));
    }

    #[test]
    fn gives_up_after_its_attempts() {
        let mut call = call();
        loop {
            match call.next_action(0.0) {
                Action::Send(..) => call.lost(&NetworkFailure::TimedOut, 0.0),
                Action::Sleep(_) => {}
                Action::Done(outcome) => {
                    let error = outcome.unwrap_err();
                    assert_eq!(error.code(), ErrorCode::RequestTimeout);
                    assert_eq!(error.details()["attempts"], 4);
                    return;
                }
            }
        }
    }

    #[test]
    fn a_refusal_is_final() {
        let mut call = call();
        sent(call.next_action(0.0));
        call.received(&HttpResponse { status: 401, ..HttpResponse::default() }, 0.0);
        assert!(
            matches!(call.next_action(0.0), Action::Done(Err(error)) if error.code() == ErrorCode::ApiUnauthorized)
        );
    }

    #[test]
    fn begins_no_attempt_after_its_deadline() {
        let mut call = call().until(300.0);
        assert!(matches!(call.next_action(0.0), Action::Send(_, limit) if limit == 300.0));
        call.lost(&NetworkFailure::TimedOut, 1.0);
        assert!(
            matches!(call.next_action(100.0), Action::Done(Err(error)) if error.code() == ErrorCode::RequestTimeout)
        );
    }

    #[test]
    fn an_error_does_not_repeat_the_key() {
        let config = ClientConfig::new("http://h", "hw_k1_secret").unwrap();
        let mut call = Call::new(config, Operation::get_run("r"));
        let body = r#"{"message": "no such key: hw_k1_secret", "details": {"key": "hw_k1_secret"}}"#;
        call.received(&HttpResponse { status: 401, headers: vec![], body: body.into() }, 0.0);
        let Action::Done(Err(error)) = call.next_action(0.0) else { panic!("expected a refusal") };
        assert_eq!(error.message(), "the server answered 401: no such key: [API key]");
        assert!(!format!("{error:?}").contains("secret"));
    }
}
