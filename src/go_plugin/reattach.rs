//! What a developer sets so that Terraform connects to a provider that runs already, in a debugger for example.

use std::io::{self, Write};

use super::listener::Address;

/// Prints how to attach to a plugin that serves `protocol` at `address`, as plugin SDKs print it.
///
/// # Errors
/// When standard output is closed.
#[allow(clippy::disallowed_methods)] // nobody reads a handshake here
pub(super) fn print(plugin: &str, protocol: u32, address: &Address) -> io::Result<()> {
    let value = variable(plugin, protocol, address);
    let mut stdout = io::stdout().lock();
    writeln!(
        stdout,
        "Provider started. To attach Terraform CLI, set the TF_REATTACH_PROVIDERS environment variable with the following:\n"
    )?;
    if cfg!(windows) {
        writeln!(stdout, "\tCommand Prompt:\tset \"TF_REATTACH_PROVIDERS={value}\"")?;
        writeln!(stdout, "\tPowerShell:\t$env:TF_REATTACH_PROVIDERS='{}'\n", value.replace('\'', "''"))?;
    } else {
        writeln!(stdout, "\tTF_REATTACH_PROVIDERS='{}'\n", value.replace('\'', r"'\''"))?;
    }
    stdout.flush()
}

fn variable(plugin: &str, protocol: u32, address: &Address) -> String {
    serde_json::json!({ plugin: {
        "Protocol": "grpc",
        "ProtocolVersion": protocol,
        "Pid": std::process::id(),
        // The host must neither stop nor wait for a process that is not its own.
        "Test": true,
        "Addr": { "Network": address.network(), "String": address.to_string() },
    }})
    .to_string()
}
