//! One operation, sent until it succeeds, is refused, or its attempts are used up. Sans-IO: the host sends and
//! sleeps as told and reports what came of it.

use super::config::usable;
use super::response::read;
use super::{Circuit, ClientConfig, Credential, HttpRequest, HttpResponse, Operation};
use crate::error::{Error, ErrorCode, Result};
use crate::number::{digits, to_f64};
use serde_json::Value;

/// What the host does next.
#[derive(Clone, Debug)]
pub enum Action {
    /// Get the credential and report it; with the one that the server has just refused.
    Authorize(Option<String>),
    /// Send the request and report the outcome, within this many milliseconds.
    Send(HttpRequest, f64),
    /// Ask the caller whether this failure, of the attempt of this number, is worth another one, and report the answer.
    Judge(Error, u32),
    /// Wait for this many milliseconds, then ask again.
    Sleep(f64),
    /// Nothing more.
    Done(Result<Value>),
}

/// Why there is no response to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkFailure {
    /// The request took longer than its limit.
    TimedOut,
    /// The server was not reached, or the connection broke; with the host's words for it.
    Broken(String),
    /// The body is larger than what the host takes, in bytes.
    TooLarge(u64),
    /// The body is not the text it should be.
    NotText,
}

/// Redirects that are followed; all of them within the endpoint's own origin.
const MOST_REDIRECTS: u32 = 5;

/// One operation under way. Times are milliseconds of any clock that does not go back.
#[derive(Debug)]
pub struct Call {
    config: ClientConfig,
    operation: Operation,
    /// When the first request was sent.
    began: Option<f64>,
    /// What the latest request was given, in milliseconds.
    limit: f64,
    failed: u32,
    credential: Option<String>,
    /// What the server refused, until another credential was asked for.
    refused: Option<String>,
    is_renewed: bool,
    redirects: u32,
    /// Where a redirect led.
    url: Option<String>,
    next: Next,
}

/// What comes next.
#[derive(Debug)]
enum Next {
    /// To send a request.
    Send,
    /// To hear what the caller thinks of a failure; with the random number of its delay.
    Judge(Error, f64),
    /// To wait after a failure for so many milliseconds.
    Wait(Error, f64),
    /// To send a request after a failure.
    Repeat(Error),
    /// Nothing.
    End(Result<Value>),
}

