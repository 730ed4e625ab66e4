//! The boundary to JavaScript, tested from JavaScript's side: the functions are called through the glue that
//! wasm-bindgen generates, as the facade calls them. The runner serves that glue; each runtime finds it in its own way.

mod client;
mod driver;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "workflow")]
mod workflow;

use js_sys::{Array, Function, Promise, Reflect};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Gives the glue of the module that runs this test.
const FIND_GLUE: &str = "(async () => typeof process === 'object'
    ? process.mainModule.require('./wasm-bindgen-test.js')
    : await import('/wasm-bindgen-test'))()";

/// An object of JavaScript whose members are called by name: the glue, or an engine.
pub(crate) struct Object(JsValue);

impl Object {
    /// The glue.
    pub(crate) async fn glue() -> Self {
        Self(settled(eval(FIND_GLUE)).await.unwrap())
    }

    pub(crate) fn get(&self, name: &str) -> JsValue {
        Reflect::get(&self.0, &name.into()).unwrap()
    }

    /// Calls a function; its exception is the error.
    pub(crate) fn call(&self, name: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
        let function: Function = self.get(name).dyn_into().unwrap_or_else(|_| panic!("no function {name}"));
        function.apply(&self.0, &list(arguments))
    }

    /// The text that a function gives, read as JSON.
    pub(crate) fn json(&self, name: &str, arguments: &[JsValue]) -> Value {
        read(&self.call(name, arguments).unwrap())
    }

    /// The object that a function gives.
    pub(crate) fn value(&self, name: &str, arguments: &[JsValue]) -> Value {
        let text = js_sys::JSON::stringify(&self.call(name, arguments).unwrap()).unwrap();
        read(&text.into())
    }

    /// The facts of the error that a function throws.
    pub(crate) fn failure(&self, name: &str, arguments: &[JsValue]) -> Value {
        facts(&self.call(name, arguments).unwrap_err())
    }

    /// `new` of a class.
    #[cfg(feature = "engine")]
    pub(crate) fn construct(&self, class: &str, arguments: &[JsValue]) -> Result<Self, JsValue> {
        let class: Function = self.get(class).unchecked_into();
        Reflect::construct(&class, &list(arguments)).map(Self)
    }
}

impl From<JsValue> for Object {
    fn from(value: JsValue) -> Self {
        Self(value)
    }
}

impl From<&Object> for JsValue {
    fn from(object: &Object) -> Self {
        object.0.clone()
    }
}

/// The value of an expression.
pub(crate) fn eval(source: &str) -> JsValue {
    js_sys::eval(source).unwrap()
}

/// What becomes of a promise.
pub(crate) async fn settled(promise: JsValue) -> Result<JsValue, JsValue> {
    JsFuture::from(promise.dyn_into::<Promise>().unwrap()).await
}

/// JSON text.
pub(crate) fn read(text: &JsValue) -> Value {
    serde_json::from_str(&text.as_string().unwrap()).unwrap()
}

/// The facts that an error carries. It must be a genuine error with a stack.
pub(crate) fn facts(error: &JsValue) -> Value {
    let error: &js_sys::Error = error.dyn_ref().unwrap_or_else(|| panic!("no Error: {error:?}"));
    let stack = Reflect::get(error, &"stack".into()).unwrap();
    assert!(stack.as_string().is_some_and(|stack| !stack.is_empty()));
    let facts = read(&Reflect::get(error, &"highway".into()).unwrap());
    assert_eq!(facts["message"], String::from(error.message()));
    facts
}

fn list(values: &[JsValue]) -> Array {
    values.iter().collect()
}
