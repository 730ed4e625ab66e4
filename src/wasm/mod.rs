//! The boundary to JavaScript: conversion and delegation, no logic. The TypeScript facade in `js/src` is the only
//! caller; what it relies on is declared there in `wasm-api.ts`. Whatever fails throws the error of the core, as `error.rs` writes it.

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

/// Of the core: the smallest.
#[cfg(not(feature = "workflow"))]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Of the engine, whose memory is large: in constant time, which that of the standard library is not.
#[cfg(feature = "engine")]
#[global_allocator]
static ALLOCATOR: rlsf::GlobalTlsf = rlsf::GlobalTlsf::new();

/// Runs once per instance: a panic names itself before the instance stops.
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

/// Every error code with its class, `CODE:ClassName` by comma; the TypeScript list is tested against it.
#[wasm_bindgen(js_name = errorCodes)]
pub fn error_codes() -> String {
    let codes: Vec<String> =
        ErrorCode::ALL.iter().map(|code| format!("{}:{}", code.as_str(), code.kind().class_name())).collect();
    joined(&codes, ",")
}
