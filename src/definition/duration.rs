//! Durations: seconds, ISO 8601 text, or an object of units.

use super::fields::{Field, Reader, Reading};
use crate::error::{Error, ErrorCode, Result};
use crate::json::JsonWriter;
use crate::json::number::{parse_f64, to_f64};
use crate::json::{kind_of, to_text};
use serde_json::{Map, Number, Value};
use std::fmt;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
/// Names of units and their length in microseconds.
const UNITS: [(&str, f64); 5] = [
    ("milliseconds", 1e3),
    ("seconds", 1e6),
    ("minutes", MINUTE * 1e6),
    ("hours", HOUR * 1e6),
    ("days", DAY * 1e6),
];

/// A duration of a definition, exact to a microsecond.
///
/// ```
/// use highway_wasm::definition::duration::Duration;
///
/// assert_eq!(Duration::from_seconds(93_784).to_string(), "P1DT2H3M4S");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Duration {
    micros: i64,
}

impl Duration {
    /// A number of seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { micros: seconds.saturating_mul(1_000_000) }
    }

    /// A number of seconds, rounded to a microsecond; a half rounds to the even one, as in Python's `timedelta`. `None`
    /// beyond some 280,000 years.
    pub fn from_f64(seconds: f64) -> Option<Self> {
        // Rounds the fraction alone, as Python does: multiplying the whole number would lose its last digits.
        micros_of(seconds.trunc() * 1e6 + (seconds.fract() * 1e6).round_ties_even())
            .map(|micros| Self { micros })
    }

    /// A number of seconds as pydantic reads it from a document: as [`from_f64`](Self::from_f64), but a half rounds
    /// away from zero.
    fn as_read(seconds: f64) -> Option<Self> {
        micros_of(seconds.trunc() * 1e6 + (seconds.fract() * 1e6).round()).map(|micros| Self { micros })
    }

    /// A number of a definition, rounded by the rules of its reader. Numbers given to a builder stand for a
    /// `timedelta`.
    fn of_number(number: &Number, rules: Reading) -> Option<Self> {
        let seconds = parse_f64(number.as_str())?;
        if rules.dsl_only { Self::from_f64(seconds) } else { Self::as_read(seconds) }
    }

    /// The length in microseconds.
    pub const fn micros(self) -> i64 {
        self.micros
    }

    /// The length in seconds.
    #[expect(clippy::cast_precision_loss, reason = "rounding by a microsecond in 280 years does not matter")]
    pub fn seconds(self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// The duration of an object of units, as Python's `timedelta` adds them: it adds the fraction of each amount
    /// apart, then rounds the sum to a microsecond, a half to the even one.
    fn of_units(units: &Map<String, Value>) -> Option<Self> {
        let (mut whole, mut rest) = (0.0, 0.0);
        for (unit, amount) in units {
            let (_, micros) = UNITS.iter().find(|(name, _)| name == unit)?;
            let amount = to_f64(amount)?;
            let fraction = amount.fract() * *micros;
            whole += amount.trunc() * *micros + fraction.trunc();
            rest += fraction.fract();
        }
        // A half rounds down from an even number of microseconds and up from an odd one.
        let odd = (whole % 2.0).abs();
        let micros = micros_of(whole - odd + (rest + odd).round_ties_even())?;
        (!units.is_empty()).then_some(Self { micros })
    }

    /// Reads text as Highway does: ISO 8601 or `HH:MM:SS`, each with an optional number of days in front (`1 day
    /// 12:00:00`).
    pub fn parse(text: &str) -> Option<Self> {
        let seconds = parse_iso(text).or_else(|| parse_clock(text))?;
        Self::as_read(seconds)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn micros_of(micros: f64) -> Option<i64> {
    (micros.abs() < 9e18).then_some(micros as i64)
}

/// ISO 8601 as Highway writes it: years of 365 days, days, hours, minutes and seconds; never weeks or months.
impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.micros < 0 { "-" } else { "" };
        let micros = self.micros.unsigned_abs();
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let (days, in_day) = (seconds / 86_400, seconds % 86_400);
        write!(out, "{sign}P")?;
        for (amount, unit) in [(days / 365, 'Y'), (days % 365, 'D')] {
            if amount > 0 {
                write!(out, "{amount}{unit}")?;
            }
        }
        if in_day == 0 && fraction == 0 && days > 0 {
            return Ok(());
        }
        out.write_str("T")?;
        for (amount, unit) in [(in_day / 3_600, 'H'), (in_day / 60 % 60, 'M')] {
            if amount > 0 {
                write!(out, "{amount}{unit}")?;
            }
        }
        if fraction > 0 {
            let digits = format!("{fraction:06}");
            write!(out, "{}.{}S", in_day % 60, digits.trim_end_matches('0'))
        } else if in_day % 60 > 0 || micros == 0 {
            write!(out, "{}S", in_day % 60)
        } else {
            Ok(())
        }
    }
}

