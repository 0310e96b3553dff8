//! Notices that the host has died. A go-plugin host that is killed does not stop its plugins, so they must end themselves.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long the process waits without a connection before it ends.
const IDLE: Duration = Duration::from_secs(60);

/// How long it waits for another connection once the host's streams have ended.
const AFTER_STREAMS: Duration = Duration::from_secs(1);

/// The signs of life of the host.
pub(super) struct HostLiveness {
    activity: watch::Sender<Activity>,
}

#[derive(Clone, Copy, Default)]
struct Activity {
    connections: usize,
    /// The streams that a host keeps open while it lives have ended.
    streams_ended: bool,
}

/// Counts an open connection until it is dropped.
pub(super) struct ConnectionGuard(Arc<HostLiveness>);

/// Reports, when it is dropped, that a stream of the host has ended.
pub(super) struct StreamGuard(Arc<HostLiveness>);

impl HostLiveness {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { activity: watch::Sender::default() })
    }

    pub(super) fn connection(self: &Arc<Self>) -> ConnectionGuard {
        self.activity.send_modify(|activity| {
            *activity = Activity { connections: activity.connections + 1, streams_ended: false };
        });
        ConnectionGuard(self.clone())
    }

    pub(super) fn stream(self: &Arc<Self>) -> StreamGuard {
        StreamGuard(self.clone())
    }

    /// Returns when the host has died, with the reason to think so.
    pub(super) async fn gone(&self) -> &'static str {
        tokio::select! {
            () = closed(standard_output()) => "the host's end of standard output is closed",
            () = closed(standard_error()) => "the host's end of standard error is closed",
            () = self.disconnected() => "no connection is open",
        }
    }

    async fn disconnected(&self) {
        let mut changes = self.activity.subscribe();
        loop {
            let Activity { connections, streams_ended } = *changes.borrow_and_update();
            if connections == 0 {
                let timeout = if streams_ended { AFTER_STREAMS } else { IDLE };
                if tokio::time::timeout(timeout, changes.changed()).await.is_err() {
                    return;
                }
            } else if changes.changed().await.is_err() {
                // Not reached: the sender lives in `self`.
                return;
            }
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.activity.send_modify(|activity| activity.connections -= 1);
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.activity.send_modify(|activity| activity.streams_ended = true);
    }
}

/// Returns when the reading end of a pipe is closed; never for what is not a pipe.
// `AsyncFd::with_interest` is deprecated for an unsafe function, for types that may close their descriptor; this one owns it.
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
            // Edge-triggered: waits for the next change.
            guard.clear_ready();
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(unix)]
#[allow(clippy::disallowed_methods)] // watched for its end, not written to
fn standard_output() -> io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned()
}

#[cfg(unix)]
fn standard_error() -> io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::AsFd;
    io::stderr().as_fd().try_clone_to_owned()
}

// On Windows only a write shows that a pipe is closed, so connections and the host's streams have to do.
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
    async fn without_a_first_connection_the_process_ends_after_a_minute() {
        let started = Instant::now();
        HostLiveness::new().disconnected().await;
        assert_eq!(started.elapsed().as_secs(), IDLE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_keeps_the_process_running() {
        let host = HostLiveness::new();
        let open = host.connection();
        let wait = tokio::time::timeout(Duration::from_secs(86_400), host.disconnected());
        assert!(wait.await.is_err());
        drop(open);
        // It did not open the streams that a host opens, so the host may still be about to connect.
        let started = Instant::now();
        host.disconnected().await;
        assert_eq!(started.elapsed().as_secs(), IDLE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_end_of_the_hosts_streams_the_process_ends_unless_it_reconnects() {
        let host = HostLiveness::new();
        let (connection, stream) = (host.connection(), host.stream());
        drop((stream, connection));
        let reconnected = host.connection();
        assert!(tokio::time::timeout(IDLE * 2, host.disconnected()).await.is_err());
        drop((host.stream(), reconnected));
        let started = Instant::now();
        host.disconnected().await;
        assert_eq!(started.elapsed().as_secs(), AFTER_STREAMS.as_secs());
    }
}
