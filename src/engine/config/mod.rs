//! How an engine behaves: its limits, its secrets, the clocks of its time zones.

pub(in crate::engine) mod limits;
pub(in crate::engine) mod secrets;
pub(in crate::engine) mod zones;
