//! Promises that hold for whatever comes: checked on values and requests that chance makes up, from a seed that is
//! printed with every failure. `fuzz/` looks further, on nightly Rust.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

#[path = "properties/bytes.rs"]
mod bytes;
#[path = "properties/chance.rs"]
mod chance;
#[path = "properties/codecs.rs"]
mod codecs;
#[path = "properties/protocols.rs"]
mod protocols;
