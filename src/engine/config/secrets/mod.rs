//! Values that tasks can read and that are never written down.

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

/// Secrets by name. `{{secrets.NAME}}` reads them in the arguments of tools, which the journal does not contain.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets {
    named: Map<String, Value>,
    /// The forms to strike out.
    forms: Forms,
}

/// The text in place of a secret.
const STRUCK: &str = "***";
/// The shortest secret that is struck out, in characters. Shorter ones are part of any text.
const SHORTEST: usize = 4;

impl Secrets {
    /// Secrets by their names.
    pub fn new(secrets: Map<String, Value>) -> Self {
        let forms = forms(secrets.values());
        Self { named: secrets, forms }
    }

    /// Secrets without names. They can only be struck out.
    pub fn unnamed(secrets: &[Value]) -> Self {
        Self { named: Map::new(), forms: forms(secrets.iter()) }
    }

    /// The secret with this name.
    pub(in crate::engine) fn get(&self, name: &str) -> Option<&Value> {
        self.named.get(name)
    }

    /// The names of all secrets.
    pub(in crate::engine) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// Whether any secret can be struck out.
    pub(in crate::engine) fn are_struck(&self) -> bool {
        !self.forms.is_empty()
    }

    /// The text without any secret, in whatever spelling.
    pub fn strike(&self, text: String) -> String {
        if self.forms.is_empty() {
            return text;
        }
        TextSearch::whole(&text, self)
    }

    /// The bytes of the longest secret with several lines; 0 if there is none.
    pub(in crate::engine) fn longest_over_lines(&self) -> usize {
        let texts = self.named.values().filter_map(Value::as_str);
        texts.filter(|text| text.contains('\n')).map(str::len).max().unwrap_or_default()
    }

    /// The text without any secret, then cut to `limit` bytes. The order matters: half a secret could not be found.
    pub(in crate::engine) fn strike_and_cut(&self, text: String, limit: usize) -> String {
        cut(self.strike(text), limit)
    }

    /// The value without any secret in its texts and keys.
    pub(in crate::engine) fn strike_value(&self, value: Value) -> Value {
        if self.forms.is_empty() {
            return value;
        }
        Search::new(value).search(self, usize::MAX).unwrap_or_default()
    }
}

/// The forms of some secrets.
fn forms<'a>(secrets: impl Iterator<Item = &'a Value>) -> Forms {
    let mut forms = Forms::default();
    secrets
        .filter_map(Value::as_str)
        .map(str::trim)
        .filter(|text| text.chars().count() >= SHORTEST)
        .for_each(|text| forms.add(text));
    forms
}

/// Shows the names only.
impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.named.keys()).finish()
    }
}
