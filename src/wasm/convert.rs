//! Documents and options cross the boundary as JSON text in both directions: the host's own parser and printer are faster than
//! a crossing for every value, numbers keep their digits, and the artefact has one JSON stack.

use super::error::to_js_error;
use crate::error::{Error, ErrorCode, Result};
use crate::json::parse_json_input;
#[cfg(feature = "workflow")]
use crate::time::Millis;
use serde_json::Value;
use wasm_bindgen::JsValue;

/// What an exported function gives back: text, or a JavaScript error.
pub(super) type JsResult<T> = std::result::Result<T, JsValue>;

/// JSON text from the facade, which has checked that it stands for plain data.
pub(super) fn parse(text: &str) -> Result<Value> {
    parse_json_input(text)
        .map_err(|error| Error::new(ErrorCode::ValueNotJson, error.to_string()).with_path(error.path))
}

/// An outcome for JavaScript.
pub(super) fn give<T>(outcome: Result<T>) -> JsResult<T> {
    outcome.map_err(|error| to_js_error(&error))
}

/// A moment as JavaScript counts it, in milliseconds since the Unix epoch.
#[cfg(feature = "workflow")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a non-negative range"
)]
pub(super) fn moment(now: f64) -> Option<Millis> {
    (now > 0.0).then(|| crate::json::number::clamp(now, 0.0, 1e15) as Millis)
}
