//! Floats as Highway's Python writes them.

use super::decimal::Decimal;

/// JSON text of a double, as `highway_dsl` writes it: the shortest digits that read as the same double, with a fraction
/// or an exponent. `text` is a decimal number. `None` for a number beyond the range of doubles.
///
/// ```
/// use highway_wasm::json::number::as_json_float;
///
/// assert_eq!(as_json_float("2").as_deref(), Some("2.0"));
/// assert_eq!(as_json_float("1e-5").as_deref(), Some("0.00001"));
/// assert_eq!(as_json_float("1e400"), None);
/// ```
pub fn as_json_float(text: &str) -> Option<String> {
    let (negative, decimal) = shortest(text)?;
    Some(written(negative, &decimal, -4, |exponent| format!("e{exponent:+}")))
}

/// Works as [`as_json_float`], with the text of Python's `repr`.
pub fn as_python_float(text: &str) -> Option<String> {
    let (negative, decimal) = shortest(text)?;
    Some(written(negative, &decimal, -3, |exponent| format!("e{exponent:+03}")))
}

/// The double nearest to a decimal number. The middle between two doubles gives the even one. `None` for other text,
/// and for a number beyond the range of doubles.
pub fn nearest(text: &str) -> Option<f64> {
    let (negative, decimal) = Decimal::read(text)?;
    let value = decimal.nearest();
    value.is_finite().then_some(if negative { -value } else { value })
}

/// The fewest digits that read as the double nearest to the number in the text.
fn shortest(text: &str) -> Option<(bool, Decimal)> {
    /// Two different numbers with this many digits are never the same double, except for the very smallest.
    const DISTINCT: usize = 15;
    const NORMAL: std::ops::RangeInclusive<i32> = -306..=308;
    let (negative, decimal) = Decimal::read(text)?;
    let is_normal = NORMAL.contains(&decimal.point);
    if decimal.digits.is_empty() || (is_normal && decimal.digits.len() <= DISTINCT) {
        return Some((negative, decimal));
    }
    let value = nearest(text)?.abs();
    let exact = exact(value);
    let fewest = if is_normal { DISTINCT } else { 1 };
    let found = (fewest..=17).find_map(|count| {
        candidates(&exact, count)
            .into_iter()
            .find(|candidate| candidate.clone().nearest().to_bits() == value.to_bits())
    });
    Some((negative, found.unwrap_or(exact)))
}

/// All digits of a double.
fn exact(value: f64) -> Decimal {
    let bits = value.to_bits();
    let (exponent, fraction) = (i32::try_from(bits >> 52).unwrap_or_default(), bits & ((1 << 52) - 1));
    let mantissa = if exponent == 0 { fraction } else { fraction | (1 << 52) };
    Decimal::of_integer(mantissa).shifted(exponent.max(1) - 1075)
}

/// The two numbers with this many digits around a number, the nearer one first.
fn candidates(exact: &Decimal, count: usize) -> Vec<Decimal> {
    let Some((kept, rest)) = exact.digits.split_at_checked(count) else {
        return vec![exact.clone()];
    };
    let below = Decimal { digits: kept.to_vec(), point: exact.point };
    let above = next(&below);
    // In the middle between both, the even one comes first.
    let is_middle = rest == [5];
    let is_up = if is_middle {
        kept.last().is_some_and(|last| last % 2 == 1)
    } else {
        rest.first().is_some_and(|digit| *digit >= 5)
    };
    let (below, above) = (below.trimmed(), above.trimmed());
    if is_up { vec![above, below] } else { vec![below, above] }
}

/// The number with 1 added to its last digit.
fn next(decimal: &Decimal) -> Decimal {
    let mut digits = decimal.digits.clone();
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return Decimal { digits, point: decimal.point };
        }
        *digit = 0;
    }
    Decimal { digits: vec![1], point: decimal.point + 1 }
}

/// The digits with a point. They have an exponent if the point would stand before `lowest` or after 16 digits.
fn written(negative: bool, decimal: &Decimal, lowest: i32, exponent: impl Fn(i32) -> String) -> String {
    let sign = if negative { "-" } else { "" };
    let digits: String = decimal.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
    if digits.is_empty() {
        return format!("{sign}0.0");
    }
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    if !(lowest..=16).contains(&decimal.point) {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}{}", exponent(decimal.point - 1));
    }
    if decimal.point <= 0 {
        return format!("{sign}0.{}{digits}", zeros(-decimal.point));
    }
    if decimal.point >= count {
        return format!("{sign}{digits}{}.0", zeros(decimal.point - count));
    }
    let (whole, fraction) =
        digits.split_at_checked(usize::try_from(decimal.point).unwrap_or_default()).unwrap_or((&digits, "0"));
    format!("{sign}{whole}.{fraction}")
}
