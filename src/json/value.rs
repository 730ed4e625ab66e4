//! JSON values: the names of their kinds, their size and their text.

use super::write::write_json;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The kind of a value in the words of an error message.
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

/// The bytes that a value takes: those of its texts, and 32 for each value in it.
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

/// The bytes that the entries of an object take.
pub fn size_of_map(map: &Map<String, Value>) -> usize {
    map.iter().map(|(key, value)| key.len() + size(value)).sum()
}

/// The text of a value inside other text: text as it is, any other value as JSON.
pub fn to_text(value: &Value) -> String {
    text_of(value).into_owned()
}

/// Works as [`to_text`], but borrows the text of a text value.
pub fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(write_json(other)),
    }
}
