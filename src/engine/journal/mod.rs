//! Records as JSON text, as a store keeps them: one array for each step of the engine, which counts as a whole or not at all.

pub(in crate::engine) mod checkpoint;
pub(in crate::engine) mod record;
pub(in crate::engine) mod text;

pub(in crate::engine) mod fields;
mod read;
mod write;

pub use read::Journal;
pub(in crate::engine) use read::{inner_of, run_state_of, scope_kind_of};
pub use write::write_records;
pub(in crate::engine) use write::{run_created, run_state, scope_kind};
