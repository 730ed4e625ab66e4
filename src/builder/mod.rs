//! Builders of workflow definitions.

mod driver;
mod driver_checks;
mod python;
pub(crate) use python::RESULT_MARKER;
mod task_options;

pub use driver::{Driver, RunSettings};
pub use task_options::{Delay, DriverTask, TaskKind};
