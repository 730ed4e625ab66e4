//! Errors in the form for JavaScript.

use crate::error::Error;
use crate::json::write_json;
use wasm_bindgen::JsValue;

/// A JavaScript `Error`, which has a stack, with the property `highway`: the fields of the error as JSON text. The
/// facade turns it into one of its classes.
pub(super) fn to_js_error(error: &Error) -> JsValue {
    let js_error = js_sys::Error::new(error.message());
    let facts = JsValue::from(write_json(&error.to_json()));
    // Setting a property of a fresh object cannot fail.
    let _ = js_sys::Reflect::set(&js_error, &"highway".into(), &facts);
    js_error.into()
}
