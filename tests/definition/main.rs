//! Definitions: reading and writing them.
//!
//! - `reading`: values as Highway's own reader takes them, compared with `highway_dsl` 2.2.0
//! - `yaml`: YAML as `PyYAML` 6.0.3 reads and writes it
//! - `places`: findings name the line and the column of the text
//! - `properties`: random definitions, read and written: nothing is lost, nothing changes, nothing panics
#![cfg(feature = "engine")]

mod places;
mod properties;
mod reading;
#[path = "../support/mod.rs"]
mod support;
mod yaml;
