//! Circles in a dependency graph, and drawings of workflows.

mod copies;
mod cycles;
mod dot;
mod drawing;
mod extract;
mod idents;
pub mod layout;
mod links;
mod mermaid;
mod placement;
mod scene;
mod svg;

pub use cycles::cycles;
pub(crate) use cycles::heaviest;
pub use dot::{dot, dot_of};
pub use mermaid::mermaid;
pub use placement::{Drawing, DrawnEdge, DrawnNode, Placement, PlacementOptions};
pub use scene::{Edge, EdgeKind, Node, NodeKind, Scene};
pub use svg::svg;
