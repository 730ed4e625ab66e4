//! Drawings and pictures of workflows.
//!
//! - `drawings`: Mermaid and Graphviz texts of the golden vectors against those of `highway_dsl` 2.2.0
//! - `odd_drawings`: drawings of odd workflows: ids with special characters, edges across loops, deep and large ones
//! - `layout`: layouts of random graphs: nothing overlaps, nothing fails, small changes stay small
//! - `svg`: SVG pictures hold every node and edge, and no markup from labels
#![cfg(feature = "engine")]

mod drawings;
mod layout;
mod odd_drawings;
#[path = "../support/mod.rs"]
mod support;
mod svg;
