//! Durations: seconds, ISO 8601 text, or an object of units.

use crate::error::{Error, ErrorCode, Result};
use crate::json::{kind_of, to_text};
use crate::number::{parse_f64, to_f64};
use serde_json::Value;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
const UNITS: [(&str, f64); 5] =
    [("milliseconds", 0.001), ("seconds", 1.0), ("minutes", MINUTE), ("hours", HOUR), ("days", DAY)];

/// Seconds of a duration given as a number (seconds), ISO 8601 text (`"PT2H"`, `"P1D"`) or an object such as
/// `{"hours": 1, "minutes": 30}`. The sign is kept; what range is allowed is the caller's rule.
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
    let found = match value {
        Value::Number(number) => parse_f64(number.as_str()),
        Value::String(text) => parse_iso(text),
        Value::Object(units) if !units.is_empty() => units.iter().try_fold(0.0, |sum, (unit, amount)| {
            let (_, factor) = UNITS.iter().find(|(name, _)| name == unit)?;
            Some(to_f64(amount)? * *factor + sum)
        }),
        _ => None,
    };
    found.filter(|seconds| seconds.is_finite()).ok_or_else(|| {
        let shown = match value {
            Value::Array(_) | Value::Bool(_) | Value::Null => kind_of(value).to_owned(),
            other => format!("`{}`", to_text(other)),
        };
        Error::new(ErrorCode::DurationInvalid, format!("{shown} is not a duration")).with_help(
            "give seconds (`90`), ISO 8601 text (`\"PT1M30S\"`) or units (`{minutes: 1, seconds: 30}`)",
        )
    })
}

/// Seconds of ISO 8601 duration text, or `None` where the text is none. Weeks, days, hours, minutes and
/// seconds, with a decimal fraction on the last part and an optional sign in front; a year counts 365 days and
/// a month 30, as in Highway's own reader.
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

/// Sum of `<number><unit>` parts whose units must follow the given order.
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
