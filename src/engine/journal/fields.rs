//! Fields of an object, taken out of it one by one.

use crate::error::{Error, ErrorCode, Result};
use serde_json::Value;

/// An object that is read once: what is taken is not copied.
pub(in crate::engine) struct FieldReader<'a>(pub(in crate::engine) &'a mut Value);

impl FieldReader<'_> {
    /// Text that must be there.
    pub(in crate::engine) fn text(&mut self, name: &str) -> Result<String> {
        match self.optional(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(lacking(name)),
        }
    }

    /// A value that may be missing; null is one.
    pub(in crate::engine) fn optional(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take)
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
