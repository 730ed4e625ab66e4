//! Small helpers over JSON values: pointers, kinds for messages, objects, text.

use super::write_json;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// `path` extended by one object key, escaped as RFC 6901 asks.
pub fn child_path(path: &str, key: &str) -> String {
    let mut out = String::with_capacity(path.len() + key.len() + 1);
    out.push_str(path);
    out.push('/');
    for character in key.chars() {
        match character {
            '~' => out.push_str("~0"),
            '/' => out.push_str("~1"),
            other => out.push(other),
        }
    }
    out
}

/// The value below another one, by keys without anything to escape in them.
pub(crate) fn below<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.trim_start_matches('/').split('/').try_fold(value, |value, key| value.get(key))
}

/// What a value is, in the words of an error message.
pub const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// An object with the given entries, in order.
pub fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let mut map = Map::with_capacity(N);
    for (key, value) in entries {
        map.insert(key.into(), value);
    }
    Value::Object(map)
}

/// Bytes that a value takes: those of its texts, and 32 for each value in it.
pub fn size(value: &Value) -> usize {
    const EACH: usize = 32;
    EACH + match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => size_of_map(map),
    }
}

/// Bytes that the entries of an object take.
pub fn size_of_map(map: &Map<String, Value>) -> usize {
    map.iter().map(|(key, value)| key.len() + size(value)).sum()
}

/// Text of a value inside other text: text as it is, everything else as JSON.
pub fn to_text(value: &Value) -> String {
    text_of(value).into_owned()
}

/// The same, lent where the value is text.
pub fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(write_json(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_slash_and_tilde() {
        assert_eq!(child_path("/tasks", "a/b~c"), "/tasks/a~1b~0c");
    }
}
