//! The open batch: ids that no request asks for yet, gathering for the next one, and how long they wait.
//!
//! Terraform starts as many reads at once as its parallelism allows, and the next ones when they are answered. So
//! reads that were answered together are followed by as many others, within the time that a busy machine needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::chunk::Chunk;
use super::request::{InFlight, Settling};
use super::waiter::Members;
use super::{Batcher, State};
use crate::jdcloud::call::waiter::Waiter;

/// How long the batch waits after the last read that joined.
const QUIET: Duration = Duration::from_millis(5);

/// How long it waits while the reads that follow answered ones are expected.
const FOLLOWERS: Duration = Duration::from_millis(50);

/// How long it waits in any case. A region whose last answer is older expects no followers either.
const LONGEST: Duration = Duration::from_millis(500);

/// Two data blocks alone do not wait for followers, nor cause a listing.
const FEW: u32 = 2;

/// So many reads at once are Terraform's default parallelism, so that more will follow.
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
    request: InFlight,
    chunk: Chunk,
    opened: Instant,
    last_joined: Instant,
    reads: usize,
    /// `most_reads` when the batch opened.
    most_reads: usize,
    /// Wakes the request, which waits until the batch closes.
    changed: Arc<Notify>,
}

impl BatchWindow {
    pub(super) fn record_reads(&mut self, under_way: usize) {
        self.most_reads = self.most_reads.max(under_way);
    }

    pub(super) fn record_answer(&mut self) {
        self.last_answer = Some(Instant::now());
    }

    /// When `open` closes unless another read joins.
    fn closes_at(&self, open: &OpenBatch) -> Instant {
        let is_recent = self.last_answer.is_some_and(|answer| answer.elapsed() < LONGEST);
        let quiet = if self.small_requests < FEW || !is_recent {
            QUIET
        } else if open.reads >= self.most_reads && open.most_reads == self.most_reads {
            return open.last_joined;
        } else {
            FOLLOWERS
        };
        (open.last_joined + quiet).min(open.opened + LONGEST)
    }
}

impl Batcher {
    /// Opens a batch, in the place of another one.
    pub(super) fn open(self: &Arc<Self>, state: &mut State) -> Settling {
        state.close();
        let (members, changed) = (Arc::<Members>::default(), Arc::new(Notify::new()));
        let settling = Arc::clone(self).send_when_closed(Arc::clone(&members), Arc::clone(&changed));
        let (request, settling) = self.request(members, settling);
        let now = Instant::now();
        state.open = Some(OpenBatch {
            request,
            chunk: Chunk::new(state.size.next(), self.bare_url),
            opened: now,
            last_joined: now,
            reads: 0,
            most_reads: state.window.most_reads,
            changed,
        });
        settling
    }

    async fn send_when_closed(self: Arc<Self>, members: Arc<Members>, changed: Arc<Notify>) {
        let is_ours = |open: &OpenBatch| Arc::ptr_eq(&open.request.members, &members);
        let closes_at = || {
            let state = self.lock();
            state.open.as_ref().filter(|open| is_ours(open)).map(|open| state.window.closes_at(open))
        };
        while let Some(time) = closes_at() {
            if timeout_at(time, changed.notified()).await.is_ok() {
                continue;
            }
            // On a busy machine more reads may have arrived that wait for their tasks to run.
            for _ in 0..3 {
                yield_now().await;
            }
            if closes_at().is_some_and(|time| time <= Instant::now()) {
                let is_followed = self.lock().record_small_request();
                // More reads join while the listing runs.
                self.read_ahead(&members.all(), is_followed).await;
                let mut state = self.lock();
                if state.open.as_ref().is_some_and(is_ours) {
                    state.close();
                }
            }
        }
        self.fetch(members.all()).await;
    }
}

impl State {
    /// Adds `id` to the open batch, for `waiter`, unless there is none or it has no room. One that every read has left is
    /// gone.
    pub(super) fn gather(&mut self, id: &Arc<str>, waiter: &Arc<Waiter>) -> Option<Settling> {
        let open = self.open.as_mut()?;
        let settling = open.request.joinable()?;
        if !open.chunk.push(id) {
            return None;
        }
        open.reads += usize::from(open.request.members.add(id, waiter));
        open.last_joined = Instant::now();
        open.changed.notify_one();
        self.in_flight.insert(Arc::clone(id), open.request.clone());
        if open.chunk.is_full() {
            self.close();
        }
        Some(settling)
    }

    /// Closes the open batch, whose request is sent when it wakes.
    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.size.record_attempt(open.chunk.ids().len());
            open.changed.notify_one();
        }
    }

    /// Counts the open batch as a small request, or as several where many reads wait for it. Tells whether more reads will
    /// follow.
    fn record_small_request(&mut self) -> bool {
        let has_many = self.open.as_ref().is_some_and(|open| open.reads >= MANY);
        self.window.small_requests += if has_many { FEW } else { 1 };
        has_many || self.window.small_requests > FEW
    }
}
