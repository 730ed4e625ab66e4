//! Reads and writes YAML text as `PyYAML` 6.0.3 does, which the Python side of Highway uses: YAML 1.1, with bare words
//! as `safe_load` reads them, and byte for byte the output of `dump(value, default_flow_style=False, sort_keys=True)`.
//!
//! Our own code decides what a scalar means (`scalar`). `saphyr-parser` cuts the text into events by the grammar of
//! YAML 1.2. For documents that both grammars accept, the two differ only in rare cases: see [`parse_yaml`].

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

/// Why a text is not YAML with a JSON value, and where.
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
    /// Whether the only fault of the text is a repeated key.
    pub is_duplicate: bool,
    /// What the user can do about it.
    pub help: Option<String>,
}

impl fmt::Display for YamlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at line {}, column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for YamlError {}
