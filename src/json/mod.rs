//! JSON: text and values, pointers into them, numbers that keep their digits.

pub mod number;
mod parse;
mod places;
mod value;

pub use parse::{
    JsonError, JsonFault, JsonWriter, parse_json, parse_json_input, parse_json_strict, write_json,
};
pub use places::Places;
pub(crate) use value::below;
pub use value::{child_path, kind_of, object, size, size_of_map, text_of, to_text};