impl Field for Duration {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let read = match value {
            Value::Number(number) => Self::of_number(number, reader.rules),
            Value::String(text) => Self::parse(text),
            Value::Object(units) => Self::of_units(units),
            Value::Bool(flag) => {
                reader.converted("seconds", value);
                Some(Self::from_seconds(i64::from(*flag)))
            }
            _ => None,
        };
        if read.is_none() {
            let shown = match value {
                Value::String(_) | Value::Number(_) => format!("`{}` is not a duration", to_text(value)),
                other => format!("expected a duration, found {}", kind_of(other)),
            };
            reader.error(ErrorCode::FieldTypeInvalid, shown);
            reader.help(
                "give seconds (`90`), ISO 8601 text (`PT1M30S`) or units (`{minutes: 1, seconds: 30}`)",
            );
        }
        read
    }

    fn write(&self, out: &mut JsonWriter) {
        out.text(&self.to_string());
    }
}

/// Seconds of `[-][<n> day[s]] [HH:MM[:SS[.fraction]]]`, as Python prints a timedelta; `None` for a number alone.
fn parse_clock(text: &str) -> Option<f64> {
    let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let (days, clock) = match text.split_once('d') {
        Some((days, rest)) => {
            let rest = rest.strip_prefix("ays").or_else(|| rest.strip_prefix("ay")).unwrap_or(rest);
            (parse_f64(days.trim())?, rest.trim_start_matches([',', ' ']))
        }
        None => (0.0, text),
    };
    if clock.is_empty() {
        return text.contains('d').then_some(sign * days * DAY);
    }
    let mut parts = clock.split(':');
    let (hours, minutes) = (parse_f64(parts.next()?)?, parse_f64(parts.next()?)?);
    let seconds = parts.next().map_or(Some(0.0), parse_f64)?;
    let valid = parts.next().is_none() && hours < 24.0 && minutes < 60.0 && seconds < 60.0;
    valid.then_some(sign * (days * DAY + hours * HOUR + minutes * MINUTE + seconds))
}

/// Seconds of a duration given as a number (seconds), ISO 8601 text (`"PT2H"`, `"P1D"`) or an object such as `{"hours":
/// 1, "minutes": 30}`. The result may be negative: the caller checks the range.
///
/// # Errors
///
/// `DURATION_INVALID` for anything else.
///
/// ```
/// use highway_wasm::definition::duration::seconds;
/// use serde_json::json;
///
/// assert_eq!(seconds(&json!("PT1H30M")).unwrap(), 5400.0);
/// assert_eq!(seconds(&json!({"days": 1, "seconds": 0.5})).unwrap(), 86400.5);
/// assert!(seconds(&json!("soon")).is_err());
/// ```
pub fn seconds(value: &Value) -> Result<f64> {
    let number = match value {
        Value::Number(number) => parse_f64(number.as_str()),
        _ => None,
    };
    number.map_or_else(|| read(value).map(Duration::seconds), Ok)
}

/// Reads a duration in the forms that [`seconds`] takes, exact to a microsecond.
///
/// # Errors
///
/// `DURATION_INVALID` for any other value, and beyond some 280,000 years.
pub fn read(value: &Value) -> Result<Duration> {
    let found = match value {
        Value::Number(number) => parse_f64(number.as_str()).and_then(Duration::from_f64),
        Value::String(text) => parse_iso(text).and_then(Duration::from_f64),
        Value::Object(units) => Duration::of_units(units),
        _ => None,
    };
    found.ok_or_else(|| {
        let shown = match value {
            Value::Array(_) | Value::Bool(_) | Value::Null => kind_of(value).to_owned(),
            other => format!("`{}`", to_text(other)),
        };
        Error::new(ErrorCode::DurationInvalid, format!("{shown} is not a duration")).with_help(
            "give seconds (`90`), ISO 8601 text (`\"PT1M30S\"`) or units (`{minutes: 1, seconds: 30}`)",
        )
    })
}

