//! What tasks may know and nobody writes down.

use crate::codec::write_json;
use serde_json::{Map, Value};
use std::fmt;

/// Secrets by their names, which `{{secrets.NAME}}` reads in the arguments of tools: those are not part of the journal.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets {
    named: Map<String, Value>,
    /// What is struck out, the longest first: one secret may be the beginning of another.
    struck: Vec<String>,
}

/// What stands where a secret stood.
const STRUCK: &str = "***";
/// Bytes of the shortest secret that is struck out: shorter ones are found in any text.
const SHORTEST: usize = 4;

impl Secrets {
    /// Secrets by their names.
    pub fn new(secrets: Map<String, Value>) -> Self {
        let texts = secrets.values().filter_map(Value::as_str).filter(|text| text.len() >= SHORTEST);
        // As it is, and as it stands in JSON.
        let mut struck: Vec<String> = texts.flat_map(|text| [text.to_owned(), in_json(text)]).collect();
        struck.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        struck.dedup();
        Self { named: secrets, struck }
    }

    /// The secret of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.named.get(name)
    }

    /// The names of all secrets.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// Strikes every secret out of a text.
    pub(super) fn strike(&self, text: &mut String) {
        for secret in &self.struck {
            if text.contains(secret) {
                *text = text.replace(secret, STRUCK);
            }
        }
    }
}

/// A text as it stands between quotes in JSON.
fn in_json(text: &str) -> String {
    let quoted = write_json(&text.into());
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// The names alone.
impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.named.keys()).finish()
    }
}
