//! The retry policy of a task.

use crate::definition::RetryPolicy;
use crate::json::number::clamp;

/// How often and how fast a failed task is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Attempts after the first one.
    pub max_retries: u32,
    /// Seconds before the second attempt.
    pub delay: f64,
    /// Factor by which each further delay grows, at least 1.
    pub backoff: f64,
}

impl Retry {
    /// The policy without retries.
    pub const NONE: Self = Self { max_retries: 0, delay: 0.0, backoff: 1.0 };

    /// The policy of a definition.
    pub(in crate::engine) fn of_policy(policy: &RetryPolicy) -> Self {
        Self {
            max_retries: u32::try_from(policy.max_retries.max(0)).unwrap_or(u32::MAX),
            delay: policy.delay.seconds().max(0.0),
            backoff: policy.backoff_factor.value().max(1.0),
        }
    }

    /// Milliseconds to wait after `failed` failed attempts; `None` if there is no further attempt.
    ///
    /// Each delay is the one before times the factor: 10 s and 2.0 give 10, 20, 40 s.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a non-negative range before the cast"
    )]
    pub fn delay_after_ms(&self, failed: u32) -> Option<u64> {
        const LONGEST_MS: f64 = 1e13;
        if failed == 0 || failed > self.max_retries {
            return None;
        }
        let exponent = i32::try_from(failed - 1).unwrap_or(i32::MAX);
        let delay = self.delay * 1_000.0 * self.backoff.powi(exponent);
        Some(if delay.is_nan() { 0 } else { clamp(delay, 0.0, LONGEST_MS).round() as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end() {
        let policy = Retry { max_retries: 3, delay: 10.0, backoff: 2.0 };
        let delays: Vec<_> = (0..=4).map(|failed| policy.delay_after_ms(failed)).collect();
        assert_eq!(delays, [None, Some(10_000), Some(20_000), Some(40_000), None]);
    }

    #[test]
    fn enormous_delays_stay_finite() {
        let policy = Retry { max_retries: u32::MAX, delay: 1e300, backoff: 1e300 };
        assert_eq!(policy.delay_after_ms(u32::MAX), Some(10_000_000_000_000));
        let zero = Retry { max_retries: u32::MAX, delay: 0.0, backoff: 1e300 };
        assert_eq!(zero.delay_after_ms(u32::MAX), Some(0));
    }
}
