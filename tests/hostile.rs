//! Unauthorised clients, floods of connections, invalid messages, and hosts without memory, disk or certificates: the
//! provider works or reports what is wrong, and goes on serving its host.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

#[path = "hostile/bodies.rs"]
mod bodies;
#[path = "hostile/clock.rs"]
mod clock;
#[path = "hostile/connection_flood.rs"]
mod connection_flood;
#[path = "hostile/constrained_host.rs"]
mod constrained_host;
#[path = "hostile/messages.rs"]
mod messages;
#[path = "hostile/tls_clients.rs"]
mod tls_clients;

use terraform_provider_jdcloud::framework::Value;
use terraform_provider_jdcloud::tfplugin::proto::v6::Diagnostic;

use support::{Client, strings};

/// Configures the provider for an endpoint, without retries.
async fn configure(client: &Client, endpoint: &str) {
    client.configure_for(endpoint, &[("max_retries", 0.into())]).await;
}

/// Reads the constraint of an image: its excluded types, or the errors.
async fn read(client: &Client) -> Result<Value, Vec<Diagnostic>> {
    let (state, diagnostics) = client.read_value(&[("ids", strings(&["img-ubuntu2204"]))]).await;
    let state = state.ok_or(diagnostics)?;
    Ok(state.as_members().unwrap()["excluded_instance_types"].as_members().unwrap()["img-ubuntu2204"].clone())
}

/// The result of [`read`].
fn constraint() -> Value {
    strings(&["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"])
}
