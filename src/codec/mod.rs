//! Text forms of documents.

mod json;
#[cfg(feature = "engine")]
mod yaml;

pub use json::{JsonError, JsonWriter, parse_json, parse_json_strict, write_json};
#[cfg(feature = "engine")]
pub use yaml::{YamlError, parse_yaml, write_yaml};
