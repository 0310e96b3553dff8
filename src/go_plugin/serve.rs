//! The lifecycle of a plugin process: listen, print the handshake, serve connections, shut down.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::environment::{PluginEnvironment, choose_protocol, protocols};
use super::handshake::Handshake;
use super::host_liveness::HostLiveness;
use super::host_services::HostServices;
use super::listener::{ListenError, Listener, Stream};
use super::service::{Service, Services};
use super::signals::end_by_signals;
use super::tls::{AutoMtls, TlsError};
use super::{Plugin, reattach};

/// How long a client may take for the TLS handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long shutdown waits for calls in progress. A host kills the process after 2 s.
const GRACE: Duration = Duration::from_millis(200);

/// How long to wait after a connection could not be accepted, mostly because file descriptors are exhausted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// HTTP/2's flow-control window. Terraform's messages are small, or few and large.
const WINDOW: u32 = 4 << 20;

/// Why the plugin could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The event loop or a signal handler cannot be set up.
    #[error("the process cannot be set up: {0}")]
    Process(#[source] io::Error),
    /// The server's certificate cannot be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no socket to listen on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Standard output is closed.
    #[error("standard output cannot be written: {0}")]
    Output(#[source] io::Error),
}

/// Serves the host that started this process, until it asks for shutdown or dies.
///
/// # Errors
/// When the process cannot be set up.
pub fn serve(plugin: &Plugin<'_>, mut environment: PluginEnvironment) -> Result<(), ServeError> {
    run(async {
        let shutdown = CancellationToken::new();
        end_by_signals(&shutdown, false).map_err(ServeError::Process)?;
        let protocol = choose_protocol(plugin.protocols, &environment.protocols);
        let tls = environment.client_certificate.take().map(AutoMtls::new).transpose()?;
        let listener = Listener::bind(&environment)?;
        let handshake = Handshake {
            protocol,
            address: &listener.address(),
            certificate: tls.as_ref().map(|tls| tls.certificate.as_ref()),
            has_multiplexing_field: environment.multiplexing_requested,
        };
        handshake.print().map_err(ServeError::Output)?;
        let host = HostLiveness::new();
        let connections = Connections {
            listener,
            tls: tls.map(|tls| TlsAcceptor::from(tls.config)),
            connect: &|| (plugin.connect)(protocol),
            host: host.clone(),
            shutdown: shutdown.clone(),
        };
        tokio::select! {
            () = connections.accept() => {}
            reason = host.gone() => tracing::debug!(reason, "the host has died"),
        }
        Ok(())
    })
}

/// Serves every host that attaches, without TLS on a private socket, until a signal ends the process.
///
/// # Errors
/// When the process cannot be set up.
pub fn serve_debug(plugin: &Plugin<'_>, protocol_versions: &str) -> Result<(), ServeError> {
    run(async {
        let shutdown = CancellationToken::new();
        end_by_signals(&shutdown, true).map_err(ServeError::Process)?;
        let protocol = match protocols(protocol_versions) {
            requested if requested.is_empty() => choose_protocol(plugin.protocols, plugin.protocols),
            requested => choose_protocol(plugin.protocols, &requested),
        };
        let listener = Listener::bind(&PluginEnvironment::for_debugging())?;
        reattach::print(plugin.addresses, protocol, &listener.address()).map_err(ServeError::Output)?;
        let connections = Connections {
            listener,
            tls: None,
            connect: &|| (plugin.connect)(protocol),
            host: HostLiveness::new(),
            shutdown,
        };
        connections.accept().await;
        Ok(())
    })
}

fn run(work: impl Future<Output = Result<(), ServeError>>) -> Result<(), ServeError> {
    // One thread: calls mostly wait for the network, and more threads cost time and memory at every start.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Process)?;
    let result = runtime.block_on(work);
    // Does not wait for host name lookups, which may hang.
    runtime.shutdown_background();
    result
}

/// What all connections share.
struct Connections<'a> {
    listener: Listener,
    tls: Option<TlsAcceptor>,
    connect: &'a dyn Fn() -> Service,
    host: Arc<HostLiveness>,
    shutdown: CancellationToken,
}

impl Connections<'_> {
    /// A new connection, with services of its own.
    fn connection(&self) -> Connection {
        let (host, shutdown) = (self.host.clone(), self.shutdown.clone());
        let host_services = HostServices { host: host.clone(), shutdown: shutdown.clone() }.services();
        let services = Services::new(host_services.into_iter().chain([(self.connect)()]));
        Connection { services, host, shutdown }
    }

    /// Serves connections until shutdown, and then waits a moment for calls in progress.
    async fn accept(self) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(stream) => {
                        open.spawn(self.connection().serve(stream, self.tls.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = open.join_next() => {}
                () = self.shutdown.cancelled() => break,
            }
        }
        // Removes the socket; no new connections are accepted.
        drop(self.listener);
        if tokio::time::timeout(GRACE, open.join_all()).await.is_err() {
            tracing::debug!("calls were still in progress at shutdown");
        }
    }
}

/// One client's connection.
struct Connection {
    services: Services,
    host: Arc<HostLiveness>,
    shutdown: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: Stream, tls: Option<TlsAcceptor>) {
        let Some(tls) = tls else { return self.serve_http2(stream).await };
        match tokio::time::timeout(TLS_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve_http2(stream).await,
            Ok(Err(error)) => tracing::warn!(%error, "a client was rejected"),
            Err(_) => tracing::warn!("a client was rejected: it did not complete the TLS handshake in time"),
        }
    }

    async fn serve_http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let _open = self.host.connection();
        let services = self.services;
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let response = services.clone().call(request.map(Body::new));
            async move { Ok::<_, Infallible>(response.await) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            // The host decides how many calls run at once.
            .max_concurrent_streams(None)
            // Nor does it lose its connection, and with it the configuration, because it cancels many.
            .max_pending_accept_reset_streams(usize::MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        // At shutdown the host closes its end without further ado.
        if let Err(error) = ended
            && !self.shutdown.is_cancelled()
        {
            tracing::debug!(%error, "a connection failed");
        }
    }
}
