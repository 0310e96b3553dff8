//! Signals that end the process, so that it removes its socket first.

use std::io;
#[cfg(unix)]
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long a host has to stop the provider after a signal that may have reached both.
#[cfg(unix)]
const HOST_STOP_TIME: Duration = Duration::from_secs(1);

/// Cancels `shutdown` when a signal requests it: TERM, QUIT, a hang-up of the terminal, and Ctrl-C where a
/// person started the process (`interactive`). Where a host did, Ctrl-C reaches the plugin too, but the host decides
/// what happens.
///
/// # Errors
/// When a signal handler can't be installed.
#[cfg(unix)]
pub(super) fn end_by_signals(shutdown: &CancellationToken, interactive: bool) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    // Read before the handler replaces it. Where it cannot be read, the hang-up ends the host, and that ends us.
    let ignores_hangup = ignores(SignalKind::hangup().as_raw_value()).unwrap_or(!interactive);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = quit.recv() => break,
                _ = hangup.recv() => if !ignores_hangup { break },
                _ = interrupt.recv() => if interactive { break },
            }
        }
        if !interactive {
            // A signal to the process group reaches the host, too, which then stops the provider itself.
            tokio::time::sleep(HOST_STOP_TIME).await;
        }
        tracing::debug!("a signal requested shutdown");
        shutdown.cancel();
    });
    Ok(())
}

/// Whether the process was started with a signal ignored, as `nohup` does for hang-ups. `None` where the system has no
/// `/proc` to read it from.
#[cfg(unix)]
fn ignores(signal: i32) -> Option<bool> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let ignored = u64::from_str_radix(ignored.trim(), 16).ok()?;
    Some(ignored & (1 << (signal - 1)) != 0)
}

#[cfg(windows)]
pub(super) fn end_by_signals(shutdown: &CancellationToken, interactive: bool) -> io::Result<()> {
    // Without a handler, Ctrl-Break ends the process; the host treats it as Ctrl-C.
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    let mut ctrl_break = tokio::signal::windows::ctrl_break()?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(()) = interrupt.recv() => {}
                Some(()) = ctrl_break.recv() => {}
                else => break,
            }
            if interactive {
                shutdown.cancel();
            }
        }
    });
    Ok(())
}
