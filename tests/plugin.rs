//! Drives the built binary as hosts do, and as faulty hosts might.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

#[path = "plugin/bad_input.rs"]
mod bad_input;
#[path = "plugin/client_auth.rs"]
mod client_auth;
#[path = "plugin/debug.rs"]
mod debug;
#[path = "plugin/deferral.rs"]
mod deferral;
#[path = "plugin/handshake.rs"]
mod handshake;
#[path = "plugin/lifetime.rs"]
mod lifetime;
#[path = "plugin/logging.rs"]
mod logging;
#[path = "plugin/platforms.rs"]
mod platforms;
#[path = "plugin/rpcs.rs"]
mod rpcs;
#[path = "plugin/settings.rs"]
mod settings;
#[path = "plugin/signals.rs"]
mod signals;