impl Call {
    /// An operation that has not been sent.
    pub fn new(config: ClientConfig, operation: Operation) -> Self {
        Self {
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

    /// The same with a single attempt, whatever the policy says.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.config.retry.attempts = 1;
        self
    }

    /// The operation.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// What to do at `now`.
    pub fn next_action(&mut self, now: f64, circuit: &mut Circuit) -> Action {
        let began = *self.began.get_or_insert(now);
        let left = self.operation.limit_ms.map_or(f64::INFINITY, |limit| began + limit - now);
        match std::mem::replace(&mut self.next, Next::Send) {
            Next::End(outcome) => Action::Done(outcome.map_err(|error| self.without_credentials(error))),
            Next::Judge(error, random) => {
                let shown = self.without_credentials(error.clone());
                self.next = Next::Judge(error, random);
                Action::Judge(shown, self.failed)
            }
            Next::Wait(error, delay) => {
                let latest = began + self.config.retry.total_ms;
                if now + delay > latest || delay >= left {
                    return Action::Done(Err(self.without_credentials(error)));
                }
                self.next = Next::Repeat(error);
                Action::Sleep(delay)
            }
            Next::Repeat(error) => self.send(now, left, circuit, Some(error)),
            Next::Send => self.send(now, left, circuit, None),
        }
    }

    /// A request, or what stands in its way; `failure` is that of the attempt before.
    fn send(&mut self, now: f64, left: f64, circuit: &mut Circuit, failure: Option<Error>) -> Action {
        let credential = match (&self.config.credential, &self.credential) {
            (Credential::None, _) => None,
            (Credential::Key(key), _) | (Credential::Asked, Some(key)) => Some(key.as_str()),
            (Credential::Asked, None) => {
                self.next = failure.map_or(Next::Send, Next::Repeat);
                return Action::Authorize(self.refused.clone());
            }
        };
        let wait = self.config.circuit.as_ref().and_then(|policy| circuit.wait(policy, now));
        if let Some(wait) = wait {
            let endpoint = self.config.endpoint.as_str();
            let error = failure.unwrap_or_else(|| circuit.error(endpoint, wait));
            return Action::Done(Err(self.without_credentials(error)));
        }
        let whole = if self.operation.repeatable { f64::INFINITY } else { left };
        self.limit = if whole.is_finite() { whole } else { self.config.request_timeout_ms.min(left) };
        let request = self.operation.to_request(&self.config, credential, self.url.as_deref());
        Action::Send(request, self.limit.max(1.0))
    }

    /// Takes the credential that was asked for.
    pub fn authorized(&mut self, credential: Result<String>) {
        match credential.and_then(|text| usable(&text)) {
            Ok(credential) => self.credential = Some(credential),
            Err(error) => self.next = Next::End(Err(error)),
        }
    }

    /// Takes what the caller thinks of a failure: whether another attempt may help, or `None` for the usual view.
    pub fn judged(&mut self, is_worth_it: Option<bool>) {
        if let Next::Judge(error, random) = std::mem::replace(&mut self.next, Next::Send) {
            let is_worth_it = is_worth_it.unwrap_or_else(|| is_passing(&error));
            self.next = self.after(error, random, is_worth_it);
        }
    }

    /// Takes a response at `now`. `random` in `0..1`.
    pub fn received(&mut self, response: &HttpResponse, now: f64, random: f64, circuit: &mut Circuit) {
        match read(response, self.operation.expects, &self.operation.method) {
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
                    // Nothing was done, so the request may be sent again, whatever it is.
                    self.is_renewed = true;
                    self.refused = self.credential.take();
                    self.next = Next::Send;
                } else {
                    self.next = self.failed(error, random);
                }
            }
        }
    }

    /// Takes the news, at `now`, that there is no response. `random` in `0..1`.
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

    /// Follows a redirect within the endpoint's origin, with everything that the request has.
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
        let policy = &self.config.retry;
        if policy.is_judged && self.operation.repeatable && self.failed < policy.attempts {
            return Next::Judge(error, random);
        }
        self.after(error, random, is_passing)
    }

    /// What follows a failure.
    fn after(&self, error: Error, random: f64, is_worth_it: bool) -> Next {
        let delay = self.config.retry.delay_ms(self.failed, random);
        match delay.filter(|_| is_worth_it && self.operation.repeatable) {
            // Never sooner than the server asks for; a call that has no time for that ends here.
            Some(delay) => {
                let asked = error.details().get("retryAfter").and_then(to_f64).unwrap_or_default();
                Next::Wait(error, delay.max(asked * 1_000.0))
            }
            None => Next::End(Err(error)),
        }
    }

    /// Servers repeat what they were sent, and an error shows what a server says.
    fn without_credentials(&self, error: Error) -> Error {
        let key = match &self.config.credential {
            Credential::Key(key) => Some(key),
            _ => self.credential.as_ref(),
        };
        key.into_iter().chain(&self.refused).fold(error, |error, secret| error.without(secret))
    }
}

/// Whether a failure may be gone at the next attempt.
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
mod tests {
    use super::*;
    use crate::api::{CircuitPolicy, RetryPolicy};
    use serde_json::json;

    /// A call with its circuit, at moments that a test chooses.
    struct Line(Call, Circuit);

    impl Line {
        fn new(config: ClientConfig, operation: Operation) -> Self {
            Self(Call::new(config, operation), Circuit::default())
        }

        fn next(&mut self, now: f64) -> Action {
            self.0.next_action(now, &mut self.1)
        }

        fn sent(&mut self, now: f64) -> HttpRequest {
            match self.next(now) {
                Action::Send(request, _) => request,
                other => panic!("{other:?}"),
            }
        }

        fn slept(&mut self, now: f64) -> f64 {
            match self.next(now) {
                Action::Sleep(delay) => delay,
                other => panic!("{other:?}"),
            }
        }

        fn error(&mut self, now: f64) -> Error {
            match self.next(now) {
                Action::Done(Err(error)) => error,
                other => panic!("{other:?}"),
            }
        }

        fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: &str) {
            let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let response = HttpResponse { status, headers, body: body.into() };
            self.0.received(&response, 0.0, 1.0, &mut self.1);
        }

