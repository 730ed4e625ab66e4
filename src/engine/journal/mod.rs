//! Records as JSON text, as a store keeps them: one array for each step of the engine, which counts as a whole or not at all.

mod read;
mod write;

pub use read::Journal;
pub use write::write_records;
