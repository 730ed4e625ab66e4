//! The values of scalars: the implicit types of YAML 1.1 by `PyYAML`'s regular expressions, and the standard tags.

use super::number::{float_digits, int_digits};
use super::timestamp::{is_timestamp, to_iso};
use crate::json::number::{from_digits, nearest};
use serde_json::Value;

/// The type of a bare word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Null,
    Bool(bool),
    Int,
    Float,
    /// `.inf` and `.nan`.
    NotFinite,
    Timestamp,
    /// `<<`.
    Merge,
    /// `=`, the default value of YAML 1.1, which `safe_load` does not accept.
    Default,
}

impl Kind {
    /// The name for messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int | Self::Float | Self::NotFinite => "a number",
            Self::Timestamp => "a date",
            Self::Merge | Self::Default => "an indicator",
        }
    }

    /// The type of a bare word.
    pub(super) fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Self::Bool(true),
            "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Self::Bool(false),
            "<<" => Self::Merge,
            "=" => Self::Default,
            _ if !text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => {
                Self::Text
            }
            _ if is_float(text) => Self::Float,
            _ if is_not_finite(text) => Self::NotFinite,
            _ if is_int(text) => Self::Int,
            _ if is_timestamp(text) => Self::Timestamp,
            _ => Self::Text,
        }
    }
}

/// Whether a bare word is a boolean or number that does not look like one: `no`, `12:30`, `010`, `1_000`.
pub(super) fn is_misread(text: &str) -> bool {
    let kind = Kind::of(text);
    match kind {
        Kind::Bool(_) => !text.starts_with(['t', 'T', 'f', 'F']),
        Kind::Int | Kind::Float => {
            let is_octal = kind == Kind::Int && matches!(unsigned(text).as_bytes(), [b'0', b'0'..=b'9', ..]);
            is_octal || text.contains([':', '_'])
        }
        _ => false,
    }
}

/// The value of a scalar without a tag.
pub(super) fn untagged(text: &str, plain: bool) -> Result<Value, String> {
    let kind = if plain { Kind::of(text) } else { Kind::Text };
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Null => Ok(Value::Null),
        Kind::Bool(value) => Ok(Value::Bool(value)),
        Kind::Int => int_digits(text).map(number),
        Kind::Float => float(text, text),
        Kind::NotFinite => Err(format!("`{text}` is a number that JSON cannot carry: write it in quotes")),
        Kind::Timestamp => date(text),
        Kind::Merge | Kind::Default => Err(format!("`{text}` has a meaning of its own: write it in quotes")),
    }
}

/// The value of a scalar with a standard tag, given by its name.
pub(super) fn tagged(text: &str, tag: &str) -> Result<Value, String> {
    match tag {
        "str" => Ok(Value::String(text.to_owned())),
        "null" => Ok(Value::Null),
        "bool" => match Kind::of(&text.to_ascii_lowercase()) {
            Kind::Bool(value) => Ok(Value::Bool(value)),
            _ => Err(format!("`{text}` is not a boolean")),
        },
        "int" if is_int(text) => int_digits(text).map(number),
        "int" => Err(format!("`{text}` is not an integer")),
        "float" => tagged_float(text),
        "timestamp" => date(text),
        _ => Err(format!("the tag `!!{tag}` does not go with a scalar")),
    }
}

/// With its tag, a float may have the form that Python's `float` reads: without a point, and with an exponent without a
/// sign.
fn tagged_float(text: &str) -> Result<Value, String> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, ""));
    let point = if mantissa.contains('.') { "" } else { "." };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    let full = match exponent {
        "" => format!("{mantissa}{point}"),
        _ => format!("{mantissa}{point}e{sign}{exponent}"),
    };
    if is_float(&full) { float(text, &full) } else { Err(format!("`{text}` is not a finite number")) }
}

/// The value of a float. `shown` is its text in the document.
fn float(shown: &str, text: &str) -> Result<Value, String> {
    let digits = float_digits(text);
    if nearest(&digits).is_none() {
        return Err(format!("`{shown}` is larger than any floating-point number: write it in quotes"));
    }
    Ok(number(digits))
}

fn number(digits: String) -> Value {
    Value::Number(from_digits(digits))
}

fn date(text: &str) -> Result<Value, String> {
    to_iso(text).map(Value::String).ok_or_else(|| format!("`{text}` is not a date: write text in quotes"))
}

/// `[-+]?0b[0-1_]+ | [-+]?0[0-7_]+ | [-+]?(?:0|[1-9][0-9_]*) | [-+]?0x[0-9a-fA-F_]+ |
/// [-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+`
fn is_int(text: &str) -> bool {
    let text = unsigned(text);
    let all = |digits: &str, valid: fn(u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || valid(byte))
    };
    if let Some(digits) = text.strip_prefix("0b") {
        all(digits, |byte| matches!(byte, b'0' | b'1'))
    } else if let Some(digits) = text.strip_prefix("0x") {
        all(digits, |byte| byte.is_ascii_hexdigit())
    } else if let Some(digits) = text.strip_prefix('0') {
        digits.is_empty() || all(digits, |byte| matches!(byte, b'0'..=b'7'))
    } else {
        after_digits(text).is_some_and(|rest| rest.is_empty() || after_sixties(rest) == Some(""))
    }
}

