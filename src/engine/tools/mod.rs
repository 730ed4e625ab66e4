//! The tools of the host: which there are, what they report, what they write.

pub(in crate::engine) mod builtin;
pub(in crate::engine) mod host;
pub(in crate::engine) mod output;
pub(in crate::engine) mod reports;
