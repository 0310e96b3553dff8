//! The `jdcloud-emulator` program: flags, the line with the address, and shutdown.

mod cli;
mod manual;

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use cli::{Command, Run};
use jdcloud_emulator::Emulator;
use tokio::sync::oneshot;

fn main() -> ExitCode {
    let (code, told) = match cli::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => (0, print(&manual::text())),
        Ok(Command::Version) => (0, print(concat!("jdcloud-emulator ", env!("CARGO_PKG_VERSION"), "\n"))),
        Ok(Command::Run(run)) => (1, serve(*run)),
        Err(sentence) => (2, Err(io::Error::other(sentence))),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "jdcloud-emulator: {error}");
            ExitCode::from(code.max(1))
        }
    }
}

fn serve(run: Run) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let port = run.options.port;
    let emulator = Emulator::start(run.options).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            io::Error::other(format!("port {port} is taken; --port 0 finds a free one"))
        }
        _ => error,
    })?;
    if let (Some(path), Some(pem)) = (&run.tls_ca_out, emulator.ca_pem()) {
        write_whole(path, pem)?;
    }
    if let Some(path) = &run.address_file {
        write_whole(path, &emulator.url())?;
    }
    // Before the line is printed: its reader may send a signal at once.
    let told_to_end = runtime.block_on(async { end_signal() })?;
    print(&format!("listening on {}\n", emulator.url()))?;
    runtime.block_on(async {
        tokio::select! {
            () = told_to_end => {}
            () = stdin_closed(run.exit_with_stdin) => {}
        }
    });
    Ok(())
}

/// Prints to standard output, which holds the line with the address, or the manual.
#[allow(clippy::disallowed_methods, reason = "no handshake here: this is not the provider")]
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes a temporary file and renames it, so that a reader never sees half of it.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)).map_err(named)
}

#[cfg(unix)]
fn end_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn end_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

async fn stdin_closed(watched: bool) {
    if !watched {
        return std::future::pending().await;
    }
    let (closed, seen) = oneshot::channel();
    std::thread::spawn(move || {
        let mut ignored = [0; 1024];
        while matches!(io::stdin().read(&mut ignored), Ok(1..)) {}
        let _ = closed.send(());
    });
    let _ = seen.await;
}
