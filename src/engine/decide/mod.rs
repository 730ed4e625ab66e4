//! Decisions: what follows from the state and from the reports of the host.

pub(in crate::engine) mod acts;
pub(in crate::engine) mod artifacts;
pub(in crate::engine) mod builtin;
pub(in crate::engine) mod definitions;
pub(in crate::engine) mod events;
pub(in crate::engine) mod guards;
pub(in crate::engine) mod joins;
pub(in crate::engine) mod missed;
pub(in crate::engine) mod names;
pub(in crate::engine) mod nested;
pub(in crate::engine) mod outcomes;
pub(in crate::engine) mod queue;
pub(in crate::engine) mod reflexive;
pub(in crate::engine) mod retention;
pub(in crate::engine) mod schedules;
pub(in crate::engine) mod start;
pub(in crate::engine) mod updates;
