//! Records as JSON text, as a store keeps them: one array for each step of the engine, which counts as a whole or not at all.

pub(in crate::engine) mod checkpoint;
pub(in crate::engine) mod fields;
pub(in crate::engine) mod read;
pub(in crate::engine) mod record;
pub(in crate::engine) mod text;
pub(in crate::engine) mod write;
