//! Text forms of documents.

mod json;

pub use json::{JsonError, parse_json, write_json};
