//! How the client behaves.

use super::Endpoint;
use crate::error::{Error, ErrorCode, Result};
use crate::number::clamp;

/// Settings of a client.
#[derive(Clone)]
pub struct ClientConfig {
    /// Where the API is.
    pub endpoint: Endpoint,
    /// The key or token sent as bearer credential; empty for none.
    pub credential: String,
    /// Milliseconds one request may take, body included.
    pub request_timeout_ms: f64,
    /// When a request is sent again.
    pub retry: RetryPolicy,
}

/// When a request that may be repeated is sent again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, at least one.
    pub attempts: u32,
    /// Milliseconds before the second attempt, at most; each further delay doubles.
    pub base_ms: f64,
    /// Longest delay, in milliseconds.
    pub max_ms: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, base_ms: 250.0, max_ms: 8_000.0 }
    }
}

impl RetryPolicy {
    /// Milliseconds before the next attempt after `failed` failures, or `None` when there is none. `random` in
    /// `0..1` spreads clients: the delay lies between half and the whole of its nominal value.
    pub fn delay_ms(&self, failed: u32, random: f64) -> Option<f64> {
        if failed >= self.attempts {
            return None;
        }
        let doublings = i32::try_from(failed.saturating_sub(1).min(64)).unwrap_or(64);
        let nominal = (self.base_ms * 2_f64.powi(doublings)).min(self.max_ms);
        Some(nominal * (0.5 + clamp(random, 0.0, 1.0) / 2.0))
    }
}

impl ClientConfig {
    /// Settings with the defaults: 30 s for a request, four attempts.
    ///
    /// # Errors
    ///
    /// `ENDPOINT_INVALID`, or `OPTION_INVALID` for a credential that no header can carry.
    pub fn new(endpoint: &str, credential: &str) -> Result<Self> {
        if !credential.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(
                ErrorCode::OptionInvalid,
                "the API key contains a blank or another unusable character",
            )
            .with_help("check for a line break or quotes around the value of HIGHWAY_API_KEY")
            .with_path("/apiKey"));
        }
        Ok(Self {
            endpoint: Endpoint::parse(endpoint)?,
            credential: credential.to_owned(),
            request_timeout_ms: 30_000.0,
            retry: RetryPolicy::default(),
        })
    }
}

impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClientConfig")
            .field("endpoint", &self.endpoint.as_str())
            .field("request_timeout_ms", &self.request_timeout_ms)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_limit() {
        let policy = RetryPolicy { attempts: 5, base_ms: 100.0, max_ms: 300.0 };
        let delays: Vec<_> = (1..=5).map(|failed| policy.delay_ms(failed, 1.0)).collect();
        assert_eq!(delays, [Some(100.0), Some(200.0), Some(300.0), Some(300.0), None]);
        assert_eq!(policy.delay_ms(1, 0.0), Some(50.0));
    }

    #[test]
    fn the_key_is_never_shown() {
        let config = ClientConfig::new("https://h.example", "hw_k1_secret").unwrap();
        assert!(!format!("{config:?}").contains("secret"));
        let error = ClientConfig::new("https://h.example", "hw_k1_secret\n").unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }
}
