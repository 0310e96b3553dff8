//! The provider's binary: handles a few command-line flags, or serves the host that started it.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use terraform_provider_jdcloud::go_plugin::logging::{self, LogGuard};
use terraform_provider_jdcloud::go_plugin::{self, InvalidEnvironment, Plugin, PluginEnvironment, Service};
use terraform_provider_jdcloud::provider::{self, JdCloud};
use terraform_provider_jdcloud::tfplugin::{self, V5, V6};

// musl's own allocator takes longer for large reads.
#[cfg(all(target_env = "musl", not(feature = "libc-malloc")))]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

const NAME: &str = env!("CARGO_PKG_NAME");

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            write_line(&mut std::io::stderr(), &message);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["-h" | "-help" | "--help" | "help"] => print(&help()),
        ["-v" | "-version" | "--version" | "version"] => print(&format!("{NAME} {}", provider::VERSION)),
        ["-debug" | "--debug"] => {
            let _log = log();
            let versions = std::env::var("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
            go_plugin::serve_debug(&plugin(), &versions).map_err(|error| format!("[ERROR] {NAME}: {error}"))
        }
        [] => match PluginEnvironment::read(|name| std::env::var_os(name)) {
            Ok(environment) => {
                let _log = log();
                go_plugin::serve(&plugin(), environment).map_err(|error| format!("[ERROR] {NAME}: {error}"))
            }
            Err(InvalidEnvironment::NoHost) => Err(format!("{}\nSee {NAME} --help.", introduction())),
            Err(error) => Err(format!("[ERROR] {NAME}: {error}")),
        },
        _ => Err(format!("{NAME} accepts only --help, --version or -debug; got: {}", arguments.join(" "))),
    }
}

fn plugin() -> Plugin<'static> {
    Plugin {
        addresses: &[provider::SOURCE_ADDRESS, provider::OPENTOFU_ADDRESS],
        protocols: &tfplugin::PROTOCOLS,
        connect: &connect,
    }
}

fn connect(protocol: u32) -> Service {
    let provider = Arc::new(JdCloud);
    match protocol {
        5 => Service::new(V5::service(provider)),
        _ => Service::new(V6::service(provider)),
    }
}

/// Starts logging. Panics are logged too, because Terraform does not show the default panic message.
fn log() -> LogGuard {
    let guard = logging::init("terraform_provider_jdcloud", provider::NAME, |name| std::env::var_os(name));
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, "the provider panicked");
    }));
    guard
}

fn introduction() -> String {
    format!(
        "This binary is a plugin: Terraform and OpenTofu start it themselves when a configuration requires the provider\n\
         {}. It is not meant to be executed directly.",
        provider::SOURCE_ADDRESS
    )
}

fn help() -> String {
    format!(
        "{NAME} {}\n\n{}\n\nUsage:\n  \
         {NAME} --version   print the version\n  \
         {NAME} --help      print this text\n  \
         {NAME} -debug      serve until Ctrl-C and print the TF_REATTACH_PROVIDERS to attach with;\n  \
         {:width$}         PLUGIN_PROTOCOL_VERSIONS=5 selects protocol 5\n\n\
         Logs go to standard error at the level of TF_LOG_PROVIDER or TF_LOG (TRACE, DEBUG, INFO, WARN, ERROR).",
        provider::VERSION,
        introduction(),
        "",
        width = NAME.len() + 2,
    )
}

#[allow(clippy::disallowed_methods)] // no host reads the output of --help and --version
fn print(text: &str) -> Result<(), String> {
    write_line(&mut std::io::stdout(), text);
    Ok(())
}

/// Ignores errors: the terminal may be closed.
fn write_line(out: &mut dyn Write, text: &str) {
    let _ = writeln!(out, "{text}");
}
