//! Conversions at the boundary. Documents and options cross as JSON text in both directions: the host's own parser and
//! printer are faster than a crossing for every value, and numbers keep their digits. Findings and layouts have a fixed
//! shape and no values of a user inside, and cross as objects.

use super::error::to_js_error;
use crate::error::{Error, ErrorCode, Result};
use crate::json::parse_json_input;
#[cfg(feature = "workflow")]
use crate::time::Millis;
#[cfg(feature = "workflow")]
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::JsValue;

/// The result of an exported function: a value, or a JavaScript error.
pub(super) type JsResult<T> = std::result::Result<T, JsValue>;

/// Reads JSON text from the facade, which has checked that the value is plain data.
pub(super) fn parse(text: &str) -> Result<Value> {
    parse_json_input(text)
        .map_err(|error| Error::new(ErrorCode::ValueNotJson, error.to_string()).with_path(error.path))
}

/// A result in the form for JavaScript.
pub(super) fn give<T>(outcome: Result<T>) -> JsResult<T> {
    outcome.map_err(|error| to_js_error(&error))
}

/// An object for JavaScript of a value with a fixed shape. `None` becomes null, unless the shape leaves it out.
#[cfg(feature = "workflow")]
pub(super) fn to_value(value: &impl Serialize) -> Result<JsValue> {
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|error| Error::new(ErrorCode::ValueNotJson, error.to_string()))
}

/// Reads a moment of JavaScript: milliseconds since the start of 1970.
#[cfg(feature = "workflow")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a non-negative range"
)]
pub(super) fn moment(now: f64) -> Option<Millis> {
    (now > 0.0).then(|| crate::json::number::clamp(now, 0.0, 1e15) as Millis)
}
