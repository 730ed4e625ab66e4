//! The settings of a client.

use super::{CircuitPolicy, Endpoint};
use crate::error::{Error, ErrorCode, Result};
use crate::json::below;
use crate::json::number::{clamp, digits, to_f64};
use serde_json::Value;

/// Settings of a client.
#[derive(Clone)]
pub struct ClientConfig {
    /// The address of the API.
    pub endpoint: Endpoint,
    /// The credential of the requests.
    pub credential: Credential,
    /// Time limit of one request, body included, in milliseconds.
    pub request_timeout_ms: f64,
    /// When a request is sent again.
    pub retry: RetryPolicy,
    /// When requests to a failing server stop for a while; `None` for never.
    pub circuit: Option<CircuitPolicy>,
}

/// The API key or token that requests carry as a bearer credential.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// No credential.
    None,
    /// A credential that never changes.
    Key(String),
    /// The host gives the credential when it is needed, and a new one when the server refuses it.
    Asked,
}

/// When a request that may be repeated is sent again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The most attempts, at least 1.
    pub attempts: u32,
    /// The longest delay before the second attempt, in milliseconds. It doubles with each further attempt.
    pub base_ms: f64,
    /// The longest delay, in milliseconds. A server may ask for a longer one.
    pub max_ms: f64,
    /// The latest start of an attempt, in milliseconds after the first one.
    pub total_ms: f64,
    /// Whether the caller decides which failures are worth another attempt.
    pub is_judged: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, base_ms: 250.0, max_ms: 8_000.0, total_ms: 120_000.0, is_judged: false }
    }
}

impl RetryPolicy {
    /// Milliseconds before the next attempt after `failed` failures. `random` in `0..1` spreads the clients: the delay
    /// is between half of the nominal delay and all of it.
    pub fn delay_ms(&self, failed: u32, random: f64) -> f64 {
        let doublings = i32::try_from(failed.saturating_sub(1).min(64)).unwrap_or(64);
        let nominal = (self.base_ms * 2_f64.powi(doublings)).min(self.max_ms);
        nominal * (0.5 + clamp(random, 0.0, 1.0) / 2.0)
    }
}

impl ClientConfig {
    /// The default settings: 30 s for a request, four attempts.
    ///
    /// # Errors
    ///
    /// `ENDPOINT_INVALID`, or `OPTION_INVALID` for a credential that no header can carry.
    pub fn new(endpoint: &str, credential: &str) -> Result<Self> {
        let credential = match credential {
            "" => Credential::None,
            key => Credential::Key(usable(key)?),
        };
        Ok(Self {
            endpoint: Endpoint::parse(endpoint)?,
            credential,
            request_timeout_ms: 30_000.0,
            retry: RetryPolicy::default(),
            circuit: Some(CircuitPolicy::default()),
        })
    }

    /// Reads `{endpoint, credential?, timeout?, retry?, circuitBreaker?}`; times are in seconds. A `credential` of
    /// `true` means that the host gives it. `retry` is `{attempts?, delay?, maxDelay?, totalTime?, when?}`, and
    /// `circuitBreaker` is `{failures?, openFor?}` or `false`.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new), and `OPTION_INVALID` with the path of a number that is out of range.
    pub fn read(value: &Value) -> Result<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut config = Self::new(text("endpoint"), text("credential"))?;
        if value.get("credential") == Some(&Value::Bool(true)) {
            config.credential = Credential::Asked;
        }
        set(value, "/timeout", 1_000.0, &mut config.request_timeout_ms)?;
        let retry = &mut config.retry;
        retry.attempts = count(value, "/retry/attempts", retry.attempts)?;
        set(value, "/retry/delay", 1_000.0, &mut retry.base_ms)?;
        set(value, "/retry/maxDelay", 1_000.0, &mut retry.max_ms)?;
        set(value, "/retry/totalTime", 1_000.0, &mut retry.total_ms)?;
        retry.is_judged = below(value, "retry/when") == Some(&Value::Bool(true));
        if value.get("circuitBreaker") == Some(&Value::Bool(false)) {
            config.circuit = None;
        }
        if let Some(circuit) = &mut config.circuit {
            circuit.failures = count(value, "/circuitBreaker/failures", circuit.failures)?;
            set(value, "/circuitBreaker/openFor", 1_000.0, &mut circuit.open_ms)?;
        }
        Ok(config)
    }
}