/// `[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)? | \.[0-9][0-9_]*(?:[eE][-+][0-9]+)? |
/// [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*`
fn is_float(text: &str) -> bool {
    let is_exponent = |rest: &str| {
        rest.is_empty()
            || rest
                .strip_prefix(['e', 'E'])
                .and_then(|rest| rest.strip_prefix(['-', '+']))
                .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if let Some(fraction) = text.strip_prefix('.') {
        return after_digits(fraction).is_some_and(is_exponent);
    }
    let Some(rest) = after_digits(unsigned(text)) else {
        return false;
    };
    match rest.strip_prefix('.') {
        Some(fraction) => is_exponent(trim_digits(fraction)),
        None => after_sixties(rest)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|fraction| trim_digits(fraction).is_empty()),
    }
}

fn is_not_finite(text: &str) -> bool {
    matches!(text, ".nan" | ".NaN" | ".NAN") || matches!(unsigned(text), ".inf" | ".Inf" | ".INF")
}

/// The rest of the text after `[0-9][0-9_]*`.
fn after_digits(text: &str) -> Option<&str> {
    text.starts_with(|first: char| first.is_ascii_digit()).then(|| trim_digits(text))
}

fn trim_digits(text: &str) -> &str {
    text.trim_start_matches(|char: char| char.is_ascii_digit() || char == '_')
}

/// The rest of the text after `(?::[0-5]?[0-9])+`, the further places of a number in base 60.
fn after_sixties(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(place) = rest.strip_prefix(':') {
        let after = place.trim_start_matches(|char: char| char.is_ascii_digit());
        let digits = place.strip_suffix(after)?.as_bytes();
        if !matches!(digits, [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']) {
            return None;
        }
        rest = after;
    }
    (rest.len() < text.len()).then_some(rest)
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_what_pyyaml_takes_them_for() {
        for (kind, texts) in [
            (Kind::Null, "~ null Null NULL"),
            (Kind::Bool(true), "yes Yes YES true True TRUE on On ON"),
            (Kind::Bool(false), "no No NO false False FALSE off Off OFF"),
            (Kind::Int, "0 -0 +12 1_000 1__ 010 0_7 0_ 0b1_0 0x_F -0xfF 1:30 190:20:30 1_0:5 0b_ 0x_"),
            (Kind::Float, "1. 0.5 .5 .5_0 08.5 1_0.0_1 1.5e+3 1.E-3 -1.0 1:30.5 0:1. .1e+5"),
            (Kind::NotFinite, ".inf -.Inf +.INF .nan .NaN .NAN"),
            (Kind::Timestamp, "2025-01-01 2025-1-1T1:00:00 2025-13-99 2025-01-01t10:00:00.5+1"),
            (Kind::Merge, "<<"),
            (Kind::Default, "="),
            (
                Kind::Text,
                "y n tRue yES nULL 08 0o7 1e3 1.5e3 -.5 +.5 . ._ ._5 + - _1 0b2 0xg 1:60 1:5: 0:30 :1",
            ),
            (Kind::Text, "1:075 1.5.2 1.0e+ 2025-1-1 2025-01-01T -.nan .iNF １ 1２ 0b 0x -- 1:30.5e+1"),
        ] {
            for text in texts.split(' ') {
                assert_eq!(Kind::of(text), kind, "{text}");
            }
        }
        assert_eq!(Kind::of(""), Kind::Null);
        assert_eq!(Kind::of("2025-01-01 \t10:00:00 Z"), Kind::Timestamp);
    }

    #[test]
    fn tags_make_scalars_what_they_say() {
        for (tag, text, json) in [
            ("str", "1", "\"1\""),
            ("null", "x", "null"),
            ("bool", "yEs", "true"),
            ("int", "0x10", "16"),
            ("float", "1", "1.0"),
            ("float", "010", "10.0"),
            ("float", "1e3", "1.0e+3"),
            ("float", "1:30", "90.0"),
            ("float", "-1.5e-3", "-1.5e-3"),
            ("timestamp", "2025-1-1", "\"2025-01-01\""),
        ] {
            assert_eq!(tagged(text, tag).map(|value| value.to_string()), Ok(json.to_owned()), "{tag} {text}");
        }
        for (tag, text) in
            [("int", "1.0"), ("int", ""), ("float", ""), ("float", "0x1"), ("float", "1:30e1"), ("bool", "y")]
        {
            assert!(tagged(text, tag).is_err(), "{tag} {text}");
        }
    }
}
