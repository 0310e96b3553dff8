//! Response bodies: complete, compressed, slow, truncated or stalled.

use std::io::{self, Write as _};
use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Body, Frame};
use tokio::time::Sleep;

use crate::journal::InFlight;
use crate::reply::Reply;
use crate::scenario::Scenario;

/// The padding of a huge body, sent in chunks of this size.
static PADDING: [u8; 64 * 1024] = [b'x'; 64 * 1024];

type Pieces = Box<dyn Iterator<Item = Bytes> + Send>;

/// A body that is being sent. The call is in flight until it is dropped.
pub(crate) struct Delivery {
    pieces: Pieces,
    /// What `Content-Length` says.
    length: u64,
    /// How many of these bytes are still to be sent.
    left: u64,
    ending: Ending,
    bytes_per_second: Option<u32>,
    next: Option<(Pin<Box<Sleep>>, Bytes)>,
    _in_flight: Option<InFlight>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    /// The connection stays open and no more bytes are sent.
    Stall,
    /// The connection closes after the bytes so far have been flushed.
    Cut {
        flushed: bool,
    },
}

impl Delivery {
    /// A body without faults.
    pub(crate) fn plain(body: Bytes) -> Self {
        let length = body.len() as u64;
        Self {
            pieces: Box::new(iter::once(body)),
            length,
            left: length,
            ending: Ending::Whole,
            bytes_per_second: None,
            next: None,
            _in_flight: None,
        }
    }

    /// The body of `reply`, faulty as `scenario` says, compressed if `gzip`.
    pub(crate) fn with_faults(reply: &Reply, scenario: &Scenario, gzip: bool, in_flight: InFlight) -> Self {
        let mut body = reply.body.clone();
        if scenario.cut_json {
            body.truncate(body.len() / 2);
        }
        let padding = if scenario.cut_json { 0 } else { reply.padding };
        // Twenty writes a second: slow for the client, cheap for the emulator.
        let slice = scenario.body_bytes_per_second.map_or(usize::MAX, |rate| (rate as usize / 20).max(1));
        let (pieces, length) = if gzip {
            let compressed = Bytes::from(compress(padded(&body, padding, usize::MAX)));
            let length = compressed.len() as u64;
            (padded(&compressed, 0, slice), length)
        } else {
            (padded(&body, padding, slice), body.len() as u64 + padding)
        };
        let (left, ending) = match scenario.stall_after_bytes {
            Some(bytes) => (length.min(bytes as u64), Ending::Stall),
            None if scenario.cut_body => (length / 2, Ending::Cut { flushed: false }),
            None => (length, Ending::Whole),
        };
        let bytes_per_second = scenario.body_bytes_per_second;
        Self { pieces, length, left, ending, bytes_per_second, next: None, _in_flight: Some(in_flight) }
    }

    /// The value of `Content-Length`, which is wrong when the body is cut.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some((sleep, piece)) = &mut self.next {
            std::task::ready!(sleep.as_mut().poll(context));
            let piece = std::mem::take(piece);
            self.next = None;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let piece = if self.left > 0 { self.pieces.next() } else { None };
        if let Some(mut piece) = piece {
            piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= piece.len() as u64;
            let Some(rate) = self.bytes_per_second else {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            };
            let pause = Duration::from_secs_f64(piece.len() as f64 / f64::from(rate.max(1)));
            self.next = Some((Box::pin(tokio::time::sleep(pause)), piece));
            return self.poll_frame(context);
        }
        match &mut self.ending {
            Ending::Whole => Poll::Ready(None),
            Ending::Stall => Poll::Pending,
            Ending::Cut { flushed: true } => Poll::Ready(Some(Err(io::Error::other("cut")))),
            Ending::Cut { flushed } => {
                // Poll once more, so that hyper flushes its buffer first.
                *flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

/// `body` with `padding` bytes of padding before its last two, in pieces of at most `slice`.
fn padded(body: &Bytes, padding: u64, slice: usize) -> Pieces {
    let (head, tail) = if padding == 0 { (body.len(), body.len()) } else { (body.len() - 2, body.len() - 2) };
    let mut padding = padding;
    let padding_chunks = iter::from_fn(move || {
        let size = usize::try_from(padding).unwrap_or(usize::MAX).min(slice).min(PADDING.len());
        padding -= size as u64;
        (size > 0).then(|| Bytes::from_static(&PADDING[..size]))
    });
    Box::new(sliced(body.slice(..head), slice).chain(padding_chunks).chain(sliced(body.slice(tail..), slice)))
}

fn sliced(mut body: Bytes, slice: usize) -> impl Iterator<Item = Bytes> {
    iter::from_fn(move || (!body.is_empty()).then(|| body.split_to(slice.min(body.len()))))
}

fn compress(pieces: Pieces) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    for piece in pieces {
        let _ = encoder.write_all(&piece);
    }
    encoder.finish().unwrap_or_default()
}
