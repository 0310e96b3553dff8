//! The variable that makes Terraform attach to a provider that is already running, for example in a debugger.

use std::io::{self, Write};

use super::listener::Address;

/// Prints how to attach to the plugin of `addresses` that serves `protocol` at `address`, in the format of HashiCorp's plugin SDKs.
///
/// # Errors
/// When standard output is closed.
#[allow(clippy::disallowed_methods)] // a person reads it; there is no handshake
pub(super) fn print(addresses: &[&str], protocol: u32, address: &Address) -> io::Result<()> {
    let value = variable(addresses, protocol, address);
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

fn variable(addresses: &[&str], protocol: u32, address: &Address) -> String {
    let provider = serde_json::json!({
        "Protocol": "grpc",
        "ProtocolVersion": protocol,
        "Pid": std::process::id(),
        // Tells the host that it must not stop the process.
        "Test": true,
        "Addr": { "Network": address.network(), "String": address.to_string() },
    });
    let providers = addresses.iter().map(|address| ((*address).to_owned(), provider.clone()));
    serde_json::Value::Object(providers.collect()).to_string()
}
