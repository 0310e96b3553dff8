//! From many reads to few calls, for one region of a connection.
//!
//! Reads hand in ids ([`Reader`]). Ids that no call asks for yet make up calls ([`Chunk`], [`Call`]); each
//! call is a task of its own, which lends itself to every read that wants one of its ids and ends when none
//! is left. What a call answers is remembered. `company.rs` says how long ids wait for others, `run.rs` is what a
//! call does, `split.rs` what happens when it is refused, `whole.rs` the calls without ids.

mod chunk;
mod company;
mod reader;
mod run;
mod split;
mod state;
#[cfg(test)]
mod tests;
mod whole;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout_at};

use self::chunk::Chunk;
use self::company::COMPANY;
pub(crate) use self::reader::Found;
use self::reader::Reader;
use self::state::{Call, Gathering, State};
use crate::jdcloud::call::caller::Caller;
use crate::jdcloud::call::error::{CallError, Context, Failure, RequestSummary};
use crate::jdcloud::image_constraints::api::{self as image_constraints, OPERATION};
use crate::jdcloud::image_constraints::constraint::Interner;
use crate::jdcloud::settings::Region;

/// The reads and calls of one region.
pub(crate) struct Batcher {
    caller: Arc<Caller>,
    region: Region,
    /// The length of a call's URL before its first id.
    bare_url: usize,
    interner: Arc<Mutex<Interner>>,
    state: Mutex<State>,
}

impl Batcher {
    pub(crate) fn new(caller: Arc<Caller>, region: Region) -> Self {
        let bare_url = caller.url_length(&image_constraints::path(&region));
        let state = Mutex::new(State::new(&caller.limits));
        Self { caller, region, bare_url, interner: Arc::default(), state }
    }

    /// What the API says about `ids`, which are unique.
    ///
    /// Dropping the future withdraws from the calls under way.
    pub(crate) async fn named(self: &Arc<Self>, ids: &[Arc<str>]) -> Result<Found, Arc<CallError>> {
        let started = Instant::now();
        let reader = Arc::new(Reader::new(started + self.caller.limits.read_timeout));
        let _leaving = Leaving { batcher: self, reader: &reader };
        let answered = async {
            let mut rest = ids;
            loop {
                self.submit(&reader, &mut rest);
                match reader.outcome(rest.is_empty()) {
                    Some(outcome) => return outcome,
                    None => reader.changed().await,
                }
            }
        };
        match timeout_at(reader.deadline, answered).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.out_of_time(RequestSummary::ids(ids), started, reader.last_failure())),
        }
    }

    /// The error of a read that took too long; `last` is what went wrong before.
    fn out_of_time(
        &self,
        asked: RequestSummary,
        started: Instant,
        last: Option<CallError>,
    ) -> Arc<CallError> {
        let limit = self.caller.limits.read_timeout;
        let elapsed = started.elapsed();
        let (last, context) = match last {
            Some(CallError { failure, context }) => (Some(Box::new(failure)), context),
            None => (None, self.caller.context(OPERATION, &self.region, RequestSummary::default())),
        };
        let context = Context { asked, elapsed, ..context };
        Arc::new(CallError { failure: Failure::ReadTimeout { limit, last }, context })
    }

    /// Hands in as many ids of `rest` as may be under way at once.
    ///
    /// A long read does not fill the queue: a short one that comes later waits behind a round of its calls,
    /// not behind all of them.
    fn submit(self: &Arc<Self>, reader: &Arc<Reader>, rest: &mut &[Arc<str>]) {
        let mut state = self.lock();
        let round = self.caller.limits.max_concurrent_requests * state.batch_size;
        while !rest.is_empty() && (reader.open() == 0 || reader.open() + state.batch_size <= round) {
            let mut chunk = Chunk::new(state.batch_size, self.bare_url);
            while let [id, others @ ..] = *rest {
                if !state.serve(id, reader) && !chunk.push(id) {
                    break;
                }
                *rest = others;
            }
            if rest.is_empty() {
                self.gather(&mut state, reader, &chunk);
            } else {
                let call = Arc::new(Call::default());
                for id in chunk.ids() {
                    state.ask(id, &call, reader);
                }
                self.start(call, chunk.into_ids(), false);
            }
        }
    }

    /// Puts the ids of `chunk` into the call that is gathering, which is sent when it is full or has waited.
    fn gather(self: &Arc<Self>, state: &mut State, reader: &Arc<Reader>, chunk: &Chunk) {
        if !chunk.ids().is_empty() {
            state.company.came(chunk.ids().len());
        }
        for id in chunk.ids() {
            let fits =
                |gathering: &mut Gathering| gathering.chunk.push(id).then(|| Arc::clone(&gathering.call));
            let call = state.gathering.as_mut().and_then(fits).unwrap_or_else(|| {
                self.flush(state);
                let mut chunk = Chunk::new(state.batch_size, self.bare_url);
                chunk.push(id);
                let call = Arc::new(Call::default());
                state.gathering = Some(Gathering { call: Arc::clone(&call), chunk, since: Instant::now() });
                tokio::spawn(Arc::clone(self).send_after_company(Arc::clone(&call)));
                call
            });
            state.ask(id, &call, reader);
            if state.gathering.as_ref().is_some_and(|gathering| gathering.chunk.is_full()) {
                self.flush(state);
            }
        }
    }

    /// Sends the gathering call, which is full.
    fn flush(self: &Arc<Self>, state: &mut State) {
        if let Some(Gathering { call, chunk, .. }) = state.gathering.take() {
            self.start(call, chunk.into_ids(), false);
        }
    }

    /// Sends `call` with the company it has after a moment, unless that was done or nobody waits any more.
    async fn send_after_company(self: Arc<Self>, call: Arc<Call>) {
        let waits = || self.lock().waits_for_company(&call);
        while let Some(wait) = waits() {
            sleep(wait.min(COMPANY)).await;
        }
        // On a busy machine the company may have arrived and wait for its tasks: the connection's, the
        // request's and the read's own.
        for _ in 0..3 {
            yield_now().await;
        }
        let ours = self.lock().take_gathering(&call);
        if let Some(Gathering { call, chunk, .. }) = ours {
            self.start(call, chunk.into_ids(), true);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Withdraws a reader from whatever it still waits for.
struct Leaving<'a> {
    batcher: &'a Batcher,
    reader: &'a Arc<Reader>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if self.reader.open() > 0 {
            self.batcher.lock().withdraw(self.reader);
        }
    }
}
