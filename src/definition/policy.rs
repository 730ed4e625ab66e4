//! Policies and guards of an operator.

use super::duration::Duration;
use super::fields::{Float, Reader, Step};
use super::record::{record, words};
use crate::error::ErrorCode;
use crate::json::JsonWriter;
use serde_json::{Map, Value};

record! {
    /// How often and how fast a failed task is tried again.
    RetryPolicy {
        /// Attempts after the first one.
        max_retries: i64 = 3,
        /// Time before the second attempt; 5 s by default.
        delay: Duration = Duration::from_seconds(5),
        /// Factor by which each further delay grows; 2 by default.
        backoff_factor: Float = Float::small(2),
    }
}

/// The driver's names for the fields of a retry policy. `max_attempts` counts the first attempt too.
const DRIVER_RETRY: [&str; 3] = ["max_attempts", "initial_interval_seconds", "backoff_coefficient"];

impl RetryPolicy {
    /// Reads the parameters of a policy.
    pub(crate) fn read_params<'a>(map: &'a Map<String, Value>, reader: &mut Reader<'a>) -> Self {
        let mut policy = Self::read_fields(map, reader);
        if reader.rules.dsl_only {
            reader.unknown(map, &[Self::FIELDS]);
            return policy;
        }
        if let Some(attempts) = reader.field::<i64>(map, "max_attempts") {
            policy.max_retries = attempts.saturating_sub(1).max(0);
        }
        if let Some(delay) = reader.field(map, "initial_interval_seconds") {
            policy.delay = delay;
        }
        if let Some(factor) = reader.field(map, "backoff_coefficient") {
            policy.backoff_factor = factor;
        }
        reader.unknown(map, &[Self::FIELDS, &DRIVER_RETRY]);
        policy
    }
}

record! {
    /// Time limit of one attempt.
    TimeoutPolicy {
        /// The limit.
        timeout: Duration,
        /// Whether the engine aborts the attempt when the limit passes; `true` by default.
        kill_on_timeout: bool = true,
    }
}

impl TimeoutPolicy {
    /// Reads the parameters of a policy.
    pub(crate) fn read_params<'a>(map: &'a Map<String, Value>, reader: &mut Reader<'a>) -> Self {
        reader.unknown(map, &[Self::FIELDS]);
        Self::read_fields(map, reader)
    }
}

record! {
    /// When the engine stops calling a tool that keeps failing.
    CircuitBreakerPolicy {
        /// Failures in a row that open the circuit, at least 1.
        failure_threshold: i64 = 5,
        /// Successes that close it again, at least 1.
        success_threshold: i64 = 2,
        /// How long it stays open; 30 s by default.
        isolation_duration: Duration = Duration::from_seconds(30),
        /// Names of the exceptions that count as failures; all by default.
        catch_exceptions: Option<Vec<String>> = None,
        /// Names of the exceptions that do not count as failures.
        ignore_exceptions: Option<Vec<String>> = None,
    }
}

/// Another name of `isolation_duration`, in seconds.
const ISOLATION_SECONDS: &str = "isolation_duration_seconds";

impl CircuitBreakerPolicy {
    /// Reads the fields of an object.
    fn read_params<'a>(map: &'a Map<String, Value>, reader: &mut Reader<'a>) -> Self {
        let mut policy = Self::read_fields(map, reader);
        if !map.contains_key("isolation_duration") {
            policy.isolation_duration =
                reader.field(map, ISOLATION_SECONDS).unwrap_or(policy.isolation_duration);
        }
        reader.in_range("failure_threshold", policy.failure_threshold, 1, i64::MAX);
        reader.in_range("success_threshold", policy.success_threshold, 1, i64::MAX);
        reader.unknown(map, &[Self::FIELDS, &[ISOLATION_SECONDS]]);
        policy
    }
}

words! {
    /// What a guard checks.
    GuardCheck = "a check" {
        /// The variable exists.
        #[default]
        Exists = "exists",
        /// It exists and is not null.
        NotNull = "not_null",
        /// It equals the value.
        Equals = "equals",
        /// It differs from the value.
        NotEquals = "not_equals",
        /// It lies between the two numbers of the value, ends included.
        InRange = "in_range",
        /// It matches the regular expression.
        MatchesRegex = "matches_regex",
        /// It is of the named type.
        TypeCheck = "type_check",
        /// It is one of the value's items.
        InSet = "in_set",
    }
}

record! {
    /// A condition on a variable that must hold before or after a task.
    DataGuard {
        /// Name of the variable.
        variable: String,
        /// What is checked.
        check: GuardCheck,
        /// The operand of the check: `[min, max]` for a range, a list for a set, a pattern or the name of a type.
        value: Value = Value::Null,
        /// The message of the failure when it does not hold.
        message: String = String::new(),
    }
}

impl DataGuard {
    /// Reads the parameters of a guard.
    pub(crate) fn read_params<'a>(map: &'a Map<String, Value>, reader: &mut Reader<'a>) -> Self {
        let guard = Self::read_fields(map, reader);
        let items = guard.value.as_array().map(Vec::len);
        let wanted = match guard.check {
            GuardCheck::InRange if items != Some(2) => "in_range check requires value=[min, max]",
            GuardCheck::InSet if items.is_none() => "in_set check requires value=[item1, item2, ...]",
            _ => "",
        };
        if !wanted.is_empty() {
            reader.enter(Step::Key("value"));
            reader.error(ErrorCode::FieldValueInvalid, wanted);
            reader.leave();
        }
        reader.unknown(map, &[Self::FIELDS]);
        guard
    }
}

/// Makes a record the value of a field, read by its `read_params`.
macro_rules! record_field {
    ($($name:ident)*) => { $(
        impl $crate::definition::fields::Field for $name {
            fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
                let map = reader.object(value)?;
                Some(Self::read_params(map, reader))
            }

            fn write(&self, out: &mut JsonWriter) {
                out.open('{');
                self.write_fields(out);
                out.close('}');
            }
        }
    )* };
}
pub(super) use record_field;

record_field! { RetryPolicy TimeoutPolicy CircuitBreakerPolicy DataGuard }

/// The time limit that the driver writes on the task as a number of seconds.
pub(super) fn driver_timeout<'a>(
    map: &'a Map<String, Value>,
    reader: &mut Reader<'a>,
) -> Option<TimeoutPolicy> {
    let timeout: Option<Duration> = reader.field::<Option<Duration>>(map, "timeout_seconds").flatten();
    timeout.map(|timeout| TimeoutPolicy { timeout, kill_on_timeout: true })
}