/// Seconds of an ISO 8601 duration; `None` for other text. Weeks, days, hours, minutes and seconds, with an optional
/// sign in front and an optional decimal fraction on the last part. A year counts 365 days and a month 30, as in
/// Highway's own reader.
pub fn parse_iso(text: &str) -> Option<f64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let rest = rest.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = parse_parts(date, &[('Y', 365.0 * DAY), ('M', 30.0 * DAY), ('W', 7.0 * DAY), ('D', DAY)])?;
    let hours = parse_parts(time, &[('H', HOUR), ('M', MINUTE), ('S', 1.0)])?;
    Some(sign * (days + hours))
}

/// The sum of `<number><unit>` parts, whose units must follow the given order.
fn parse_parts(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut units = units.iter();
    let mut sum = 0.0;
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, rest) = text.split_at_checked(end)?;
        let mut rest_chars = rest.chars();
        let unit = rest_chars.next()?;
        text = rest_chars.as_str();
        // Only the last part may have a fraction.
        if digits.is_empty() || digits.starts_with('.') || (digits.contains('.') && !text.is_empty()) {
            return None;
        }
        let (_, factor) = units.by_ref().find(|(name, _)| *name == unit)?;
        sum += parse_f64(digits)? * factor;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_iso_text() {
        for (text, expected) in [
            ("PT0S", 0.0),
            ("PT5400S", 5400.0),
            ("P1D", 86_400.0),
            ("P1W", 604_800.0),
            ("P1Y35D", 400.0 * DAY),
            ("P1DT2H3M4.5S", 93_784.5),
            ("-PT5S", -5.0),
            ("PT1.5M", 90.0),
        ] {
            assert_eq!(parse_iso(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn writes_the_normal_form() {
        for (micros, text) in [
            (0, "PT0S"),
            (500_000, "PT0.5S"),
            (1, "PT0.000001S"),
            (60_000_000, "PT1M"),
            (-5_000_000, "-PT5S"),
            (5_400_000_000, "PT1H30M"),
            (86_400_000_000, "P1D"),
            (93_784_500_000, "P1DT2H3M4.5S"),
            (365 * 86_400_000_000, "P1Y"),
            (400 * 86_400_000_000, "P1Y35D"),
        ] {
            let duration = Duration { micros };
            assert_eq!(duration.to_string(), text);
            assert_eq!(Duration::parse(text), Some(duration));
        }
    }

    #[test]
    fn reads_pythons_own_text() {
        for (text, seconds) in [
            ("00:01:30", 90.0),
            ("1 day", DAY),
            ("2 days, 1:00:00.5", 2.0 * DAY + 3600.5),
            ("-1 day 0:30", -DAY - 1800.0),
        ] {
            assert_eq!(Duration::parse(text).map(Duration::seconds), Some(seconds), "{text}");
        }
        for text in ["10", "1:2:3:4", "25:00", "1 week", ""] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }

    #[test]
    fn units_are_added_as_python_adds_them() {
        for (units, text) in [
            (json!({"days": 0.7}), "PT16H48M"),
            (json!({"hours": 1.13}), "PT1H7M48S"),
            (json!({"days": 2.675}), "P2DT16H12M"),
            (json!({"milliseconds": 0.0005}), "PT0S"),
            (json!({"milliseconds": 0.0015}), "PT0.000002S"),
            (json!({"milliseconds": 1.0005, "seconds": 1}), "PT1.001S"),
            (json!({"seconds": 5e-7, "minutes": 1.0 / 3.0}), "PT20S"),
            (json!({"seconds": -1.5e-6}), "-PT0.000002S"),
            (json!({"days": 99_999, "milliseconds": 0.001}), "P273Y354DT0.000001S"),
        ] {
            let Value::Object(map) = &units else { unreachable!() };
            assert_eq!(
                Duration::of_units(map).map(|duration| duration.to_string()).as_deref(),
                Some(text),
                "{units}"
            );
        }
    }

    #[test]
    fn refuses_other_text() {
        for text in [
            "", "P", "PT", "P1DT", "PTfoo", "1D", "PT1.5H2M", "PT.5S", "PT5", "PT5S5H", "10:00", "PT1X",
            "ПT1S",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn refuses_other_values_with_help() {
        for value in
            [json!(null), json!(true), json!([1]), json!({}), json!({"hour": 1}), json!({"hours": "1"})]
        {
            let error = seconds(&value).unwrap_err();
            assert_eq!(error.code(), ErrorCode::DurationInvalid);
            assert!(error.help().is_some());
        }
    }
}
