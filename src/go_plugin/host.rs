//! Whether the host is still there. go-plugin leaves its plugins behind when it is killed; we notice and end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long the process waits for a connection, the first or another.
const IDLE: Duration = Duration::from_secs(60);

/// How long it waits when the host's own streams have ended. Time enough for a connection that replaces another.
const AFTER_STREAMS: Duration = Duration::from_secs(1);

/// What is seen of the host.
pub(super) struct Host {
    seen: watch::Sender<Seen>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    connections: usize,
    /// The streams that a host keeps open for as long as it lives have ended.
    streams_ended: bool,
}

/// A connection that is open.
pub(super) struct ConnectionGuard(Arc<Host>);

/// A stream of the host's that is open.
pub(super) struct StreamGuard(Arc<Host>);

impl Host {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { seen: watch::Sender::default() })
    }

    pub(super) fn connection(self: &Arc<Self>) -> ConnectionGuard {
        self.seen
            .send_modify(|seen| *seen = Seen { connections: seen.connections + 1, streams_ended: false });
        ConnectionGuard(self.clone())
    }

    pub(super) fn stream(self: &Arc<Self>) -> StreamGuard {
        StreamGuard(self.clone())
    }

    /// Returns when the host is gone, with the sign of it.
    pub(super) async fn gone(&self) -> &'static str {
        tokio::select! {
            () = closed(standard_output()) => "the host's end of standard output is closed",
            () = closed(standard_error()) => "the host's end of standard error is closed",
            () = self.deserted() => "nobody is connected",
        }
    }

    async fn deserted(&self) {
        let mut changes = self.seen.subscribe();
        loop {
            let Seen { connections, streams_ended } = *changes.borrow_and_update();
            if connections == 0 {
                let patience = if streams_ended { AFTER_STREAMS } else { IDLE };
                if tokio::time::timeout(patience, changes.changed()).await.is_err() {
                    return;
                }
            } else if changes.changed().await.is_err() {
                // The sender lives in `self`, so this is not reached; without changes there is nothing to wait for.
                return;
            }
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.seen.send_modify(|seen| seen.connections -= 1);
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.seen.send_modify(|seen| seen.streams_ended = true);
    }
}

/// Returns when nobody is left at the other end of a pipe; never for what is no pipe.
// The successor of the deprecated function is unsafe, for types that may change or close their descriptor; this one owns it.
#[cfg(unix)]
#[allow(deprecated)]
async fn closed(end: io::Result<std::os::fd::OwnedFd>) {
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    if let Ok(pipe) = end.and_then(|end| AsyncFd::with_interest(end, Interest::WRITABLE)) {
        while let Ok(mut guard) = pipe.ready(Interest::WRITABLE).await {
            let ready = guard.ready();
            if ready.is_write_closed() || ready.is_error() {
                return;
            }
            // Readiness is told once for each change, so this waits for the next.
            guard.clear_ready();
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(unix)]
#[allow(clippy::disallowed_methods)] // watched, not written to
fn standard_output() -> io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned()
}

#[cfg(unix)]
fn standard_error() -> io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::AsFd;
    io::stderr().as_fd().try_clone_to_owned()
}

// Windows tells of a closed pipe only to a writer; there the host's streams and connections are what is seen.
#[cfg(windows)]
async fn closed(_: io::Result<()>) {
    std::future::pending::<()>().await;
}

#[cfg(windows)]
fn standard_output() -> io::Result<()> {
    Ok(())
}

#[cfg(windows)]
fn standard_error() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_host_that_never_comes_is_waited_for_a_minute() {
        let started = Instant::now();
        Host::new().deserted().await;
        assert_eq!(started.elapsed().as_secs(), IDLE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_keeps_the_process_however_long_it_is_silent() {
        let host = Host::new();
        let open = host.connection();
        let wait = tokio::time::timeout(Duration::from_secs(86_400), host.deserted());
        assert!(wait.await.is_err());
        drop(open);
        // It closed without the streams that a host opens, so it was no host: there is time for one.
        let started = Instant::now();
        host.deserted().await;
        assert_eq!(started.elapsed().as_secs(), IDLE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_hosts_streams_ends_the_process_unless_it_connects_again() {
        let host = Host::new();
        let (connection, stream) = (host.connection(), host.stream());
        drop((stream, connection));
        let reconnected = host.connection();
        assert!(tokio::time::timeout(IDLE * 2, host.deserted()).await.is_err());
        drop((host.stream(), reconnected));
        let started = Instant::now();
        host.deserted().await;
        assert_eq!(started.elapsed().as_secs(), AFTER_STREAMS.as_secs());
    }
}
