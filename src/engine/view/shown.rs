//! Objects of answers. They borrow large values, so that a value is copied only once: into the text of the answer.

use crate::json::JsonWriter;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// A value of an answer.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Shown<'a> {
    /// A value made for the answer.
    Made(Value),
    /// A value of the state.
    Lent(&'a Value),
    /// An object of the state.
    Map(&'a Map<String, Value>),
    /// Text of the state.
    Text(&'a str),
    /// An object that borrows its values.
    View(View<'a>),
}

impl<'a> Shown<'a> {
    /// Borrows a value; null if there is none.
    pub(in crate::engine) fn lent(value: Option<&'a Value>) -> Self {
        value.map_or(Self::Made(Value::Null), Self::Lent)
    }

    /// Writes the value.
    pub(in crate::engine) fn write(&self, out: &mut JsonWriter) {
        match self {
            Self::Made(value) => out.value(value),
            Self::Lent(value) => out.value(value),
            Self::Map(map) => out.object(map),
            Self::Text(text) => out.text(text),
            Self::View(fields) => {
                out.open('{');
                fields.write_entries(out);
                out.close('}');
            }
        }
    }

    /// The JSON text of the value.
    pub(in crate::engine) fn text(&self) -> String {
        let mut out = JsonWriter::compact();
        self.write(&mut out);
        out.finish()
    }

    /// A copy of the value.
    pub(in crate::engine) fn into_value(self) -> Value {
        match self {
            Self::Made(value) => value,
            Self::Lent(value) => value.clone(),
            Self::Map(map) => Value::Object(map.clone()),
            Self::Text(text) => text.into(),
            Self::View(fields) => fields.into_value(),
        }
    }
}

/// An object of an answer: its entries, in order.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct View<'a>(Vec<(&'a str, Shown<'a>)>);

impl<'a> View<'a> {
    /// Adds an entry with a value made for the answer. The key must be new.
    #[must_use]
    pub(in crate::engine) fn with(self, key: &'a str, value: impl Into<Value>) -> Self {
        self.lending(key, Shown::Made(value.into()))
    }

    /// Adds an entry. The key must be new.
    #[must_use]
    pub(in crate::engine) fn lending(mut self, key: &'a str, value: Shown<'a>) -> Self {
        self.0.push((key, value));
        self
    }

    /// Adds the entries of another object. The keys must be new.
    #[must_use]
    pub(in crate::engine) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// An object with these entries. If a key is repeated, its first place and its last value count.
    pub(in crate::engine) fn of(entries: impl Iterator<Item = (&'a str, Shown<'a>)>) -> Self {
        let (mut fields, mut places) = (Vec::new(), HashMap::new());
        for (key, value) in entries {
            let place = *places.entry(key).or_insert(fields.len());
            match fields.get_mut(place) {
                Some(known) => *known = (key, value),
                None => fields.push((key, value)),
            }
        }
        Self(fields)
    }

    /// Writes the entries into an open object.
    pub(in crate::engine) fn write_entries(&self, out: &mut JsonWriter) {
        for (key, value) in &self.0 {
            out.key(key);
            value.write(out);
        }
    }

    /// A copy of the object.
    pub(in crate::engine) fn into_value(self) -> Value {
        Value::Object(self.into_map())
    }

    /// A copy of the entries.
    pub(in crate::engine) fn into_map(self) -> Map<String, Value> {
        self.0.into_iter().map(|(key, value)| (key.to_owned(), value.into_value())).collect()
    }
}