        fn lose(&mut self, failure: &NetworkFailure) {
            self.0.lost(failure, 0.0, 0.0, &mut self.1);
        }
    }

    fn config() -> ClientConfig {
        ClientConfig::new("http://h", "k").unwrap()
    }

    fn submission() -> Operation {
        Operation::submit(json!({}), "key-1")
    }

    fn signal() -> Operation {
        Operation::read(&json!({"method": "POST", "path": "workflows/r/signals", "body": {}})).unwrap()
    }

    #[test]
    fn repeats_with_the_same_key_until_it_succeeds() {
        let mut line = Line::new(config(), submission());
        let first = line.sent(0.0);
        assert_eq!(first.header("x-idempotency-key"), Some("key-1"));
        line.answer(503, &[], "");
        assert_eq!(line.slept(0.0), 250.0);
        assert_eq!(line.sent(0.0), first);
        line.lose(&NetworkFailure::Broken("ECONNRESET".into()));
        assert_eq!(line.slept(0.0), 250.0);
        assert_eq!(line.sent(0.0), first);
        line.answer(201, &[], "{\"a\":1}");
        assert!(matches!(line.next(0.0), Action::Done(Ok(value)) if value == json!({"a": 1})));
    }

    #[test]
    fn gives_up_after_its_attempts() {
        let mut line = Line::new(config(), submission());
        loop {
            match line.next(0.0) {
                Action::Send(..) => line.lose(&NetworkFailure::TimedOut),
                Action::Sleep(_) => {}
                Action::Done(outcome) => {
                    let error = outcome.unwrap_err();
                    assert_eq!(error.code(), ErrorCode::RequestTimeout);
                    assert_eq!(error.details()["attempts"], 4);
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_is_final_and_so_is_a_failure_that_must_not_be_repeated() {
        let mut line = Line::new(config(), submission());
        line.sent(0.0);
        line.answer(401, &[], "");
        assert_eq!(line.error(0.0).code(), ErrorCode::ApiUnauthorized);
        for status in [429, 500, 503] {
            let mut line = Line::new(config(), signal());
            line.sent(0.0);
            line.answer(status, &[("retry-after", "0")], "");
            line.error(0.0);
        }
        let mut line = Line::new(config(), submission());
        line.sent(0.0);
        line.lose(&NetworkFailure::TooLarge(100));
        assert_eq!(line.error(0.0).code(), ErrorCode::ApiResponseTooLarge);
    }

    #[test]
    fn waits_as_long_as_the_server_asks_for_or_ends() {
        let mut line = Line::new(config(), submission());
        line.sent(0.0);
        line.answer(429, &[("retry-after", "9")], "");
        assert_eq!(line.slept(0.0), 9_000.0);
        line.sent(9_000.0);
        line.answer(429, &[("retry-after", "600")], "");
        let error = line.error(9_000.0);
        assert_eq!((error.code(), &error.details()["retryAfter"]), (ErrorCode::ApiRateLimited, &json!(600)));
    }

    #[test]
    fn begins_no_attempt_after_its_total_time() {
        let retry = RetryPolicy { attempts: 99, total_ms: 300.0, ..RetryPolicy::default() };
        let mut line = Line::new(ClientConfig { retry, ..config() }, submission());
        line.sent(0.0);
        line.answer(503, &[], "");
        assert_eq!(line.slept(10.0), 250.0);
        line.sent(260.0);
        line.answer(503, &[], "");
        assert_eq!(line.error(260.0).details()["attempts"], 2);
    }

    #[test]
    fn a_limit_of_the_call_bounds_its_requests_and_its_waits() {
        let mut line = Line::new(config(), submission().within(Some(300.0)));
        assert!(matches!(line.next(0.0), Action::Send(_, limit) if limit == 300.0));
        line.lose(&NetworkFailure::TimedOut);
        assert_eq!(line.slept(100.0), 125.0);
        assert!(matches!(line.next(225.0), Action::Send(_, limit) if limit == 75.0));
        line.lose(&NetworkFailure::TimedOut);
        assert_eq!(line.error(300.0).code(), ErrorCode::RequestTimeout);
        // What is sent once only may use all of it, longer than one request is usually given.
        let mut line = Line::new(config(), signal().within(Some(65_000.0)));
        assert!(matches!(line.next(0.0), Action::Send(_, limit) if limit == 65_000.0));
    }

    #[test]
    fn the_caller_judges_failures_but_only_of_what_may_be_repeated() {
        let retry = RetryPolicy { is_judged: true, ..RetryPolicy::default() };
        let config = ClientConfig { retry, ..config() };
        let mut line = Line::new(config.clone(), submission());
        line.sent(0.0);
        line.answer(409, &[], "");
        assert!(matches!(line.next(0.0), Action::Judge(error, 1) if error.code() == ErrorCode::ApiConflict));
        line.0.judged(Some(true));
        line.slept(0.0);
        line.sent(0.0);
        line.answer(503, &[], "");
        assert!(matches!(line.next(0.0), Action::Judge(_, 2)));
        line.0.judged(Some(false));
        assert_eq!(line.error(0.0).code(), ErrorCode::ApiServerError);
        let mut line = Line::new(config, signal());
        line.sent(0.0);
        line.answer(503, &[], "");
        line.error(0.0);
    }

    #[test]
    fn another_credential_is_asked_for_once() {
        let config = ClientConfig { credential: Credential::Asked, ..config() };
        let mut line = Line::new(config, signal());
        assert!(matches!(line.next(0.0), Action::Authorize(None)));
        line.0.authorized(Ok("old".into()));
        assert_eq!(line.sent(0.0).header("authorization"), Some("Bearer old"));
        line.answer(401, &[], "");
        assert!(matches!(line.next(0.0), Action::Authorize(Some(old)) if old == "old"));
        line.0.authorized(Ok("new".into()));
        assert_eq!(line.sent(0.0).header("authorization"), Some("Bearer new"));
        line.answer(401, &[], r#"{"message": "neither old nor new"}"#);
        let error = line.error(0.0);
        assert_eq!(error.code(), ErrorCode::ApiUnauthorized);
        assert_eq!(error.message(), "the server answered 401: neither [API key] nor [API key]");
        let mut line = Line::new(ClientConfig { credential: Credential::Asked, ..self::config() }, signal());
        line.next(0.0);
        line.0.authorized(Ok("a b".into()));
        assert_eq!(line.error(0.0).code(), ErrorCode::OptionInvalid);
    }

    #[test]
    fn redirects_are_followed_within_the_origin_only() {
        let get = || Operation::get_run("r").unwrap();
        let mut line = Line::new(config(), get());
        line.sent(0.0);
        line.answer(301, &[("location", "http://h/elsewhere")], "");
        let request = line.sent(0.0);
        assert_eq!(
            (request.url.as_str(), request.header("authorization")),
            ("http://h/elsewhere", Some("Bearer k"))
        );
        for (operation, status, location) in [
            (get(), 302, "http://evil/api/v1/workflows/r"),
            (get(), 302, "https://h/api/v1/workflows/r"),
            (submission(), 302, "http://h/x"),
            (submission(), 307, "http://evil/x"),
            (get(), 302, ""),
        ] {
            let mut line = Line::new(config(), operation);
            line.sent(0.0);
            line.answer(status, &[("location", location)], "");
            assert_eq!(line.error(0.0).code(), ErrorCode::ApiRedirected, "{location}");
        }
        let mut line = Line::new(config(), submission());
        let first = line.sent(0.0);
        line.answer(308, &[("location", "http://h/x")], "");
        let second = line.sent(0.0);
        assert_eq!((second.body, second.headers), (first.body, first.headers));
        let mut line = Line::new(config(), get());
        for _ in 0..=MOST_REDIRECTS {
            line.sent(0.0);
            line.answer(302, &[("location", "http://h/again")], "");
        }
        assert!(line.error(0.0).help().unwrap().contains("circle"));
    }

    #[test]
    fn an_open_circuit_says_so_and_lets_one_request_through() {
        let circuit = Some(CircuitPolicy { failures: 3, open_ms: 5_000.0 });
        let config = ClientConfig { circuit, ..config() };
        let mut line = Line::new(config.clone(), submission());
        for _ in 0..3 {
            line.sent(0.0);
            line.answer(502, &[], "");
            line.slept(0.0);
        }
        // The call ends with what it saw; others are told at once.
        assert_eq!(line.error(0.0).code(), ErrorCode::ApiServerError);
        line.0 = Call::new(config.clone(), submission());
        let error = line.error(1_000.0);
        assert_eq!((error.code(), &error.details()["retryAfter"]), (ErrorCode::ApiCircuitOpen, &json!(4)));
        line.0 = Call::new(config.clone(), submission());
        line.sent(5_000.0);
        line.answer(404, &[], "");
        line.0 = Call::new(config, submission());
        line.sent(5_000.0);
    }

    #[test]
    fn an_error_does_not_repeat_the_key() {
        let config = ClientConfig::new("http://h", r#"hw_k1_"secret\"#).unwrap();
        let mut line = Line::new(config, Operation::get_run("r").unwrap());
        let body = json!({
            "message": r#"no such key: hw_k1_"secret\"#,
            "details": {r#"hw_k1_"secret\"#: [r#"hw_k1_"secret\"#]},
        });
        line.sent(0.0);
        line.answer(401, &[], &body.to_string());
        let error = line.error(0.0);
        assert_eq!(error.message(), "the server answered 401: no such key: [API key]");
        assert!(!format!("{error:?}").contains("secret"));
    }
}
