//! Questions about a dependency graph.

mod cycles;

pub use cycles::cycles;
