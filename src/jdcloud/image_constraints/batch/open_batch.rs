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
use super::request::{InFlight, Outcome, Part};
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
    members: Arc<Members>,
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
    /// Adds the ids of `chunk` to the open batch, for `waiter`, and returns the requests that will ask for them.
    pub(super) fn gather(
        self: &Arc<Self>,
        state: &mut State,
        chunk: &Chunk,
        waiter: &Arc<Waiter>,
    ) -> Vec<InFlight> {
        let mut requests: Vec<InFlight> = Vec::new();
        for id in chunk.ids() {
            // A batch that every read has left is gone.
            let open = state.open.as_ref().and_then(|open| {
                let request = state.in_flight(open.chunk.ids().first()?)?;
                Arc::ptr_eq(&request.members, &open.members).then_some(request)
            });
            let request = match open {
                Some(request) if state.open.as_mut().is_some_and(|open| open.chunk.push(id)) => request,
                _ => self.open(state, id),
            };
            request.members.add(id, waiter);
            state.track(id, &request);
            if let Some(open) = &mut state.open
                && !requests.last().is_some_and(|last| last.settling.ptr_eq(&request.settling))
            {
                open.reads += 1;
                open.last_joined = Instant::now();
                open.changed.notify_one();
                requests.push(request);
            }
            if state.open.as_ref().is_some_and(|open| open.chunk.is_full()) {
                close(state);
            }
        }
        requests
    }

    /// Opens a batch with the id `first`, in the place of another one.
    fn open(self: &Arc<Self>, state: &mut State, first: &Arc<str>) -> InFlight {
        close(state);
        let mut chunk = Chunk::new(state.size.next(), self.bare_url);
        chunk.push(first);
        let (members, changed) = (Arc::<Members>::default(), Arc::new(Notify::new()));
        let settling = Arc::clone(self).send_when_closed(Arc::clone(&members), Arc::clone(&changed));
        let now = Instant::now();
        state.open = Some(OpenBatch {
            members: Arc::clone(&members),
            chunk,
            opened: now,
            last_joined: now,
            reads: 0,
            most_reads: state.window.most_reads,
            changed,
        });
        self.track(state, members, settling)
    }

    async fn send_when_closed(self: Arc<Self>, members: Arc<Members>, changed: Arc<Notify>) -> Outcome {
        let is_ours = |open: &OpenBatch| Arc::ptr_eq(&open.members, &members);
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
                self.read_ahead(&members, is_followed).await;
                let mut state = self.lock();
                if state.open.as_ref().is_some_and(is_ours) {
                    close(&mut state);
                }
            }
        }
        self.request(members, Part::default()).await
    }
}

impl State {
    /// Counts the open batch as a small request, or as several where many reads wait for it. Tells whether more reads will
    /// follow.
    fn record_small_request(&mut self) -> bool {
        let has_many = self.open.as_ref().is_some_and(|open| open.reads >= MANY);
        self.window.small_requests += if has_many { FEW } else { 1 };
        has_many || self.window.small_requests > FEW
    }
}

/// Closes the open batch, whose request is sent when it wakes.
fn close(state: &mut State) {
    if let Some(open) = state.open.take() {
        state.size.record_attempt(open.chunk.ids().len());
        open.changed.notify_one();
    }
}
