//! Errors on their way to JavaScript.

use crate::error::Error;
use crate::json::write_json;
use wasm_bindgen::JsValue;

/// A genuine JavaScript `Error`, so that there is a stack, whose `highway` property carries the facts as JSON text.
/// The facade turns it into one of its classes.
pub(super) fn to_js_error(error: &Error) -> JsValue {
    let js_error = js_sys::Error::new(error.message());
    let facts = JsValue::from(write_json(&error.to_json()));
    // Setting a property of a fresh object cannot fail.
    let _ = js_sys::Reflect::set(&js_error, &"highway".into(), &facts);
    js_error.into()
}
