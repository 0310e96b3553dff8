//! The life of a plugin process: listen, tell the host where, answer it, end with it.

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

use super::environment::{Environment, choose_protocol, protocols};
use super::handshake::Handshake;
use super::host::Host;
use super::host_services::HostServices;
use super::listener::{ListenError, Listener, Stream};
use super::service::{Service, Services};
use super::signals::end_by_signals;
use super::tls::{AutoMtls, TlsError};
use super::{Plugin, reattach};

/// How long a client may take to show its certificate.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long answers that are on their way may take once the process is to end. A host waits 2 s before it kills.
const GRACE: Duration = Duration::from_millis(200);

/// How long to wait when no connection can be accepted, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a sender may have under way before it waits for us: Terraform's messages are small, or few and large.
const WINDOW: u32 = 4 << 20;

/// Why a plugin could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The event loop, or a signal handler, can't be set up.
    #[error("the process can't be set up: {0}")]
    Process(#[source] io::Error),
    /// No server certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Nowhere to listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Standard output is closed.
    #[error("nobody reads the standard output: {0}")]
    Output(#[source] io::Error),
}

/// Serves the host that has started this process, until it asks to end or is gone.
///
/// # Errors
/// When the process can't be set up.
pub fn serve(plugin: &Plugin<'_>, mut environment: Environment) -> Result<(), ServeError> {
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
            answers_multiplexing: environment.asks_multiplexing,
        };
        handshake.print().map_err(ServeError::Output)?;
        let host = Host::new();
        let connections = Connections {
            listener,
            tls: tls.map(|tls| TlsAcceptor::from(tls.config)),
            connect: &|| (plugin.connect)(protocol),
            host: host.clone(),
            shutdown: shutdown.clone(),
        };
        tokio::select! {
            () = connections.accept() => {}
            sign = host.gone() => tracing::debug!(sign, "the host is gone"),
        }
        Ok(())
    })
}

/// Serves whoever attaches, in plain text on a private socket, until the user interrupts.
///
/// # Errors
/// When the process can't be set up.
pub fn serve_debug(plugin: &Plugin<'_>, asked_protocols: &str) -> Result<(), ServeError> {
    run(async {
        let shutdown = CancellationToken::new();
        end_by_signals(&shutdown, true).map_err(ServeError::Process)?;
        let protocol = match protocols(asked_protocols) {
            asked if asked.is_empty() => choose_protocol(plugin.protocols, plugin.protocols),
            asked => choose_protocol(plugin.protocols, &asked),
        };
        let listener = Listener::bind(&Environment::for_debugging())?;
        reattach::print(plugin.address, protocol, &listener.address()).map_err(ServeError::Output)?;
        let connections = Connections {
            listener,
            tls: None,
            connect: &|| (plugin.connect)(protocol),
            host: Host::new(),
            shutdown,
        };
        connections.accept().await;
        Ok(())
    })
}

fn run(work: impl Future<Output = Result<(), ServeError>>) -> Result<(), ServeError> {
    // One thread: calls wait for the network, and more threads cost every start time and memory.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Process)?;
    let result = runtime.block_on(work);
    // Name look-ups that hang must not keep the process.
    runtime.shutdown_background();
    result
}

/// Everything that connections have in common.
struct Connections<'a> {
    listener: Listener,
    tls: Option<TlsAcceptor>,
    connect: &'a dyn Fn() -> Service,
    host: Arc<Host>,
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

    /// Serves connections until the process is to end and the answers under way are given.
    async fn accept(self) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(stream) => {
                        open.spawn(self.connection().serve(stream, self.tls.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection can't be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = open.join_next() => {}
                () = self.shutdown.cancelled() => break,
            }
        }
        // No new connections, and the socket is gone from the file system.
        drop(self.listener);
        if tokio::time::timeout(GRACE, open.join_all()).await.is_err() {
            tracing::debug!("calls were still running at the end");
        }
    }
}

/// One client's connection.
struct Connection {
    services: Services,
    host: Arc<Host>,
    shutdown: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: Stream, tls: Option<TlsAcceptor>) {
        let Some(tls) = tls else { return self.serve_http2(stream).await };
        match tokio::time::timeout(TLS_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve_http2(stream).await,
            Ok(Err(error)) => tracing::warn!(%error, "a client was refused"),
            Err(_) => tracing::warn!("a client was refused: it did not finish the TLS handshake in time"),
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
            // A host runs as many calls as it likes.
            .max_concurrent_streams(None)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
    }
}
