//! Numbers: reading, writing and bounding them.
//!
//! The standard library's reading and printing of floats needs tables that add 14 KB to a page's download. `f64::clamp`
//! alone brings the printing in, for its panic message (ARCHITECTURE.md, "Size"). Numbers of users keep their digits,
//! since JSON numbers are kept as text.

mod decimal;
mod float;

use decimal::read_exponent;
pub use float::{as_json_float, as_python_float, nearest};

use serde_json::{Number, Value};

/// A number as JSON: `300` rather than `300.0`, and at most nine decimals.
pub fn number(value: f64) -> Value {
    Value::Number(from_digits(digits(value)))
}

/// The text of [`number`], for messages.
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

/// The value of a JSON number.
pub fn to_f64(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => parse_f64(number.as_str()),
        _ => None,
    }
}

/// Reads a decimal number: digits, an optional fraction, an optional exponent. It is exact for up to 15 digits with an
/// exponent of up to 22. For others it is near enough to compare with a limit; [`nearest`] is exact, but larger. `None`
/// for other text, and for a number beyond the range of doubles.
pub fn parse_f64(text: &str) -> Option<f64> {
    /// The largest power of ten up to which every one is a double.
    const EXACT: u32 = 22;
    /// More digits before the point, or zeros after it, than any double has.
    const BEYOND: i32 = 2_000;
    let (text, sign) = text.strip_prefix('-').map_or((text, 1.0), |rest| (rest, -1.0));
    let (digits, exponent) = text
        .split_once(['e', 'E'])
        .map_or((text, Some(0)), |(digits, exponent)| (digits, read_exponent(exponent)));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 10.0 + f64::from(digit.to_digit(10)?);
    }
    let scale = exponent?.saturating_sub(i32::try_from(fraction.len()).ok()?);
    let mut rest = scale.clamp(-BEYOND, BEYOND).unsigned_abs();
    while rest > 0 {
        let step = rest.min(EXACT);
        let power = (0..step).fold(1.0, |power, _| power * 10.0);
        value = if scale < 0 { value / power } else { value * power };
        rest -= step;
    }
    value.is_finite().then_some(sign * value)
}

/// Why JavaScript or Python cannot represent a number; `None` if both can.
pub(crate) fn too_large(number: &Number) -> Option<String> {
    const MOST_DIGITS: usize = 4_300;
    let digits = number.as_str();
    if digits.contains(['.', 'e', 'E']) {
        return too_large_as_float(number);
    }
    let is_fine = digits.trim_start_matches('-').len() <= MOST_DIGITS;
    (!is_fine).then(|| format!("`{}` has more than 4,300 digits", shown(digits)))
}

/// Why no double is near a number; `None` if one is.
pub(crate) fn too_large_as_float(number: &Number) -> Option<String> {
    let digits = number.as_str();
    let is_fine = nearest(digits).is_some();
    (!is_fine).then(|| format!("`{}` is larger than any floating-point number", shown(digits)))
}

/// The first digits of a number, for messages.
fn shown(digits: &str) -> String {
    const MOST: usize = 20;
    digits.get(..=MOST).map_or_else(|| digits.to_owned(), |_| format!("{digits:.MOST$}…"))
}

