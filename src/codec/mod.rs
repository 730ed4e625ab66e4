//! Text forms of documents.

#[cfg(feature = "engine")]
mod base64;
mod json;
#[cfg(feature = "engine")]
mod yaml;

#[cfg(feature = "engine")]
pub use base64::parse_base64;
pub use json::{JsonError, JsonWriter, parse_json, parse_json_strict, write_json};
#[cfg(feature = "engine")]
pub use yaml::{YamlError, parse_yaml, write_yaml};
