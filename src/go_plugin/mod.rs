//! The contract between a host built on hashicorp/go-plugin and the plugin process that it starts.
//!
//! Handshake, AutoMTLS, the listener, the host's own services, logging, shutdown, and reattaching for debuggers. Knows
//! no message of Terraform: what the plugin does is a function from a connection to its calls.
//!
//! Source: go-plugin's server.go, mtls.go, grpc_server.go and docs/internals.md.

use crate::grpc::{Answer, Request};

mod environment;
mod handshake;
mod host;
mod listener;
pub mod logging;
mod reattach;
mod serve;
mod services;
mod tls;

pub use environment::{Environment, InvalidEnvironment};
pub use serve::{ServeError, serve, serve_debug};

/// A plugin, as far as its host's contract is concerned.
pub struct Plugin<'a> {
    /// What Terraform calls it: its source address.
    pub address: &'a str,
    /// The application protocols spoken, lowest first; never empty.
    pub protocols: &'a [u32],
    /// Begins a connection that speaks one of them. All state of a connection belongs to what this returns.
    pub connect: &'a dyn Fn(u32) -> Calls,
}

/// Answers the calls of one connection.
pub type Calls = std::sync::Arc<dyn Fn(Request) -> Answer + Send + Sync>;
