//! Checks a definition as a whole. Every finding is a [`Diagnostic`](crate::error::Diagnostic), and all findings are
//! reported at once. Each family of rules has a file; `docs/diagnostics.md` is the catalogue.

mod approvals;
mod arguments;
mod branches;
mod conditions;
mod dependencies;
mod document;
mod durations;
mod fields;
mod forks;
mod hints;
mod known;
mod links;
mod literal;
mod meant;
mod names;
mod pasting;
mod place;
mod reach;
mod results;
mod schedule;
mod scope;
mod slips;
mod targets;
mod templates;
mod texts;
mod waits;
mod workflow;

pub use dependencies::{Node, dependencies};
pub use document::{findings, validate_text};
pub use schedule::Clocks;
pub(crate) use schedule::finding as schedule;
pub(crate) use waits::retry_waits;
#[cfg(feature = "engine")]
pub(crate) use workflow::errors;
pub(crate) use workflow::inside;
pub use workflow::workflow;
