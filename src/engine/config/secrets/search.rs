//! Strikes secrets out of a large value in pieces, so that other work gets its turn in between.

use super::{STRUCK, Secrets, forms};
use serde_json::Value;
use std::fmt;
use std::mem::take;

/// The fixed cost of each text, in bytes of text that take about as long to search.
const EACH: usize = 8;

/// The search through a value's texts and keys.
#[derive(Default)]
pub(in crate::engine) struct Search {
    value: Value,
    /// The texts and keys of the value, in their order.
    texts: Vec<String>,
    /// The number of texts already searched.
    done: usize,
    current: TextSearch,
}

/// The search through one text.
#[derive(Default)]
pub(super) struct TextSearch {
    /// The number of bytes already searched.
    at: usize,
    /// The character before the next one.
    before: Option<char>,
    /// The searched part without secrets.
    out: String,
}

impl Search {
    pub(in crate::engine) fn new(mut value: Value) -> Self {
        let mut texts = Vec::new();
        take_texts(&mut value, &mut texts);
        Self { value, texts, ..Self::default() }
    }

    /// Searches about this many further bytes. At the end of the search, the result is the value without secrets.
    pub(in crate::engine) fn search(&mut self, secrets: &Secrets, bytes: usize) -> Option<Value> {
        let mut left = bytes;
        while let Some(text) = self.texts.get_mut(self.done) {
            if left == 0 {
                return None;
            }
            let from = self.current.at;
            let is_over = self.current.search(text, secrets, left);
            left = left.saturating_sub(self.current.at - from + EACH);
            if is_over {
                *text = take(&mut self.current).out;
                self.done += 1;
            }
        }
        let mut value = take(&mut self.value);
        put_texts(&mut value, &mut take(&mut self.texts).into_iter());
        Some(value)
    }
}

/// Shows nothing of the value.
impl fmt::Debug for Search {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Search").finish_non_exhaustive()
    }
}

impl TextSearch {
    /// Searches this many further bytes, or one more secret. The result is whether the text is done.
    fn search(&mut self, text: &str, secrets: &Secrets, bytes: usize) -> bool {
        let mut search = forms::Search::default();
        let end = self.at.saturating_add(bytes);
        let mut rest = text.get(self.at..).unwrap_or_default();
        while let Some(next) = rest.chars().next().filter(|_| self.at < end) {
            if let Some(after) = secrets.forms.after_secret(rest, self.before, &mut search) {
                self.out.push_str(STRUCK);
                (rest, self.before) = (after, None);
            } else {
                self.out.push(next);
                (rest, self.before) = (rest.get(next.len_utf8()..).unwrap_or_default(), Some(next));
            }
            self.at = text.len() - rest.len();
        }
        rest.is_empty()
    }

    /// The text without secrets.
    pub(super) fn whole(text: &str, secrets: &Secrets) -> String {
        let mut search = Self { out: String::with_capacity(text.len()), ..Self::default() };
        search.search(text, secrets, usize::MAX);
        search.out
    }
}

/// Moves the texts of a value out of it; its keys are copied.
fn take_texts(value: &mut Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(take(text)),
        Value::Array(items) => items.iter_mut().for_each(|item| take_texts(item, texts)),
        Value::Object(map) => map.iter_mut().for_each(|(key, item)| {
            texts.push(key.clone());
            take_texts(item, texts);
        }),
        _ => {}
    }
}

/// Moves texts back to the places that they were taken from.
fn put_texts(value: &mut Value, texts: &mut impl Iterator<Item = String>) {
    match value {
        Value::String(text) => *text = texts.next().unwrap_or_default(),
        Value::Array(items) => items.iter_mut().for_each(|item| put_texts(item, texts)),
        Value::Object(map) => {
            let put = |(_, mut item)| {
                let key = texts.next().unwrap_or_default();
                put_texts(&mut item, texts);
                (key, item)
            };
            *map = take(map).into_iter().map(put).collect();
        }
        _ => {}
    }
}
