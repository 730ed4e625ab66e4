//! The Highway Workflow Engine SDK for JavaScript runtimes: the core of the npm package `highway-wasm`.
//!
//! - [`builder`]: the `Driver` of the Python SDK, which writes the workflow [`definition`].
//! - [`api`]: the REST API, as a client that does no IO and as a server for the embedded engine.
//! - [`engine`]: the embedded engine, a state machine without clock, randomness or IO.
//!
//! Only the module `wasm`, which exists for the wasm32 target alone, knows of JavaScript.
// Library code does not panic; tests do, to fail.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
    )
)]

pub mod api;
mod arguments;
pub mod builder;
pub mod codec;
pub mod definition;
#[cfg(feature = "engine")]
pub mod engine;
pub mod error;
pub mod expr;
pub mod graph;
pub mod json;
mod names;
pub mod number;
mod suggest;
pub mod template;
mod text;
pub mod time;
pub mod validate;

#[cfg(all(target_arch = "wasm32", feature = "client"))]
mod fetch;
#[cfg(all(target_arch = "wasm32", feature = "bindings"))]
pub mod wasm;
