//! Properties of the codecs and of the two protocols, checked on generated values and requests. `fuzz/` searches longer,
//! on nightly Rust.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

#[path = "properties/bytes.rs"]
mod bytes;
#[path = "properties/codecs.rs"]
mod codecs;
#[path = "properties/generators.rs"]
mod generators;
#[path = "properties/protocols.rs"]
mod protocols;
