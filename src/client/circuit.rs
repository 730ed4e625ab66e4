//! The client's circuit breaker: it stops requests for a while to a server that keeps failing.

use crate::error::{Error, ErrorCode};
use crate::json::number::number;

/// When the circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CircuitPolicy {
    /// The number of successive failures that open it.
    pub failures: u32,
    /// Milliseconds until one request may test whether the server works again.
    pub open_ms: f64,
}

impl Default for CircuitPolicy {
    fn default() -> Self {
        Self { failures: 10, open_ms: 5_000.0 }
    }
}

/// The circuit breaker of one client. Times are milliseconds of any clock that does not go back.
///
/// A failure is a request without an answer or with a 5xx answer. Any other answer closes the circuit.
///
/// ```
/// use highway_wasm::client::{Circuit, CircuitPolicy};
///
/// let policy = CircuitPolicy { failures: 2, open_ms: 5_000.0 };
/// let mut circuit = Circuit::default();
/// circuit.failed(&policy, 0.0);
/// assert_eq!(circuit.wait(&policy, 0.0), None);
/// circuit.failed(&policy, 0.0);
/// assert_eq!(circuit.wait(&policy, 1_000.0), Some(4_000.0));
/// assert_eq!(circuit.wait(&policy, 5_000.0), None); // one request may try
/// assert_eq!(circuit.wait(&policy, 5_001.0), Some(4_999.0)); // the others wait for its result
/// circuit.succeeded();
/// assert_eq!(circuit.wait(&policy, 5_002.0), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Circuit {
    /// Failures since the last answer.
    pub failures: u32,
    /// While the circuit is open, no request before this time.
    pub open_until: f64,
}

impl Circuit {
    /// Milliseconds to wait before a request may be sent; `None` if it may be sent now. An open circuit permits one
    /// request at a time.
    pub fn wait(&mut self, policy: &CircuitPolicy, now: f64) -> Option<f64> {
        if self.failures < policy.failures {
            return None;
        }
        if now < self.open_until {
            return Some(self.open_until - now);
        }
        self.open_until = now + policy.open_ms;
        None
    }

    /// Reports an answer below 500.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Reports a missing answer or a 5xx answer.
    pub fn failed(&mut self, policy: &CircuitPolicy, now: f64) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= policy.failures {
            self.open_until = now + policy.open_ms;
        }
    }

    /// The error of a request that the circuit stopped.
    pub(super) fn error(&self, endpoint: &str, wait: f64) -> Error {
        let message = format!(
            "`{endpoint}` has failed {} times in a row and gets no requests for a while",
            self.failures
        );
        Error::new(ErrorCode::ApiCircuitOpen, message)
            .with_help("try again after `retryAfter` seconds; `circuitBreaker` sets when this happens")
            .with_detail("retryAfter", number((wait / 1_000.0).max(0.001)))
            .with_detail("failures", self.failures)
    }
}
