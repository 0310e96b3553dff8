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
mod request;
mod split;
#[cfg(test)]
mod tests;
mod waiter;

use std::iter::Peekable;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hashbrown::HashMap;
use tokio::time::{Instant, timeout_at};

use self::batch_size::BatchSize;
use self::completeness::Completeness;
use self::listing::{ReadAhead, RegionRows};
use self::open_batch::{BatchWindow, OpenBatch};
use self::request::{InFlight, Settling};
use self::waiter::Part;
use crate::jdcloud::call::caller::Caller;
use crate::jdcloud::call::error::{CallError, RequestSummary};
use crate::jdcloud::call::waiter::{UnderWay, Waiter};
use crate::jdcloud::image_constraints::answer::Image;
use crate::jdcloud::image_constraints::api::OPERATION;
use crate::jdcloud::image_constraints::constraint::{Interner, Rule};
use crate::jdcloud::settings::Region;

/// What a read found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The images that were returned.
    pub(crate) images: Vec<Image>,
    /// The ids that were not.
    pub(crate) missing: Vec<Arc<str>>,
}

/// The reads and requests of one region.
pub(crate) struct Batcher {
    caller: Arc<Caller>,
    region: Region,
    /// The length of a request's URL before its first id.
    bare_url: usize,
    interner: Arc<Mutex<Interner>>,
    /// Each read holds a clone, so that its references count the reads under way.
    reads: Arc<()>,
    /// Held by the check of a response.
    checking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// What the reads of a region share.
struct State {
    /// The settled ids; `None` for one that was asked for by name and has no row. Failures are not kept.
    answers: HashMap<Arc<str>, Option<Rule>>,
    /// The ids that a request asks for, or will ask for when the open batch closes.
    in_flight: HashMap<Arc<str>, InFlight>,
    open: Option<OpenBatch>,
    window: BatchWindow,
    size: BatchSize,
    completeness: Completeness,
    ahead: ReadAhead,
    listing: Option<UnderWay<RegionRows>>,
}

impl Batcher {
    pub(crate) fn new(caller: Arc<Caller>, region: Region) -> Self {
        let state = State {
            answers: HashMap::new(),
            in_flight: HashMap::new(),
            open: None,
            window: BatchWindow::default(),
            size: BatchSize::new(caller.limits.batch_size),
            completeness: Completeness::default(),
            ahead: if caller.limits.read_ahead { ReadAhead::Wanted } else { ReadAhead::Done },
            listing: None,
        };
        Self {
            bare_url: caller.url_length(&OPERATION.path(&region)),
            caller,
            region,
            interner: Arc::default(),
            reads: Arc::default(),
            checking: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
        }
    }

    /// What the API says about `ids`, which are unique. Dropping the future withdraws the read, which began at `started`.
    pub(crate) async fn named(
        self: &Arc<Self>,
        ids: &[Arc<str>],
        started: Instant,
    ) -> Result<Found, Arc<CallError>> {
        let waiter = Arc::new(Waiter::new(started + self.caller.limits.read_timeout));
        let _read = Arc::clone(&self.reads);
        self.lock().window.record_reads(Arc::strong_count(&self.reads) - 1);
        let settled = timeout_at(waiter.deadline, self.settled(ids, &waiter)).await;
        settled.map_err(|_| self.out_of_time(RequestSummary::ids(ids), &waiter))?
    }

    async fn settled(
        self: &Arc<Self>,
        ids: &[Arc<str>],
        waiter: &Arc<Waiter>,
    ) -> Result<Found, Arc<CallError>> {
        let mut rest = Vec::from(ids).into_iter().peekable();
        let mut requests = FuturesUnordered::new();
        let mut settled = 0;
        loop {
            self.hand_in(&mut rest, waiter, &mut requests);
            let may_be_found = tokio::select! {
                ended = requests.next() => ended.is_none(),
                // A request may go on for other reads.
                () = waiter.woken() => {
                    let state = self.lock();
                    settled += ids[settled..].iter().take_while(|id| state.answers.contains_key(*id)).count();
                    settled == ids.len()
                }
            };
            if let Some(error) = waiter.failure() {
                return Err(error);
            }
            if may_be_found {
                match self.lock().found(ids) {
                    Ok(found) => return Ok(found),
                    // Answers are withdrawn when a response turns out to be incomplete.
                    Err(unsettled) => (rest, settled) = (unsettled.into_iter().peekable(), 0),
                }
            }
        }
    }

    /// Hands in ids of `rest` until `max_concurrent_requests` requests are under way for this read. A short read that
    /// comes later waits for a round of these, not for all.
    fn hand_in(
        self: &Arc<Self>,
        rest: &mut Peekable<std::vec::IntoIter<Arc<str>>>,
        waiter: &Arc<Waiter>,
        requests: &mut FuturesUnordered<Settling>,
    ) {
        let mut state = self.lock();
        while let Some(id) = rest.peek() {
            if !state.answers.contains_key(id) {
                let joined = state.join(id, waiter).or_else(|| state.gather(id, waiter));
                let settling = match joined {
                    Some(settling) => settling,
                    None if requests.len() < self.caller.limits.max_concurrent_requests => {
                        let settling = self.open(&mut state);
                        state.gather(id, waiter);
                        settling
                    }
                    None => break,
                };
                if !requests.iter().any(|ours| ours.ptr_eq(&settling)) {
                    requests.push(settling);
                }
            }
            rest.next();
        }
    }

    fn out_of_time(&self, asked: RequestSummary, waiter: &Waiter) -> Arc<CallError> {
        self.caller.out_of_time(&OPERATION, &self.region, asked, waiter)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The request that asks for `id`, which `waiter` joins.
    fn join(&self, id: &Arc<str>, waiter: &Arc<Waiter>) -> Option<Settling> {
        let request = self.in_flight.get(id)?;
        let settling = request.joinable()?;
        request.members.add(id, waiter);
        Some(settling)
    }

    /// The ids of `part` that a read waits for and that have no answer.
    fn unsettled(&self, part: &Part) -> Part {
        let mut ids = part.wanted();
        ids.retain(|id| !self.answers.contains_key(id));
        part.of(ids)
    }

    /// Settles ids that were asked for by name and have no row, unless a listing has settled them meanwhile.
    fn settle_absent(&mut self, ids: &[Arc<str>]) {
        for id in ids {
            self.answers.entry(Arc::clone(id)).or_default();
        }
    }

    fn has_answers(&self, ids: &[Arc<str>]) -> bool {
        ids.iter().all(|id| self.answers.contains_key(id))
    }

    /// The answers to `ids`, or the ids that have none.
    fn found(&self, ids: &[Arc<str>]) -> Result<Found, Vec<Arc<str>>> {
        let (mut found, mut unsettled) = (Found::default(), Vec::new());
        for id in ids {
            match self.answers.get(id) {
                Some(Some(rule)) => found.images.push(Image { id: Arc::clone(id), rule: rule.clone() }),
                Some(None) => found.missing.push(Arc::clone(id)),
                None => unsettled.push(Arc::clone(id)),
            }
        }
        if unsettled.is_empty() { Ok(found) } else { Err(unsettled) }
    }
}
