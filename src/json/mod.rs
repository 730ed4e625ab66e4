//! JSON: text and values, pointers into them, and numbers that keep their digits.
//!
//! The values are `serde_json`'s. The reader and the writer are our own: without serde's generic code and its float
//! tables, a page downloads 5 KB (gzip) less. Errors have a line and a column.

pub mod number;
mod parse;
mod places;
mod pointer;
mod value;
mod write;

pub use crate::text::Place;
pub use parse::{JsonError, JsonFault, parse_json, parse_json_input, parse_json_strict};
pub use places::Places;
pub(crate) use pointer::below;
pub use pointer::child_path;
pub use value::{kind_of, object, size, size_of_map, text_of, to_text};
pub use write::{JsonWriter, write_json};
