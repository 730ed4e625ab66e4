//! Checks of a definition as a whole. Every finding is a [`Diagnostic`](crate::error::Diagnostic), and all
//! findings are reported at once. One file per family of rules.

mod dependencies;
mod workflow;

pub use dependencies::{Node, dependencies};
pub use workflow::workflow;
