//! One operation, with times and answers that a test chooses.

use super::*;
use crate::client::{CircuitPolicy, RetryPolicy};
use serde_json::json;

/// A call and its circuit.
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
    ClientConfig::new("http://h", "hw_k1_secret").unwrap()
}

fn submission() -> Operation {
    Operation::submit("{}".into(), "key-1")
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
    line.answer(201, &[], r#"{"run_id": "r"}"#);
    assert!(matches!(line.next(0.0), Action::Done(Ok(value)) if value == json!({"run_id": "r"})));
}

#[test]
fn a_good_answer_has_to_be_what_was_expected() {
    let operations = [
        (submission(), "the id of a run"),
        (Operation::get_run("r").unwrap(), "a run"),
        (Operation::list_runs(&json!({})), "a list of runs"),
        (Operation::get_steps("r", None).unwrap(), "the steps of a run"),
        (Operation::get_logs("r").unwrap(), "the logs of a run"),
    ];
    for (operation, expected) in operations {
        let mut line = Line::new(config(), operation);
        line.sent(0.0);
        line.answer(200, &[], r#"{"message": "down"}"#);
        let error = line.error(0.0);
        assert_eq!((error.code(), &error.details()["status"]), (ErrorCode::ApiResponseInvalid, &json!(200)));
        assert_eq!(error.message(), format!("the server sent something else where {expected} was expected"));
        assert_eq!(error.details()["body"], r#"{"message": "down"}"#);
    }
}

#[test]
fn no_part_of_a_key_is_shown_where_an_answer_is_cut() {
    let cut_off = format!("{}hw_k1_secret", "x".repeat(195));
    let title = format!("<title>{cut_off}</title>");
    for (status, headers, body) in [
        (200, vec![], cut_off.as_str()),
        (500, vec![], &cut_off),
        (502, vec![], &title),
        (302, vec![("location", "https://hw_k1_secret:x@login.example/")], ""),
    ] {
        let mut line = Line::new(config(), Operation::get_run("r").unwrap());
        line.0 = line.0.once();
        line.sent(0.0);
        line.answer(status, &headers, body);
        let shown = line.error(0.0).to_json().to_string().to_lowercase();
        assert!(!shown.contains("hw_k1_"), "{shown}");
    }
    // A word in place of a key is no secret, and may be part of other words.
    let mut line = Line::new(ClientConfig::new("http://h", "k").unwrap(), Operation::get_run("r").unwrap());
    line.sent(0.0);
    line.answer(404, &[], r#"{"message": "unknown"}"#);
    assert_eq!(line.error(0.0).message(), "the server answered 404: unknown");
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
    // A request without further attempts may use the whole limit, which is longer than the usual limit of a request.
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
    assert!(matches!(line.next(0.0), Action::Authorize(None, _)));
    line.0.authorized(Ok("old-token".into()));
    assert_eq!(line.sent(0.0).header("authorization"), Some("Bearer old-token"));
    line.answer(401, &[], "");
    assert!(matches!(line.next(0.0), Action::Authorize(Some(old), _) if old == "old-token"));
    line.0.authorized(Ok("new-token".into()));
    assert_eq!(line.sent(0.0).header("authorization"), Some("Bearer new-token"));
    line.answer(401, &[], "");
    assert_eq!(line.error(0.0).code(), ErrorCode::ApiUnauthorized);
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
        ("http://h/elsewhere", Some("Bearer hw_k1_secret"))
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
    // The call ends with its own failure; later calls get the error of the circuit at once.
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
