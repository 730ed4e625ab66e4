//! The fields of an object. Reading moves a value out of the object.

use crate::error::{Error, ErrorCode};
use serde_json::Value;

/// An object that is read once: values are moved, not copied.
pub(in crate::engine) struct FieldReader<'a>(pub(in crate::engine) &'a mut Value);

impl FieldReader<'_> {
    /// A value, which may be null; `None` if the field is missing.
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
