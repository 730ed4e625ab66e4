//! Text forms of documents.

#[cfg(feature = "engine")]
mod base64;
mod json;
mod places;
#[cfg(feature = "engine")]
mod yaml;

#[cfg(feature = "engine")]
pub use base64::parse_base64;
pub use json::{
    JsonError, JsonFault, JsonWriter, parse_json, parse_json_input, parse_json_strict, write_json,
};
pub use places::Places;
#[cfg(feature = "engine")]
pub use yaml::{Misread, YamlError, parse_yaml, read_yaml, write_yaml};
#[cfg(feature = "engine")]
pub(crate) use yaml::{item, start};
