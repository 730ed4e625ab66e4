//! The boundary to JavaScript in Node.
#![cfg(all(target_arch = "wasm32", feature = "bindings"))]

#[path = "../wasm/mod.rs"]
mod wasm;
