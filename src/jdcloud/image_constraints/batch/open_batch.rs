//! The open batch: ids that no request asks for yet, gathering for the next one, and how long they wait.
//!
//! Terraform starts as many reads at once as its parallelism allows, and the next ones when they are answered. So
//! reads that were answered together are followed by as many others, within the time that a busy machine needs.

use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::chunk::Chunk;
use super::part::Part;
use super::{Batcher, State};
use crate::jdcloud::call::waiter::{SharedCall, UnderWay, Waiter, Waiters};

/// How long the batch waits after the last read that joined.
const QUIET: Duration = Duration::from_millis(5);

/// How long it waits while the reads that follow answered ones are expected.
const FOLLOWERS: Duration = Duration::from_millis(50);

/// How long it waits in any case. A region whose last answer is older expects no followers either.
const LONGEST: Duration = Duration::from_millis(500);

/// Two data blocks alone do not wait for followers, nor cause a listing.
const FEW: u32 = 2;

/// Terraform's default parallelism: if this many reads arrive at once, more will follow.
const MANY: usize = 10;

/// What the region's small requests, those that could have asked for more ids, say about the reads to come.
#[derive(Debug, Default)]
pub(super) struct BatchWindow {
    small_requests: u32,
    /// The most reads that were ever under way together, which is what the host's parallelism looks like.
    most_reads: usize,
    last_answer: Option<Instant>,
}

pub(super) struct OpenBatch {
    request: UnderWay<()>,
    /// The request looks when it changes, and is sent when it is dropped.
    chunk: watch::Sender<Chunk>,
    opened: Instant,
    last_joined: Instant,
    /// `most_reads` when the batch opened.
    most_reads: usize,
}

impl BatchWindow {
    pub(super) fn record_answer(&mut self) {
        self.last_answer = Some(Instant::now());
    }

    /// Counts a small request of `reads` reads, or several where these are many. Tells whether more reads will follow.
    fn record_small_request(&mut self, reads: usize) -> bool {
        self.small_requests += if reads < MANY { 1 } else { FEW + 1 };
        self.small_requests > FEW
    }
}

/// Whether the batch of `chunk` is the open one, which drops its end of the channel when it closes.
fn is_open(chunk: &watch::Receiver<Chunk>) -> bool {
    chunk.has_changed().is_ok()
}

impl Batcher {
    /// Opens a batch in the place of another one.
    pub(super) fn open(self: &Arc<Self>, state: &mut State) -> SharedCall<()> {
        let size = state.size.next();
        let controls = state.completeness.reserved_controls(size);
        let (chunk, changes) = watch::channel(Chunk::new(size, self.bare_url()).beside(&controls));
        let (settling, request) =
            UnderWay::new(&[], |waiters| Arc::clone(self).send_when_closed(waiters, changes));
        let now = Instant::now();
        state.open = Some(OpenBatch {
            request,
            chunk,
            opened: now,
            last_joined: now,
            most_reads: state.window.most_reads,
        });
        settling
    }

    async fn send_when_closed(self: Arc<Self>, waiters: Arc<Waiters>, mut chunk: watch::Receiver<Chunk>) {
        loop {
            let Some(time) = self.lock().closes_at(&chunk) else { break };
            if timeout_at(time, chunk.changed()).await.is_ok() {
                continue;
            }
            // On a busy machine more reads may have arrived that wait for their tasks to run.
            for _ in 0..3 {
                yield_now().await;
            }
            if self.lock().closes_at(&chunk).is_some_and(|time| time <= Instant::now()) {
                let reads = waiters.all();
                if self.lock().window.record_small_request(reads.len()) {
                    // More reads join while the listing runs.
                    self.read_ahead(&reads).await;
                }
                self.lock().open.take_if(|_| is_open(&chunk));
            }
        }
        let part = Part::new(&chunk.borrow().ids, waiters);
        self.fetch(part).await;
    }
}

impl State {
    /// A read begins, and holds the receiver until it ends.
    pub(super) fn record_read(&mut self) -> watch::Receiver<u32> {
        let changes = self.changed.subscribe();
        self.window.most_reads = self.window.most_reads.max(self.changed.receiver_count());
        changes
    }

    /// When the open batch closes unless another read joins, if that is still the one of `chunk`.
    fn closes_at(&self, chunk: &watch::Receiver<Chunk>) -> Option<Instant> {
        let BatchWindow { small_requests, most_reads, last_answer } = self.window;
        let open = self.open.as_ref().filter(|_| is_open(chunk))?;
        let is_recent = last_answer.is_some_and(|answer| answer.elapsed() < LONGEST);
        let quiet = if small_requests < FEW || !is_recent {
            QUIET
        } else if open.most_reads == most_reads && open.request.waiters.all().len() >= most_reads {
            Duration::ZERO
        } else {
            FOLLOWERS
        };
        Some((open.last_joined + quiet).min(open.opened + LONGEST))
    }

    /// Adds `id` to the open batch, for `waiter`, unless there is none or it has no room. One that every read has left is
    /// gone.
    pub(super) fn gather(&mut self, id: &Arc<str>, waiter: &Arc<Waiter>) -> Option<SharedCall<()>> {
        let open = self.open.as_mut()?;
        if !open.chunk.send_if_modified(|chunk| chunk.push(id)) {
            return None;
        }
        let settling = open.request.joined(from_ref(waiter))?;
        open.last_joined = Instant::now();
        self.requests.insert(Arc::clone(id), open.request.clone());
        self.open.take_if(|open| open.chunk.borrow().is_full());
        Some(settling)
    }
}
