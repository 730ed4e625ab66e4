//! The tools of the host: their names, their reports, their output.

pub(in crate::engine) mod builtin;
pub(in crate::engine) mod host;
pub(in crate::engine) mod output;
pub(in crate::engine) mod reports;
