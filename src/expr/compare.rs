//! Compares values of different types: text with a number as a number, a boolean with a number as 0 or 1, text with a
//! boolean as a word. Numbers are compared by their digits, so no precision is lost.

use crate::json::text_of;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Whether a value counts as true. False are `false`, null, 0, empty values, and the words `false`, `0`, `none` and
/// `null`.
///
/// ```
/// use highway_wasm::expr::is_true;
/// use serde_json::json;
///
/// assert!(is_true(&json!("yes")) && !is_true(&json!("False\n")) && !is_true(&json!([])));
/// ```
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => {
            Decimal::parse(number.as_str()).is_none_or(|number| !number.digits.is_empty())
        }
        Value::String(text) => {
            let text = without_line_break(text);
            !["", "0", "false", "none", "null"].iter().any(|word| text.eq_ignore_ascii_case(word))
        }
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// Whether two values are equal; values of different types may be.
///
/// ```
/// use highway_wasm::expr::equal;
/// use serde_json::json;
///
/// assert!(equal(&json!("200\n"), &json!(200)));
/// assert!(equal(&json!("False"), &json!(false)));
/// assert!(!equal(&json!("1.0"), &json!("1")));
/// ```
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::String(left), Value::String(right)) => without_line_break(left) == without_line_break(right),
        (Value::Bool(flag), Value::String(text)) | (Value::String(text), Value::Bool(flag)) => {
            without_line_break(text).eq_ignore_ascii_case(if *flag { "true" } else { "false" })
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let has = |(key, value)| right.get(key).is_some_and(|other| equal(value, other));
            left.len() == right.len() && left.iter().all(has)
        }
        _ => equal_numbers(left, (right, Decimal::of(right).as_ref())),
    }
}

fn equal_numbers(left: &Value, (right, number): (&Value, Option<&Decimal<'_>>)) -> bool {
    match (Decimal::of(left), number) {
        (Some(left), Some(right)) => left.order(right) == Ordering::Equal,
        // A number too large to be read equals itself.
        _ => left == right,
    }
}

/// Whether one of the items equals the value. The value is parsed only once.
pub(crate) fn is_among(items: &[Value], item: &Value) -> bool {
    let number = Decimal::of(item);
    items.iter().any(|other| match (other, item) {
        (Value::Number(_), _) | (_, Value::Number(_)) => equal_numbers(other, (item, number.as_ref())),
        _ => equal(other, item),
    })
}

/// The order of two values; `None` if they have none. Two texts are ordered as numbers if both are numbers, else by
/// their characters.
///
/// ```
/// use highway_wasm::expr::order;
/// use serde_json::json;
/// use std::cmp::Ordering;
///
/// assert_eq!(order(&json!("9"), &json!(10)), Some(Ordering::Less));
/// assert_eq!(order(&json!("nine"), &json!(10)), None);
/// ```
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(_), Value::String(_)) | (Value::String(_), Value::Bool(_)) => None,
        _ => match (Decimal::of(left), Decimal::of(right), left, right) {
            (Some(left), Some(right), _, _) => Some(left.order(&right)),
            (_, _, Value::String(left), Value::String(right)) => {
                Some(without_line_break(left).cmp(without_line_break(right)))
            }
            _ => None,
        },
    }
}

/// Whether a list contains an item, an object a key, or a text a part; `None` if the container is of another type.
///
/// ```
/// use highway_wasm::expr::contains;
/// use serde_json::json;
///
/// assert_eq!(contains(&json!([1, "2"]), &json!(2)), Some(true));
/// assert_eq!(contains(&json!("abc"), &json!("b\n")), Some(true));
/// assert_eq!(contains(&json!(5), &json!(5)), None);
/// ```
pub fn contains(container: &Value, item: &Value) -> Option<bool> {
    let part = || match item {
        Value::String(text) => Some(Cow::Borrowed(without_line_break(text))),
        Value::Number(_) | Value::Bool(_) => Some(text_of(item)),
        _ => None,
    };
    match container {
        Value::Array(items) => Some(is_among(items, item)),
        Value::Object(map) => Some(map.contains_key(part()?.as_ref())),
        Value::String(text) => Some(text.contains(part()?.as_ref())),
        _ => None,
    }
}

/// The text without one line break at its end.
fn without_line_break(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
}

/// The longest text that is read as a number, in characters. An item of a list may be megabytes long.
const MOST_DIGITS: usize = 1_000;

