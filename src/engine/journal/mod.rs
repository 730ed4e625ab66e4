//! Records as JSON text, as a store keeps them: one array for each step of the engine, which counts as a whole or not at all.

pub(super) mod fields;
mod read;
mod write;

pub use read::Journal;
pub(super) use read::{inner_of, run_state_of, scope_kind_of};
pub use write::write_records;
pub(super) use write::{run_created, run_state, scope_kind};