/// The whole number that a decimal number means: `3`, `3.0`, `3e2`.
pub(crate) fn integer(text: &str) -> Option<i64> {
    if text.contains(['e', 'E']) {
        let value = parse_f64(text)?;
        // Larger floats do not represent every integer.
        return if value.fract() == 0.0 && value.abs() < 1e15 { digits(value).parse().ok() } else { None };
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    if is_whole { whole.parse().ok() } else { None }
}

/// A JSON number from digits that are valid. This hidden function of `serde_json` is the only way that does not bring
/// its float tables in. It is not part of the stable API, so the version is pinned.
pub(crate) fn from_digits(digits: String) -> Number {
    Number::from_string_unchecked(digits)
}

/// A float with its given digits. Without a point, a reader would take many digits for an integer.
pub(crate) fn as_float(number: &Number) -> Number {
    const SAFE: usize = 15;
    let digits = number.as_str();
    let is_integer = digits.len() > SAFE && !digits.contains(['.', 'e', 'E']);
    if is_integer { from_digits(format!("{digits}.0")) } else { number.clone() }
}

/// `value`, bounded by `low` and `high`; `low` for NaN.
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
    fn floats_are_written_as_python_writes_them() {
        for (text, json, python) in [
            ("2", "2.0", "2.0"),
            ("-0", "-0.0", "-0.0"),
            ("0.5e1", "5.0", "5.0"),
            ("1e-4", "0.0001", "0.0001"),
            ("1.25e-5", "0.0000125", "1.25e-05"),
            ("0.000001", "1e-6", "1e-06"),
            ("1e15", "1000000000000000.0", "1000000000000000.0"),
            ("1e16", "1e+16", "1e+16"),
            ("12345678901234567890", "1.2345678901234567e+19", "1.2345678901234567e+19"),
            ("0.1000000000000000055511151231257827", "0.1", "0.1"),
            ("9007199254740993.0", "9007199254740992.0", "9007199254740992.0"),
            ("0.30000000000000004", "0.30000000000000004", "0.30000000000000004"),
            // The nearest number with 16 digits is another double, since doubles lie closer together below a power of
            // two.
            ("5.6843418860808015e-14", "5.684341886080802e-14", "5.684341886080802e-14"),
            ("4.9e-324", "5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308", "1.7976931348623157e+308"),
            ("1e-400", "0.0", "0.0"),
        ] {
            assert_eq!(as_json_float(text).as_deref(), Some(json), "{text}");
            assert_eq!(as_python_float(text).as_deref(), Some(python), "{text}");
        }
        assert_eq!((as_json_float("1e400"), as_json_float("one")), (None, None));
    }

    #[test]
    fn floats_keep_their_value_and_have_no_digit_too_many() {
        // Bits of doubles from a linear congruential generator.
        let mut bits = 0x1234_5678_9abc_def1_u64;
        for _ in 0..3_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from_bits(bits ^ (bits >> 29));
            let (long, short) = (format!("{value:.25e}"), format!("{value:e}"));
            if !value.is_finite() {
                continue;
            }
            assert_eq!(nearest(&short).map(f64::to_bits), Some(value.to_bits()), "{short}");
            assert_eq!(nearest(&long).map(f64::to_bits), long.parse().ok().map(f64::to_bits), "{long}");
            let digits = |text: &str| {
                let mantissa = text.split('e').next().unwrap_or_default().replace(['-', '.'], "");
                mantissa.trim_matches('0').to_owned()
            };
            let written = as_python_float(&long).unwrap();
            assert_eq!(written.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()), "{written}");
            // Rust and Python differ if two numbers with this many digits are equally near.
            assert_eq!(digits(&written).len(), digits(&short).len(), "{written}");
        }
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
            assert_eq!(nearest(text), text.parse().ok(), "{text}");
        }
        for text in [
            "1e23",
            "8.5e22",
            "9007199254740993",
            "0.30000000000000004",
            "123456789012345678901234567890",
            "1.7976931348623157e308",
            "5e-324",
            "2.2250738585072011e-308",
            "2.470328229206232720882843964341e-324",
            "1e-400",
            "0.000000000000000000000000000000000000000000000000000000001e56",
            "9007199254740992.5000000000000000000000000000000000000001",
        ] {
            let value: f64 = text.parse().unwrap();
            assert_eq!(nearest(text), Some(value), "{text}");
            let near = parse_f64(text).unwrap();
            assert!(near == value || (near / value - 1.0).abs() < 1e-14, "{text}");
        }
        for text in [
            "",
            "-",
            ".5",
            "1x",
            "1e",
            "e1",
            "1e999",
            "1e99999999999999999999",
            "1.7976931348623159e308",
            "1e+-5",
            "1e++5",
            "0x10",
            "１",
        ] {
            assert_eq!((parse_f64(text), nearest(text)), (None, None), "{text}");
        }
    }
}
