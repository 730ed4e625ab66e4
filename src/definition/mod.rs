//! The workflow definition: what a workflow is made of, read from and written as Highway's JSON.

pub mod duration;
mod policy;
mod read;
pub mod schedule;
mod workflow;
mod write;

pub use policy::RetryPolicy;
pub use read::{Document, read};
pub use workflow::{Operation, Operator, Wait, Workflow};
