//! Drives the built binary as a host would, and as a host should not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

#[path = "plugin/bad_input.rs"]
mod bad_input;
#[path = "plugin/door.rs"]
mod door;
#[path = "plugin/handshake.rs"]
mod handshake;
#[path = "plugin/lifetime.rs"]
mod lifetime;
#[path = "plugin/platforms.rs"]
mod platforms;
#[path = "plugin/rpcs.rs"]
mod rpcs;
#[path = "plugin/settings.rs"]
mod settings;
