//! Reads and writes YAML text as `PyYAML` 6.0.3 does, since that is what the Python side of Highway uses: YAML 1.1 with
//! `safe_load`'s view of bare words, and the very bytes of `dump(value, default_flow_style=False, sort_keys=True)`.
//!
//! What becomes of a scalar is ours (`scalar`); cutting text into events is `saphyr-parser`'s, whose grammar is that of
//! YAML 1.2. The difference does not show in documents that both read, but for rarities: see [`parse_yaml`].

mod advice;
mod number;
mod read;
mod scalar;
mod timestamp;
mod write;

pub(crate) use advice::{item, start};
pub use read::{Misread, parse_yaml, read_yaml};
pub use write::write_yaml;

use std::fmt;

/// Where and why text is not YAML that stands for a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// JSON pointer to the value or the key at fault.
    pub path: String,
    /// Whether the text is YAML but for a key that stands twice in one mapping.
    pub is_duplicate: bool,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for YamlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at line {}, column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for YamlError {}
