//! Conditions.
//!
//! - `tables`: both truth tables of upstream's evaluators, and our own rules
#![cfg(feature = "engine")]

mod tables;
