//! Numbers: read, written and bounded by hand.
//!
//! The tables behind the standard library's reading and printing of floats weigh 14 KB in a page's download, and
//! `f64::clamp` alone pulls the printing in for its panic message (ARCHITECTURE.md, "Size"). User data keeps its digits,
//! since JSON numbers are kept as text.

use serde_json::{Number, Value};

/// A number as JSON: without a fraction where it has none (`300`, not `300.0`), else with up to nine decimals.
pub fn number(value: f64) -> Value {
    Value::Number(from_digits(digits(value)))
}

/// The same as text, for messages.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the exact range first"
)]
pub fn digits(value: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    const NANO: f64 = 1e9;
    let magnitude = if value.is_nan() { 0.0 } else { value.abs().min(EXACT) };
    let (mut whole, mut nanos) = (magnitude.trunc() as u64, (magnitude.fract() * NANO).round() as u64);
    if nanos >= 1_000_000_000 {
        (whole, nanos) = (whole + 1, 0);
    }
    let sign = if value < 0.0 && (whole, nanos) != (0, 0) { "-" } else { "" };
    let digits = if nanos == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{nanos:09}") };
    let digits = if nanos == 0 { digits.as_str() } else { digits.trim_end_matches('0') };
    digits.to_owned()
}

/// The value of a JSON number. Exact for every number of up to 15 digits with an exponent of up to 22.
pub fn to_f64(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => parse_f64(number.as_str()),
        _ => None,
    }
}

/// Reads decimal text: digits, an optional fraction, an optional exponent.
pub fn parse_f64(text: &str) -> Option<f64> {
    let (text, sign) = text.strip_prefix('-').map_or((text, 1.0), |rest| (rest, -1.0));
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() {
        return None;
    }
    let mut mantissa = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        mantissa = mantissa * 10.0 + f64::from(digit.to_digit(10)?);
    }
    let scale = exponent.saturating_sub(i32::try_from(fraction.len()).ok()?);
    let mut power = 1.0_f64;
    for _ in 0..scale.unsigned_abs().min(400) {
        power *= 10.0;
    }
    let value = sign * if scale < 0 { mantissa / power } else { mantissa * power };
    value.is_finite().then_some(value)
}

/// The whole number that decimal text stands for: `3`, `3.0`, `3e2`.
pub(crate) fn integer(text: &str) -> Option<i64> {
    if text.contains(['e', 'E']) {
        let value = parse_f64(text)?;
        // Beyond this a float has no ones.
        return if value.fract() == 0.0 && value.abs() < 1e15 { digits(value).parse().ok() } else { None };
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    if is_whole { whole.parse().ok() } else { None }
}

/// A JSON number of digits that are known to be one. `serde_json` has no other way that leaves its float tables out;
/// the function is not part of its promises, so the version is pinned.
pub(crate) fn from_digits(digits: String) -> Number {
    Number::from_string_unchecked(digits)
}

/// `value`, but not below `low` nor above `high`; `low` where it is not a number.
pub fn clamp(value: f64, low: f64, high: f64) -> f64 {
    value.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_fraction() {
        assert_eq!(number(300.0).to_string(), "300");
        assert_eq!(number(0.5).to_string(), "0.5");
        assert_eq!(number(-0.0).to_string(), "0");
        assert_eq!(number(-90.25).to_string(), "-90.25");
        assert_eq!(number(0.999_999_999_9).to_string(), "1");
        assert_eq!(number(f64::NAN).to_string(), "0");
        assert_eq!(number(1e300).to_string(), "9007199254740992");
    }

    #[test]
    fn integers_have_no_fraction() {
        for (text, expected) in
            [("3", Some(3)), ("-1.0", Some(-1)), ("1e3", Some(1000)), ("1.5", None), ("", None), ("1.", None)]
        {
            assert_eq!(integer(text), expected, "{text}");
        }
        assert_eq!(integer("99999999999999999999"), None);
    }

    #[test]
    fn numbers_are_read_exactly() {
        for text in [
            "0",
            "300",
            "0.25",
            "-1.5",
            "2.0",
            "1e3",
            "1.1",
            "0.1",
            "93784.5",
            "1E-3",
            "123456789.123456",
            "6.02e+23",
            "1e22",
        ] {
            assert_eq!(parse_f64(text), text.parse().ok(), "{text}");
        }
        for text in ["", "-", ".5", "1x", "1e", "e1", "1e999", "1e+-5", "1e++5", "0x10", "１"] {
            assert_eq!(parse_f64(text), None, "{text}");
        }
    }
}
