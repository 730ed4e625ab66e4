//! The API client, without a network and in virtual time.
//!
//! - `calls`: requests and answers, faults, retries and waits, against the embedded server
//! - `following`: followers of runs, against a scripted server, in random order and with faults
//! - `rust_programs`: `Highway`, the client for programs in Rust
#![cfg(feature = "engine")]

mod calls;
mod following;
mod rust_programs;
#[path = "../support/mod.rs"]
mod support;
