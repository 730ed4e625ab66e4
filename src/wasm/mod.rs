//! The boundary to JavaScript: conversion and delegation, no logic. The TypeScript facade in `js/src` is the only
//! caller; `wasm-api.ts` declares there what it relies on. Every failure throws the error of the core, in the form of
//! `error.rs`.

#[cfg(feature = "client")]
pub mod client;
mod convert;
#[cfg(feature = "client")]
pub mod driver;
#[cfg(feature = "engine")]
pub mod engine;
mod error;
#[cfg(feature = "client")]
pub mod host;
#[cfg(feature = "workflow")]
mod memory;
#[cfg(feature = "workflow")]
pub mod workflow;

use crate::error::ErrorCode;
use crate::text::joined;
use wasm_bindgen::prelude::*;

#[cfg(feature = "panic-messages")]
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
}

/// The allocator of the core: the smallest one.
#[cfg(not(feature = "workflow"))]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// The allocator of the other artefacts, which may need much memory. Unlike the standard library's allocator, it works
/// in constant time.
#[cfg(feature = "workflow")]
#[global_allocator]
static ALLOCATOR: rlsf::GlobalTlsf = rlsf::GlobalTlsf::new();

/// Runs once for each instance. It makes a panic print its message before the instance stops.
#[cfg(feature = "panic-messages")]
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|info| console_error(&format!("highway-wasm: internal error: {info}"))));
}

/// Version of the crate.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}

/// Every error code with its class, as `CODE:ClassName` separated by commas. A test compares the TypeScript list with
/// it.
#[wasm_bindgen(js_name = errorCodes)]
pub fn error_codes() -> String {
    let codes: Vec<String> =
        ErrorCode::ALL.iter().map(|code| format!("{}:{}", code.as_str(), code.kind().class_name())).collect();
    joined(&codes, ",")
}
