//! Fields of an object, taken out of it one by one.

use crate::engine::state::failure::Failure;
use crate::engine::state::positions::CallId;
use crate::error::{Error, ErrorCode, Result};
use crate::time::Millis;
use serde_json::{Map, Value};

/// An object that is read once: what is taken is not copied.
pub(in crate::engine) struct FieldReader<'a>(pub(in crate::engine) &'a mut Value);

impl FieldReader<'_> {
    /// Text that must be there.
    pub(in crate::engine) fn text(&mut self, name: &str) -> Result<String> {
        self.some_text(name).ok_or_else(|| lacking(name))
    }

    /// Text that may be missing.
    pub(in crate::engine) fn some_text(&mut self, name: &str) -> Option<String> {
        match self.optional(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A moment, or the number of an event, that must be there.
    pub(in crate::engine) fn millis(&self, name: &str) -> Result<Millis> {
        self.some_millis(name).ok_or_else(|| lacking(name))
    }

    /// A moment that may be missing.
    pub(in crate::engine) fn some_millis(&self, name: &str) -> Option<Millis> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// A position that must be there.
    pub(in crate::engine) fn position<P: From<usize>>(&self, name: &str) -> Result<P> {
        self.some_position(name).ok_or_else(|| lacking(name))
    }

    /// A position that may be missing.
    pub(in crate::engine) fn some_position<P: From<usize>>(&self, name: &str) -> Option<P> {
        self.some_millis(name).and_then(|number| usize::try_from(number).ok()).map(P::from)
    }

    /// A call that must be there.
    pub(in crate::engine) fn call(&self, name: &str) -> Result<CallId> {
        self.millis(name).map(CallId::new)
    }

    /// A call that may be missing.
    pub(in crate::engine) fn some_call(&self, name: &str) -> Option<CallId> {
        self.some_millis(name).map(CallId::new)
    }

    /// A small number that may be missing.
    pub(in crate::engine) fn some_number(&self, name: &str) -> Option<u32> {
        self.some_millis(name).and_then(|number| u32::try_from(number).ok())
    }

    /// A value; null where it is missing.
    pub(in crate::engine) fn value(&mut self, name: &str) -> Value {
        self.optional(name).unwrap_or_default()
    }

    /// A value that may be missing; null is one.
    pub(in crate::engine) fn optional(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take)
    }

    /// An object; an empty one where it is missing.
    pub(in crate::engine) fn map(&mut self, name: &str) -> Map<String, Value> {
        match self.value(name) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// A list; an empty one where it is missing.
    pub(in crate::engine) fn list(&mut self, name: &str) -> Vec<Value> {
        list_of(self.value(name)).unwrap_or_default()
    }

    /// A list of positions; an empty one where it is missing.
    pub(in crate::engine) fn positions<P: From<usize>>(&self, name: &str) -> Vec<P> {
        self.0.get(name).map(positions).unwrap_or_default()
    }

    /// A distance of time, in milliseconds.
    pub(in crate::engine) fn since(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// An object that may be missing.
    pub(in crate::engine) fn nested(&mut self, name: &str) -> Option<FieldReader<'_>> {
        self.0.get_mut(name).filter(|value| value.is_object()).map(FieldReader)
    }

    /// A failure that may be missing.
    pub(in crate::engine) fn failure(&mut self, name: &str) -> Option<Failure> {
        self.optional(name).map(|failure| Failure::from_json(&failure))
    }

    pub(in crate::engine) fn is_set(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }
}

pub(in crate::engine) fn lacking(name: &str) -> Error {
    invalid(&format!("a record has no `{name}`"))
}

pub(in crate::engine) fn invalid(what: &str) -> Error {
    Error::new(ErrorCode::JournalInvalid, format!("the journal cannot be read: {what}"))
}

/// The items of a list; nothing where it is none.
pub(in crate::engine) fn list_of(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

pub(in crate::engine) fn positions<P: From<usize>>(value: &Value) -> Vec<P> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|item| usize::try_from(item.as_u64()?).ok().map(P::from)).collect()
}
