//! One TCP connection: plain or TLS, HTTP/1.1 or HTTP/2, and the lever that resets it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::gateway::{Gateway, answer};

/// What the calls of one connection share.
pub(crate) struct Connection {
    /// Counts all connections, from 1.
    pub(crate) number: u64,
    reset: Arc<AtomicBool>,
    over: Notify,
}

impl Connection {
    /// Ends the connection with a reset instead of a farewell.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
        self.over.notify_one();
    }
}

/// Serves a connection until either side ends it.
pub(crate) async fn serve(gateway: Arc<Gateway>, number: u64, stream: TcpStream, tls: Option<TlsAcceptor>) {
    let _open = gateway.journal.connected();
    // Answers are small; nothing gains from waiting to fill a segment.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let connection = Arc::new(Connection { number, reset: Arc::clone(&reset), over: Notify::new() });
    let wire = Wire { stream, reset };
    let service = service_fn(|request| answer(Arc::clone(&gateway), Arc::clone(&connection), request));

    let served = async {
        let server = auto::Builder::new(TokioExecutor::new());
        // A client that goes away, or speaks nonsense, is none of our failures.
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
        () = connection.over.notified() => {}
    }
}

/// The TCP stream, which closes with a reset if told so.
struct Wire {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
