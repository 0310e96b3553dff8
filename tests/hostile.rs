//! Strangers at the door, hosts that send too much, and machines that lack everything: whoever comes and whatever is
//! missing, the provider works or says what is wrong, and a healthy host is served all the while.
//!
//! What `plugin` tests about the door and the process is not repeated here.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

#[path = "hostile/clock.rs"]
mod clock;
#[path = "hostile/crowd.rs"]
mod crowd;
#[path = "hostile/machine.rs"]
mod machine;
#[path = "hostile/messages.rs"]
mod messages;
#[path = "hostile/strangers.rs"]
mod strangers;

use terraform_provider_jdcloud::framework::Value;
use terraform_provider_jdcloud::tfplugin::proto::v6::Diagnostic;

use support::{Client, strings};

/// Configures for an endpoint; what fails there fails at once.
async fn configure(client: &Client, endpoint: &str) {
    client.configure_for(endpoint, &[("max_retries", 0.into())]).await;
}

/// Reads an image's constraint: its excluded types, or the errors.
async fn read(client: &Client) -> Result<Value, Vec<Diagnostic>> {
    let (state, diagnostics) = client.read_value(&[("ids", strings(&["img-ubuntu2204"]))]).await;
    let state = state.ok_or(diagnostics)?;
    Ok(state.as_members().unwrap()["excluded_instance_types"].as_members().unwrap()["img-ubuntu2204"].clone())
}

/// What [`read`] finds in a healthy emulator.
fn constraint() -> Value {
    strings(&["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"])
}
