//! The builders: `Driver` and `WorkflowBuilder`.
//!
//! - `driver_vectors`: golden vectors of the Python driver 0.9.1
//! - `dsl_vectors`: golden vectors of `highway_dsl` 2.2.0, built and read
//! - `workflow`: `WorkflowBuilder` beyond the golden vectors
#![cfg(feature = "engine")]

mod driver_vectors;
mod dsl_vectors;
#[path = "../support/mod.rs"]
mod support;
mod workflow;
