//! The contract between a host built on hashicorp/go-plugin and the plugin process that it starts.
//!
//! Handshake, AutoMTLS, the listener, the host's own services, logging, shutdown, and reattaching for debuggers. Knows
//! no message of Terraform: what the plugin does is a gRPC service that the caller provides for each connection.
//!
//! Source: go-plugin's server.go, mtls.go, grpc_server.go and docs/internals.md.

mod environment;
mod handshake;
mod host_liveness;
mod host_services;
mod listener;
mod log_writer;
pub mod logging;
mod proto;
mod reattach;
mod serve;
mod service;
mod signals;
mod tls;

pub use environment::{InvalidEnvironment, PluginEnvironment};
pub use serve::{ServeError, serve, serve_debug};
pub use service::Service;

/// The plugin to serve.
pub struct Plugin<'a> {
    /// Its source addresses, one for each registry: Terraform and OpenTofu resolve the same short address to their own.
    pub addresses: &'a [&'a str],
    /// The application protocols that it speaks, lowest first; never empty.
    pub protocols: &'a [u32],
    /// Makes the service of a new connection, which speaks one of them. All state of a connection belongs to it.
    pub connect: &'a dyn Fn(u32) -> Service,
}
