//! An HTTP server in JD Cloud's place.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpSocket;

/// An HTTP server that sends the same response to every request. It stops when it is dropped.
pub(crate) struct StaticServer {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl StaticServer {
    /// A server whose responses have status 200.
    pub(crate) fn responding(content_type: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let response: Arc<[u8]> = [head.as_bytes(), body].concat().into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if !respond(&stream, &response) {
                    return;
                }
            }
        });
        Self { address, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An address on which nothing listens. No other test can use it while the socket is kept.
    pub(crate) fn closed_port() -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }
}

/// Responds to a request. A connection that ends without a request stops the server: the result is false.
fn respond(mut stream: &TcpStream, response: &[u8]) -> bool {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return !request.is_empty(),
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    // The client may close the connection before it has read everything.
    let _ = stream.write_all(response);
    true
}

impl Drop for StaticServer {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
