//! Something that answers in JD Cloud's place.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpSocket;

/// An HTTP server that gives every request the same answer. It ends when it is dropped.
pub(crate) struct Stranger {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Stranger {
    /// One that answers with status 200.
    pub(crate) fn answering(content_type: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let answer: Arc<[u8]> = [head.as_bytes(), body].concat().into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if !is_http(&stream, &answer) {
                    return;
                }
            }
        });
        Self { address, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An address where nobody listens; no other test gets it as long as the socket is kept.
    pub(crate) fn closed_port() -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }
}

/// Answers a request; a connection that ends without one is the sign to stop.
fn is_http(mut stream: &TcpStream, answer: &[u8]) -> bool {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return !request.is_empty(),
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    // A client that has read enough hangs up.
    let _ = stream.write_all(answer);
    true
}

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
