//! Follows a run to its end by polling: 0.1 s at first, growing by half each time up to 5 s. Sans-IO.

use super::State;
use super::run::{is_run, no_run, run_status};
use crate::error::{Error, ErrorCode, Result};
use crate::number::{clamp, to_f64};
use serde_json::Value;

const FIRST_DELAY_MS: f64 = 100.0;
const GROWTH: f64 = 1.5;
const LONGEST_DELAY_MS: f64 = 5_000.0;
/// A server that stays unreachable or broken for this long ends the watch.
const PATIENCE_MS: f64 = 60_000.0;

/// What the host does next.
#[derive(Clone, Debug)]
pub enum WatchAction {
    /// Ask the server for the run and report the answer.
    Poll,
    /// Wait for this many milliseconds, then ask again.
    Sleep(f64),
    /// Nothing more: the last answer, or why there is none.
    Done(Result<Value>),
}

/// One run being followed.
#[derive(Debug)]
pub struct Watch {
    run_id: String,
    deadline: Option<f64>,
    delay: f64,
    pending_delay: Option<f64>,
    failing_since: Option<f64>,
    last: Option<Value>,
    outcome: Option<Result<Value>>,
}

impl Watch {
    /// Follows a run, for at most `timeout_ms` from `now` where that is given. Times are milliseconds of any
    /// clock that does not go back.
    pub fn new(run_id: &str, timeout_ms: Option<f64>, now: f64) -> Self {
        Self {
            run_id: run_id.to_owned(),
            deadline: timeout_ms.map(|timeout| now + timeout),
            delay: FIRST_DELAY_MS,
            pending_delay: None,
            failing_since: None,
            last: None,
            outcome: None,
        }
    }

    /// When a poll has to be over.
    pub fn deadline(&self) -> f64 {
        self.deadline.unwrap_or(f64::INFINITY)
    }

    /// What to do at `now`.
    pub fn next_action(&mut self, now: f64) -> WatchAction {
        if let Some(outcome) = self.outcome.take() {
            return WatchAction::Done(outcome);
        }
        match self.pending_delay.take() {
            Some(delay) => {
                let left = self.deadline.map_or(f64::INFINITY, |deadline| deadline - now);
                WatchAction::Sleep(delay.min(left).max(0.0))
            }
            None => WatchAction::Poll,
        }
    }

    /// Takes the answer to a poll; gives the status where it differs from the one before. `random` in `0..1`.
    pub fn polled(&mut self, answer: Result<Value>, now: f64, random: f64) -> Option<Value> {
        let mut wait = None;
        let mut news = None;
        match answer {
            Ok(data) if !is_run(&data) => {
                self.outcome = Some(Err(no_run(&data).with_detail("runId", self.run_id.as_str())));
                return None;
            }
            Ok(data) => {
                self.failing_since = None;
                let status = run_status(&data, &self.run_id);
                let is_final = status
                    .get("state")
                    .and_then(Value::as_str)
                    .is_some_and(|text| State::read(text).is_final());
                if self.last.as_ref() != Some(&status) {
                    self.last = Some(status.clone());
                    // A change is a sign that the next one is near.
                    self.delay = self.delay.min(LONGEST_DELAY_MS / 2.0);
                    news = Some(status.clone());
                }
                if is_final {
                    self.outcome = Some(Ok(data));
                    return news;
                }
            }
            Err(error) => match error.code() {
                ErrorCode::ApiRateLimited => {
                    wait =
                        error.details().get("retryAfter").and_then(to_f64).map(|seconds| seconds * 1_000.0);
                }
                ErrorCode::ApiUnreachable | ErrorCode::ApiServerError | ErrorCode::RequestTimeout
                    if now - *self.failing_since.get_or_insert(now) < PATIENCE_MS => {}
                _ => {
                    self.outcome = Some(Err(error.with_detail("runId", self.run_id.as_str())));
                    return None;
                }
            },
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.outcome = Some(Err(self.too_late()));
            return news;
        }
        // Within a tenth of the nominal delay, so that many watchers do not march in step.
        let spread = 0.9 + clamp(random, 0.0, 1.0) / 5.0;
        let delay = self.delay * spread;
        self.pending_delay = Some(wait.map_or(delay, |wait| wait.max(delay)));
        self.delay = (self.delay * GROWTH).min(LONGEST_DELAY_MS);
        news
    }

