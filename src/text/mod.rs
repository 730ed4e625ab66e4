//! Small tools for text: searching and joining, lists of names, the nearest name, places, base64.

#[cfg(feature = "engine")]
pub(crate) mod base64;
pub(crate) mod names;
mod place;
mod search;
pub(crate) mod suggest;

pub use place::Place;
pub(crate) use search::{cut, has, joined, replaced};
