//! Many reads become few requests, for one region of a connection.
//!
//! A read hands in ids. An id is *open* while it waits in the open batch for the ids of other reads (`open_batch`),
//! *in flight* while a request asks for it (`request`), and *settled* once it has an answer. A request is a future
//! that the reads share: it runs while one of them waits for it and is dropped with the last. Where it is refused
//! (`split`) or its response may be incomplete (`check`), it goes on with parts of its ids; a read is answered
//! as soon as its own ids are settled. Many small reads are answered by one listing of the region (`listing`).

mod batch_size;
mod check;
mod chunk;
mod completeness;
mod controls;
mod listing;
#[cfg(test)]
mod model;
mod open_batch;
mod part;
mod request;
mod split;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hashbrown::HashMap;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use self::batch_size::BatchSize;
use self::completeness::Completeness;
use self::listing::RegionRows;
use self::open_batch::{BatchWindow, OpenBatch};
use crate::jdcloud::call::caller::Caller;
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::call::waiter::{SharedCall, UnderWay, Waiter};
use crate::jdcloud::image_constraints::api::{self, OPERATION};
use crate::jdcloud::image_constraints::constraint::{Interner, Rule};
use crate::jdcloud::settings::Region;

/// What a read found: the rule of each image that was returned, and `None` for each id that was not.
pub(crate) type Found = BTreeMap<Arc<str>, Option<Rule>>;

/// The reads and requests of one region.
pub(crate) struct Batcher {
    caller: Arc<Caller>,
    region: Region,
    interner: Arc<Mutex<Interner>>,
    /// Held by the check of a response.
    checking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// What the reads of a region share.
#[derive(Default)]
struct State {
    /// The settled ids; `None` for one that was asked for by name and has no row. Failures are not kept.
    answers: HashMap<Arc<str>, Option<Rule>>,
    /// Changes when ids are settled, answers are withdrawn or reads fail. Each read by name holds a receiver. The value is
    /// how often answers were withdrawn, because a response turned out to be incomplete.
    changed: watch::Sender<u32>,
    /// The requests that ask for these ids, or will ask for them when the open batch closes.
    requests: HashMap<Arc<str>, UnderWay<()>>,
    open: Option<OpenBatch>,
    window: BatchWindow,
    size: BatchSize,
    completeness: Completeness,
    /// A listing may be sent ahead of requests by name.
    reads_ahead: bool,
    /// The listing of the region, for reads without ids and ahead of requests by name.
    listing: Option<UnderWay<RegionRows>>,
}

impl Batcher {
    pub(crate) fn new(caller: Arc<Caller>, region: Region) -> Self {
        let state = State {
            size: BatchSize::new(caller.limits.batch_size),
            reads_ahead: caller.limits.read_ahead,
            ..State::default()
        };
        Self {
            caller,
            region,
            interner: Arc::default(),
            checking: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
        }
    }

    /// The length of a request's URL before its first id.
    fn bare_url(&self) -> usize {
        self.caller.url_length(&OPERATION.path(&self.region))
    }

    /// What the API says about `ids`. Dropping the future withdraws the read, which began at `started`.
    pub(crate) async fn named(
        self: &Arc<Self>,
        ids: BTreeSet<Arc<str>>,
        started: Instant,
    ) -> Result<Found, Arc<CallError>> {
        let waiter = Waiter::new(started + self.caller.limits.read_timeout, ids);
        self.in_time(&waiter, self.settled(&waiter)).await
    }

    async fn settled(self: &Arc<Self>, waiter: &Arc<Waiter>) -> Result<Found, Arc<CallError>> {
        let (mut rest, mut requests, mut withdrawals) = (Vec::new(), FuturesUnordered::new(), 0);
        let mut changes = self.lock().record_read();
        loop {
            let earlier = std::mem::replace(&mut withdrawals, *changes.borrow_and_update());
            if rest.is_empty() && requests.is_empty() || earlier != withdrawals {
                rest = waiter.ids.iter().rev().collect();
            }
            self.hand_in(&mut rest, waiter, &mut requests);
            if let Some(error) = waiter.failure.get() {
                return Err(Arc::clone(error));
            }
            if rest.is_empty()
                && let Some(found) = self.lock().found(&waiter.ids)
            {
                return Ok(found);
            }
            tokio::select! {
                _ = requests.next() => {}
                // A request may go on for other reads.
                _ = changes.changed() => {}
            }
        }
    }

    /// Hands in ids from the end of `rest` until `max_concurrent_requests` requests are under way for this read. A short
    /// read that comes later waits for a round of these, not for all.
    fn hand_in(
        self: &Arc<Self>,
        rest: &mut Vec<&Arc<str>>,
        waiter: &Arc<Waiter>,
        requests: &mut FuturesUnordered<SharedCall<()>>,
    ) {
        let mut state = self.lock();
        while let Some(id) = rest.last() {
            if !state.answers.contains_key(*id) {
                let joined = state.requests.get(*id).and_then(|request| request.joined(from_ref(waiter)));
                let Some(settling) = joined.or_else(|| state.gather(id, waiter)) else {
                    if requests.len() >= self.caller.limits.max_concurrent_requests {
                        break;
                    }
                    // Its first id always fits.
                    requests.push(self.open(&mut state));
                    continue;
                };
                if !requests.iter().any(|ours| ours.ptr_eq(&settling)) {
                    requests.push(settling);
                }
            }
            rest.pop();
        }
    }

    /// What `read` gives, or an error when `waiter` gives up.
    async fn in_time<T>(
        &self,
        waiter: &Waiter,
        read: impl Future<Output = Result<T, Arc<CallError>>>,
    ) -> Result<T, Arc<CallError>> {
        timeout_at(waiter.deadline, read).await.unwrap_or_else(|_| {
            let asked = api::summary(&waiter.ids.iter().cloned().collect::<Vec<_>>());
            Err(self.caller.out_of_time(&OPERATION, &self.region, asked, waiter))
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// `id` has a row. What was believed to be missing while no such id was known is asked for again.
    fn record_row(&mut self, id: &Arc<str>) {
        if self.completeness.controls.is_empty() {
            self.withdraw_missing();
        }
        self.completeness.record_row(id);
    }

    /// Reads that have not ended ask again for the ids that were believed to be missing.
    fn withdraw_missing(&mut self) {
        let settled = self.answers.len();
        self.answers.retain(|_, answer| answer.is_some());
        if self.answers.len() < settled {
            self.changed.send_modify(|withdrawals| *withdrawals += 1);
        }
    }

    /// The answers to `ids`, if all have one. The read ends with these.
    fn found(&mut self, ids: &BTreeSet<Arc<str>>) -> Option<Found> {
        // The last ids are most often the last to be settled.
        let answers = ids.iter().rev().map(|id| Some((Arc::clone(id), self.answers.get(id)?.clone())));
        let found: Found = answers.collect::<Option<_>>()?;
        if found.values().any(Option::is_none) {
            self.completeness.reported = self.completeness.believed;
        }
        Some(found)
    }
}
