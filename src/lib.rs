//! The SDK of the Highway Workflow Engine for front ends and workers in Rust, and the core of the npm package
//! `highway-wasm`.
//!
//! - [`Driver`] and [`WorkflowBuilder`] define workflows.
//! - [`Highway`] submits them to a server over `fetch`; [`Run`] follows, cancels and reads them.
//! - [`Error`] has a stable [`ErrorCode`], the path to the culprit, and help.
//!
//! [`sdk`] has an example. The modules that are not shown here are the core of the npm package, and may change with
//! every version.
// Library code does not panic; tests panic to fail.
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

mod arguments;
#[doc(hidden)]
pub mod builder;
#[doc(hidden)]
pub mod client;
#[doc(hidden)]
pub mod definition;
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod engine;
pub mod error;
#[doc(hidden)]
pub mod expr;
#[doc(hidden)]
pub mod graph;
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod json;
#[doc(hidden)]
pub mod template;
mod text;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod validate;
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod yaml;

#[cfg(all(target_arch = "wasm32", feature = "client"))]
mod fetch;
#[cfg(feature = "client")]
pub mod sdk;
#[cfg(all(target_arch = "wasm32", feature = "bindings"))]
#[doc(hidden)]
pub mod wasm;

pub use error::{Diagnostic, Error, ErrorCode, ErrorKind, Result, Severity};
#[cfg(feature = "client")]
pub use sdk::*;
