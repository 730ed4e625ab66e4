//! What tasks may know and nobody writes down.

mod forms;
mod search;
mod spelling;
mod trie;

use crate::engine::config::cut::cut;
use forms::Forms;
pub(in crate::engine) use search::Search;
use search::TextSearch;
use serde_json::{Map, Value};
use std::fmt;

/// Secrets by their names, which `{{secrets.NAME}}` reads in the arguments of tools: those are not part of the journal.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets {
    named: Map<String, Value>,
    /// What is struck out.
    forms: Forms,
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
    pub(in crate::engine) fn get(&self, name: &str) -> Option<&Value> {
        self.named.get(name)
    }

    /// The names of all secrets.
    pub(in crate::engine) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// Whether there is something to strike out.
    pub(in crate::engine) fn are_struck(&self) -> bool {
        !self.forms.is_empty()
    }

    /// A text without any secret, however that is spelled.
    pub fn strike(&self, text: String) -> String {
        if self.forms.is_empty() {
            return text;
        }
        TextSearch::whole(&text, self)
    }

    /// Bytes of the longest secret of several lines; 0 where there is none.
    pub(in crate::engine) fn longest_over_lines(&self) -> usize {
        let texts = self.named.values().filter_map(Value::as_str);
        texts.filter(|text| text.contains('\n')).map(str::len).max().unwrap_or_default()
    }

    /// A text without any secret, and then no longer than `limit` bytes: one that is cut in half could not be found any
    /// more.
    pub(in crate::engine) fn strike_and_cut(&self, text: String, limit: usize) -> String {
        cut(self.strike(text), limit)
    }

    /// A value without any secret in its texts and keys.
    pub(in crate::engine) fn strike_value(&self, value: Value) -> Value {
        if self.forms.is_empty() {
            return value;
        }
        Search::new(value).go_on(self, usize::MAX).unwrap_or_default()
    }
}

/// What is looked for to find secrets.
fn forms<'a>(secrets: impl Iterator<Item = &'a Value>) -> Forms {
    let mut forms = Forms::default();
    secrets
        .filter_map(Value::as_str)
        .map(str::trim)
        .filter(|text| text.chars().count() >= SHORTEST)
        .for_each(|text| forms.add(text));
    forms
}

/// The names alone.
impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.named.keys()).finish()
    }
}
