//! What tasks may know and nobody writes down.

mod spelling;

use crate::engine::telling::cut;
use serde_json::{Map, Value};
use spelling::{after_form, forms_of};
use std::fmt;

/// Secrets by their names, which `{{secrets.NAME}}` reads in the arguments of tools: those are not part of the journal.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets {
    named: Map<String, Value>,
    /// What is struck out, by its first byte; the longest first, because one secret may be the beginning of another.
    forms: Vec<Vec<String>>,
}

/// What stands where a secret stood.
const STRUCK: &str = "***";
/// Characters of the shortest secret that is struck out: shorter ones are part of any text.
const SHORTEST: usize = 4;

impl Secrets {
    /// Secrets by their names.
    pub fn new(secrets: Map<String, Value>) -> Self {
        let forms = forms(secrets.values());
        Self { named: secrets, forms }
    }

    /// Secrets without names, to strike them out of texts.
    pub fn unnamed(secrets: &[Value]) -> Self {
        Self { named: Map::new(), forms: forms(secrets.iter()) }
    }

    /// The secret of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.named.get(name)
    }

    /// The names of all secrets.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// A text without any secret, however that is spelled.
    pub fn strike(&self, text: String) -> String {
        if self.forms.is_empty() {
            return text;
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(next) = rest.chars().next() {
            // Of a row of backslashes the first is looked at for all.
            let is_seen = next == '\\' && out.ends_with('\\');
            if let Some(behind) = self.behind_secret(rest, next).filter(|_| !is_seen) {
                out.push_str(STRUCK);
                rest = behind;
            } else {
                out.push(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
        }
        out
    }

    /// A text without any secret, and then no longer than `limit` bytes: one that is cut in half could not be found any more.
    pub(super) fn strike_and_cut(&self, text: String, limit: usize) -> String {
        cut(self.strike(text), limit)
    }

    /// A value without any secret in its texts and keys.
    pub(super) fn strike_value(&self, value: Value) -> Value {
        match value {
            _ if self.forms.is_empty() => value,
            Value::String(text) => Value::String(self.strike(text)),
            Value::Array(items) => items.into_iter().map(|item| self.strike_value(item)).collect(),
            Value::Object(map) => {
                map.into_iter().map(|(key, item)| (self.strike(key), self.strike_value(item))).collect()
            }
            other => other,
        }
    }

    /// What is left behind the secret that a text, which has a `first` character, begins with.
    fn behind_secret<'a>(&self, text: &'a str, first: char) -> Option<&'a str> {
        // These may stand for any other character.
        let forms = if matches!(first, '\\' | '%' | '&' | '+') {
            self.forms.as_slice()
        } else {
            std::slice::from_ref(self.forms.get(usize::from(*text.as_bytes().first()?))?)
        };
        forms.iter().flatten().find_map(|form| after_form(text, form))
    }
}

/// What is looked for to find secrets, by its first byte, the longest first.
fn forms<'a>(secrets: impl Iterator<Item = &'a Value>) -> Vec<Vec<String>> {
    let texts = secrets.filter_map(Value::as_str).filter(|text| text.chars().count() >= SHORTEST);
    let mut all: Vec<String> = texts.flat_map(forms_of).collect();
    all.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    all.dedup();
    let mut forms: Vec<Vec<String>> = Vec::new();
    for form in all {
        let first = form.as_bytes().first().copied().map_or(0, usize::from);
        forms.resize(forms.len().max(first + 1), Vec::new());
        if let Some(forms) = forms.get_mut(first) {
            forms.push(form);
        }
    }
    forms
}

/// The names alone.
impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.named.keys()).finish()
    }
}
