//! Validation: what it finds in definitions.
//!
//! - `catalogue`: every finding of `docs/diagnostics.md` by its example, and documents without findings
//! - `uses`: what a task uses: results it waits for, its own names, trusted text, known clocks
//! - `names`: names in templates that name nothing, and what to write instead
//! - `words`: words that people write instead of Highway's own
//! - `scale`: large and deep definitions, in linear time and with little stack
#![cfg(feature = "engine")]

mod catalogue;
mod names;
mod scale;
#[path = "../support/mod.rs"]
mod support;
mod uses;
mod words;

use serde_json::{Value, json};

/// A workflow of tasks without their ids.
fn of(mut tasks: Value) -> Value {
    for (id, task) in tasks.as_object_mut().unwrap() {
        task["task_id"] = id.as_str().into();
    }
    json!({"name": "w", "tasks": tasks})
}
