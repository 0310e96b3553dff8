//! Messages that are too large or invalid.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tonic::Code;

use crate::support::{Options, PATIENCE, process_status, runtime};

/// A body of `left` chunks of one MiB, after a beginning.
struct Chunks {
    beginning: Option<Bytes>,
    chunk: Bytes,
    left: usize,
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        if let Some(beginning) = self.beginning.take() {
            return Poll::Ready(Some(Ok(Frame::data(beginning))));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.chunk.clone()))))
    }
}

/// A message of this length.
fn message(mebibytes: usize, compressed: u8) -> tonic::body::Body {
    let length = u32::try_from(mebibytes << 20).unwrap().to_be_bytes();
    let beginning = Some(Bytes::from([&[compressed], &length[..]].concat()));
    tonic::body::Body::new(Chunks { beginning, chunk: Bytes::from(vec![0; 1 << 20]), left: mebibytes })
}

#[test]
fn a_message_of_300_mib_is_rejected_by_its_length() {
    let plugin = Options::plain().start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let sent = client.send("/tfplugin6.Provider/ReadDataSource", message(300, 0));
        let headers = tokio::time::timeout(PATIENCE, sent).await.expect("no response").unwrap();
        let code = Code::from_bytes(headers["grpc-status"].as_bytes());
        let text = headers["grpc-message"].to_str().unwrap();
        assert_eq!(code, Code::OutOfRange, "{text}");
        assert!(text.contains("268435456"), "the message does not name the limit: {text}");
        assert_eq!(client.health().await.unwrap(), 1, "the connection still works");
    });
    let peak = process_status(plugin.pid(), "VmHWM");
    assert!(peak < 100 << 10, "{peak} kB were used for a message that is rejected");
    println!("300 MiB: {peak} kB at most");
}

#[test]
fn invalid_bodies_are_errors() {
    let plugin = Options::plain().start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let body = |bytes: &[u8]| {
            let beginning = Some(Bytes::copy_from_slice(bytes));
            tonic::body::Body::new(Chunks { beginning, chunk: Bytes::new(), left: 0 })
        };
        let cases: [(&str, tonic::body::Body); 6] = [
            ("compressed without negotiation", message(0, 1)),
            ("an unknown kind of compression", message(0, 9)),
            ("shorter than it says", body(&[0, 0, 0, 0, 9, 1])),
            ("half of a length", body(&[0, 0])),
            ("invalid protobuf", body(&[0, 0, 0, 0, 3, 0xff, 0xff, 0xff])),
            ("nothing", body(&[])),
        ];
        for (what, body) in cases {
            let sent = client.send("/tfplugin6.Provider/CallFunction", body);
            let response = tokio::time::timeout(PATIENCE, sent).await.expect(what);
            if let Ok(headers) = response {
                let code = headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
                assert!(!matches!(code, None | Some(Code::Ok)), "{what}: {headers:?}");
            }
            assert_eq!(client.health().await.unwrap(), 1, "{what}");
        }
    });
}