    fn too_late(&self) -> Error {
        let state = self.last.as_ref().and_then(|status| status.get("state")?.as_str()).unwrap_or("unknown");
        Error::new(
            ErrorCode::WaitTimeout,
            format!("run `{}` was not over in the time given; it is `{state}` and goes on", self.run_id),
        )
        .with_help("wait longer with `driver.handle(runId).result({ timeout })`, or end the run with `driver.cancel(runId)`")
        .with_detail("runId", self.run_id.as_str())
        .with_detail("state", state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sleep(action: WatchAction) -> f64 {
        match action {
            WatchAction::Sleep(delay) => delay,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn delays_grow_to_five_seconds() {
        let mut watch = Watch::new("r", None, 0.0);
        let mut delays = Vec::new();
        for _ in 0..14 {
            assert!(matches!(watch.next_action(0.0), WatchAction::Poll));
            watch.polled(Ok(json!({"status": "running"})), 0.0, 0.5);
            delays.push(sleep(watch.next_action(0.0)));
        }
        assert_eq!(delays[..3], [100.0, 150.0, 225.0]);
        assert_eq!(delays[13], 5_000.0);
    }

    #[test]
    fn reports_changes_once_and_ends_at_a_final_state() {
        let mut watch = Watch::new("r", None, 0.0);
        assert!(watch.polled(Ok(json!({"status": "running"})), 0.0, 0.0).is_some());
        assert!(watch.polled(Ok(json!({"status": "running"})), 1.0, 0.0).is_none());
        let last = watch.polled(Ok(json!({"state": "CANCELED"})), 2.0, 0.0).unwrap();
        assert_eq!(last["state"], "cancelled");
        assert!(matches!(watch.next_action(2.0), WatchAction::Done(Ok(data)) if data["state"] == "CANCELED"));
    }

    #[test]
    fn a_run_that_never_ends_is_given_up_at_the_deadline() {
        let mut watch = Watch::new("r", Some(150.0), 1_000.0);
        watch.polled(Ok(json!({"status": "running"})), 1_100.0, 0.5);
        assert_eq!(sleep(watch.next_action(1_100.0)), 50.0);
        watch.polled(Ok(json!({"status": "running"})), 1_150.0, 0.5);
        let WatchAction::Done(Err(error)) = watch.next_action(1_150.0) else { panic!("expected the end") };
        assert_eq!(error.code(), ErrorCode::WaitTimeout);
        assert_eq!(error.details()["state"], "running");
    }

    #[test]
    fn rides_out_rate_limits_and_short_outages_only() {
        let limited = Error::new(ErrorCode::ApiRateLimited, "x").with_detail("retryAfter", 7);
        let down = || Err(Error::new(ErrorCode::ApiUnreachable, "x"));
        let mut watch = Watch::new("r", None, 0.0);
        watch.polled(Err(limited), 0.0, 0.0);
        assert_eq!(sleep(watch.next_action(0.0)), 7_000.0);
        watch.polled(down(), 0.0, 0.0);
        assert!(matches!(watch.next_action(0.0), WatchAction::Sleep(_)));
        watch.polled(down(), PATIENCE_MS, 0.0);
        assert!(matches!(watch.next_action(0.0), WatchAction::Done(Err(_))));
        let hurried = Error::new(ErrorCode::ApiRateLimited, "x").with_detail("retryAfter", 0);
        let mut watch = Watch::new("r", None, 0.0);
        watch.polled(Err(hurried), 0.0, 0.5);
        assert_eq!(sleep(watch.next_action(0.0)), 100.0);
        let mut watch = Watch::new("r", None, 0.0);
        watch.polled(Err(Error::new(ErrorCode::ApiNotFound, "x")), 0.0, 0.0);
        assert!(matches!(watch.next_action(0.0), WatchAction::Done(Err(_))));
    }
}
