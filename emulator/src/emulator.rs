//! A running emulator: its thread and its handle.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::catalogue::Catalogue;
use crate::faults::Faults;
use crate::journal::{Call, Counters};
use crate::options::Options;
use crate::scenario::Scenario;
use crate::server;
use crate::state::Shared;
use crate::tls;

/// A running emulator. It ends, with all its connections, when this is dropped.
///
/// It has a thread and a runtime of its own, so that tests may block or be asynchronous as they like.
pub struct Emulator {
    address: SocketAddr,
    ca_pem: Option<String>,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts an emulator. When this returns, it accepts connections.
    ///
    /// # Errors
    ///
    /// The address is not a loopback address, or the port is taken, or the machine has no more threads or sockets.
    pub fn start(options: Options) -> io::Result<Self> {
        if !options.address.is_loopback() {
            let refused =
                format!("{} is not a loopback address; the emulator accepts no other", options.address);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, refused));
        }
        let tls = options.tls.then(tls::generate).transpose()?;
        let (acceptor, ca_pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        let listener = TcpListener::bind((options.address, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let shared = Arc::new(Shared::new(options));
        let (stop, stopped) = oneshot::channel();
        let thread = {
            let shared = Arc::clone(&shared);
            let serve = move || server::run(&runtime, listener, &shared, acceptor.as_ref(), stopped);
            std::thread::Builder::new().name("jdcloud-emulator".to_owned()).spawn(serve)?
        };
        Ok(Self { address, ca_pem, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// The base URL, for a provider's `vm_endpoint`: `http://127.0.0.1:PORT`, or `https`.
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of its authority under TLS, for the client to trust.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// All calls since the start or the last [`reset`](Self::reset), in the order of their arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.journal.calls()
    }

    /// Totals over the same calls.
    pub fn counters(&self) -> Counters {
        self.shared.journal.counters()
    }

    /// Waits, blocking, until `condition` holds, but not longer than `timeout`; says whether it does.
    pub fn wait_for(&self, timeout: Duration, condition: impl Fn(&Counters) -> bool) -> bool {
        self.shared.journal.wait_for(timeout, condition)
    }

    /// Forgets the calls. Scenario, catalogue and used nonces stay.
    pub fn reset(&self) {
        self.shared.journal.reset();
    }

    /// Replaces the scenario. Everything that a scenario counts starts at zero.
    pub fn set_scenario(&self, scenario: Scenario) {
        self.shared.state().faults = Faults::new(scenario);
    }

    /// Replaces the catalogue.
    pub fn set_catalogue(&self, catalogue: Catalogue) {
        self.shared.state().catalogue = catalogue;
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emulator").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