/// A credential that a header can carry.
///
/// # Errors
///
/// `OPTION_INVALID`. The message does not contain the credential.
pub(super) fn usable(credential: &str) -> Result<String> {
    if credential.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(credential.to_owned());
    }
    Err(Error::new(ErrorCode::OptionInvalid, "the API key contains a blank or another unusable character")
        .with_help("check for a line break or quotes around the value of HIGHWAY_API_KEY")
        .with_path("/apiKey"))
}

/// Sets the target to the number at a path, times `factor`. An absent number changes nothing; one that is not positive
/// is an error.
fn set(value: &Value, path: &str, factor: f64, target: &mut f64) -> Result<()> {
    if let Some(number) = below(value, path).and_then(to_f64) {
        *target = positive(path, number)? * factor;
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be positive and finite"
)]
fn count(value: &Value, path: &str, default: u32) -> Result<u32> {
    let number = below(value, path).and_then(to_f64);
    number.map_or(Ok(default), |number| positive(path, number).map(|number| number.max(1.0) as u32))
}

fn positive(path: &str, number: f64) -> Result<f64> {
    if number > 0.0 && number < 1e9 {
        return Ok(number);
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let message = format!("`{name}` must be positive, got `{}`", digits(number));
    Err(Error::new(ErrorCode::OptionInvalid, message).with_path(path))
}

impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClientConfig")
            .field("endpoint", &self.endpoint.as_str())
            .field("request_timeout_ms", &self.request_timeout_ms)
            .field("retry", &self.retry)
            .field("circuit", &self.circuit)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::Key(_) => "Key(…)",
            Self::Asked => "Asked",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn delays_double_up_to_the_limit() {
        let policy = RetryPolicy { attempts: 5, base_ms: 100.0, max_ms: 300.0, ..RetryPolicy::default() };
        let delays: Vec<_> = (1..=5).map(|failed| policy.delay_ms(failed, 1.0)).collect();
        assert_eq!(delays, [100.0, 200.0, 300.0, 300.0, 300.0]);
        assert_eq!(policy.delay_ms(1, 0.0), 50.0);
    }

    #[test]
    fn the_key_is_never_shown() {
        let config = ClientConfig::new("https://h.example", "hw_k1_secret").unwrap();
        assert!(!format!("{config:?} {:?}", config.credential).contains("secret"));
        let error = ClientConfig::new("https://h.example", "hw_k1_secret\n").unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn reads_settings_in_seconds() {
        let config = ClientConfig::read(&json!({
            "endpoint": "http://h", "credential": true, "timeout": 2,
            "retry": {"attempts": 7, "delay": 0.5, "maxDelay": 4, "totalTime": 60, "when": true},
            "circuitBreaker": {"failures": 3, "openFor": 1.5},
        }))
        .unwrap();
        assert_eq!(config.credential, Credential::Asked);
        assert_eq!(config.request_timeout_ms, 2_000.0);
        let RetryPolicy { attempts, base_ms, max_ms, total_ms, is_judged } = config.retry;
        assert_eq!((attempts, base_ms, max_ms, total_ms, is_judged), (7, 500.0, 4_000.0, 60_000.0, true));
        assert_eq!(config.circuit, Some(CircuitPolicy { failures: 3, open_ms: 1_500.0 }));
        let without = json!({"endpoint": "http://h", "circuitBreaker": false});
        assert_eq!(ClientConfig::read(&without).unwrap().circuit, None);
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_their_path() {
        for (path, settings) in [
            ("/timeout", json!({"timeout": 0})),
            ("/retry/attempts", json!({"retry": {"attempts": -1}})),
            ("/retry/totalTime", json!({"retry": {"totalTime": 1e12}})),
            ("/circuitBreaker/openFor", json!({"circuitBreaker": {"openFor": 0}})),
        ] {
            let mut settings = settings;
            settings["endpoint"] = "http://h".into();
            let error = ClientConfig::read(&settings).unwrap_err();
            assert_eq!((error.code(), error.path()), (ErrorCode::OptionInvalid, Some(path)));
        }
    }
}
