//! What tasks may know and nobody writes down.

use serde_json::{Map, Value};
use std::fmt;

/// Secrets by their names, which `{{secrets.NAME}}` reads in the arguments of tools: those are not part of the journal.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets(Map<String, Value>);

/// What stands where a secret stood.
const STRUCK: &str = "***";
/// Bytes of the shortest secret that is struck out: shorter ones are found in any text.
const SHORTEST: usize = 4;

impl Secrets {
    /// Secrets by their names.
    pub fn new(secrets: Map<String, Value>) -> Self {
        Self(secrets)
    }

    /// The secrets with their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Strikes every secret out of a text.
    pub(super) fn strike(&self, text: &mut String) {
        for secret in self.0.values().filter_map(Value::as_str) {
            if secret.len() >= SHORTEST && text.contains(secret) {
                *text = text.replace(secret, STRUCK);
            }
        }
    }
}

/// The names alone.
impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}