/// A decimal number as 0.`digits` · 10^`magnitude`, without zeros at either end of the digits. The digits of zero are
/// empty.
struct Decimal<'a> {
    is_negative: bool,
    digits: Cow<'a, str>,
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    /// The number that a number, a boolean or a text stands for.
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::parse(number.as_str()),
            Value::Bool(flag) => Self::parse(if *flag { "1" } else { "0" }),
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    /// Reads digits with an optional sign, fraction and exponent, and blanks around them.
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_ascii();
        if text.len() > MOST_DIGITS {
            return None;
        }
        let (is_negative, text) = text
            .strip_prefix('-')
            .map_or((false, text.strip_prefix('+').unwrap_or(text)), |rest| (true, rest));
        let (text, exponent) = match text.split_once(['e', 'E']) {
            Some((text, exponent)) => (text, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all =
            if fraction.is_empty() { Cow::Borrowed(whole) } else { Cow::Owned(format!("{whole}{fraction}")) };
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let zeros = all.len() - all.trim_start_matches('0').len();
        let end = all.trim_end_matches('0').len();
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
        let digits = match all {
            Cow::Borrowed(all) => Cow::Borrowed(all.get(zeros..end).unwrap_or_default()),
            Cow::Owned(all) => Cow::Owned(all.get(zeros..end).unwrap_or_default().to_owned()),
        };
        Some(Self { is_negative, digits, magnitude: exponent.checked_add(point)? })
    }

    fn order(&self, other: &Decimal<'_>) -> Ordering {
        let sign = |number: &Decimal<'_>| match (number.digits.is_empty(), number.is_negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        };
        let (left, right) = (sign(self), sign(other));
        let by_size = (self.magnitude, &self.digits).cmp(&(other.magnitude, &other.digits));
        left.cmp(&right).then(match left {
            0 => Ordering::Equal,
            1 => by_size,
            _ => by_size.reverse(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_ordered_by_their_digits() {
        let ascending = [
            "-1e30",
            "-100",
            "-20.5",
            "-3",
            "-0.25",
            "-1e-9",
            "0",
            "1e-400",
            "1e-9",
            "0.1",
            "0.10000000000000001",
            "1",
            "1.5",
            "2",
            "9",
            "10",
            "99.9",
            "100",
            "9007199254740992",
            "9007199254740993",
            "1e400",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let expected = Some(at.cmp(&other));
                assert_eq!(order(&number(left), &number(right)), expected, "{left} {right}");
                assert_eq!(order(&json!(left), &number(right)), expected, "'{left}' {right}");
                assert_eq!(equal(&number(left), &json!(right)), at == other, "{left} '{right}'");
            }
        }
        for (left, right) in [("0", "-0.0"), ("1", "1.0"), ("100", "1e2"), ("0.05", "5E-2"), ("0e5", "0")] {
            assert!(equal(&number(left), &number(right)), "{left} {right}");
        }
    }

    #[test]
    fn only_plain_decimals_are_numbers() {
        for text in [
            "",
            " ",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "0x10",
            "1_000",
            "inf",
            "nan",
            "--1",
            "1 2",
            "１",
            "1e99999999999999999999",
        ] {
            assert_eq!(order(&json!(text), &json!(1)), None, "{text}");
            assert!(!equal(&json!(text), &json!(1)), "{text}");
        }
        for text in ["1", " 1\n", "+1", "1.", "01", "1.0", ".1e1", "10e-1", "1e+0"] {
            assert!(equal(&json!(text), &json!(1)), "{text}");
        }
    }

    #[test]
    fn other_types_are_never_equal_to_each_other() {
        let values = [json!(null), json!([]), json!({}), json!("x"), json!(7)];
        for (at, left) in values.iter().enumerate() {
            for (other, right) in values.iter().enumerate() {
                assert_eq!(equal(left, right), at == other, "{left} {right}");
            }
        }
        assert!(!equal(&json!("1"), &json!(true)) && equal(&json!(1), &json!(true)));
        assert!(equal(&json!({"a": [1, "2"]}), &json!({"a": [1.0, 2]})));
        assert!(!equal(&json!({"a": null}), &json!({"b": null})));
        assert_eq!(order(&json!(null), &json!(1)), None);
        assert_eq!(order(&json!([1]), &json!([2])), None);
        assert_eq!(order(&json!(false), &json!(true)), Some(Ordering::Less));
    }

    #[test]
    fn containers_are_searched() {
        for (container, item, expected) in [
            (json!("code 200"), json!(200), Some(true)),
            (json!("true story"), json!(true), Some(true)),
            (json!("abc"), json!(null), None),
            (json!({"1": 0}), json!(1), Some(true)),
            (json!({"a": 0}), json!([]), None),
            (json!([[1], null]), json!(null), Some(true)),
            (json!(null), json!("a"), None),
        ] {
            assert_eq!(contains(&container, &item), expected, "{item} in {container}");
        }
    }
}
