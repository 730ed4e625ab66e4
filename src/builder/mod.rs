//! Builders of workflow definitions.

mod driver;
mod workflow;

pub(crate) use driver::RESULT_MARKER;
pub use driver::{Delay, Document, Driver, DriverTask, Durable, Registration, RunSettings, TaskKind};
pub use workflow::{Built, WorkflowBuilder};
