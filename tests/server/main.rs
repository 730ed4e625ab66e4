//! The REST API of the embedded engine, without a network.
//!
//! - `routes`: each route, as public clients use it
//! - `artifacts`: uploads, and Python in definitions
//! - `hosts`: what a host asks, and what replies tell it to do
//! - `pieces`: long lists, which are written in pieces
//! - `properties`: random documents and requests: the server never panics and always answers
#![cfg(feature = "engine")]

mod artifacts;
mod hosts;
mod pieces;
mod properties;
mod routes;
#[path = "../support/mod.rs"]
mod support;
