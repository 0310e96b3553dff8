//! Accepts connections and serves them: plain or TLS, HTTP/1.1 or HTTP/2.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::connection::Connection;
use crate::gateway::answer;
use crate::state::Shared;

/// Accepts until `stopped`; the tasks of the connections end with the runtime, which ends with the thread.
pub(crate) fn run(
    runtime: &Runtime,
    listener: TcpListener,
    shared: &Arc<Shared>,
    tls: Option<&TlsAcceptor>,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        let accept = async {
            for number in 1.. {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let shared = Arc::clone(shared);
                        tokio::spawn(serve(shared, number, stream, tls.cloned()));
                    }
                    // Most likely out of file descriptors; wait until other connections are closed.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
}

/// Serves a connection until either side ends it.
async fn serve(shared: Arc<Shared>, number: u64, stream: TcpStream, tls: Option<TlsAcceptor>) {
    let _open = shared.journal.connected();
    // Responses are small: Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    let (connection, wire) = Connection::new(number, stream);
    let service = service_fn(|request| answer(Arc::clone(&shared), Arc::clone(&connection), request));

    let served = async {
        let server = auto::Builder::new(TokioExecutor::new());
        // A client that goes away or sends no HTTP is not a failure of the emulator.
        match tls {
            None => {
                let _ = server.serve_connection(TokioIo::new(wire), service).await;
            }
            Some(tls) => {
                let Ok(stream) = tls.accept(wire).await else { return };
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        }
    };
    tokio::select! {
        () = served => {}
        () = connection.over() => {}
    }
}
