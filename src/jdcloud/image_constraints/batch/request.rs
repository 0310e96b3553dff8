//! A request that reads share, from the first id handed in until the last one is settled.
//!
//! [`Batcher::fetch`] sends the ids. It settles those that are returned, has the others checked (`check`), and
//! goes on with smaller parts where it is refused (`split`).

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared, join_all};

use super::waiter::{Members, Part};
use super::{Batcher, State};
use crate::jdcloud::call::caller::Request;
use crate::jdcloud::call::error::{CallError, Context, Failure, RequestSummary};
use crate::jdcloud::call::waiter::{Retries, Waiting as _};
use crate::jdcloud::http::transport::RawResponse;
use crate::jdcloud::image_constraints::api::{self, OPERATION, Rows};
use crate::jdcloud::untrusted::Redactor;

/// Settles the ids of a request. It runs while a read holds a clone of it, and is dropped with the last one.
pub(super) type Settling = Shared<BoxFuture<'static, ()>>;

/// A request for reads to join, which this reference does not keep running.
#[derive(Clone)]
pub(super) struct InFlight {
    pub(super) members: Arc<Members>,
    settling: Option<WeakShared<BoxFuture<'static, ()>>>,
}

/// The rules of a response, and its context for the errors in its rows.
pub(super) type Response = (Rows, Context);

impl InFlight {
    /// The request, for one more read, unless it has failed once or no read waits for it any more.
    pub(super) fn joinable(&self) -> Option<Settling> {
        self.settling.as_ref()?.upgrade().filter(|_| self.members.may_be_joined())
    }
}

impl Batcher {
    /// The request of `members` that `settling` carries out, for reads to share.
    pub(super) fn request(
        self: &Arc<Self>,
        members: Arc<Members>,
        settling: impl Future<Output = ()> + Send + 'static,
    ) -> (InFlight, Settling) {
        let (batcher, ours) = (Arc::clone(self), Arc::clone(&members));
        let settling = settling.inspect(move |()| batcher.lock().end(&ours.all())).boxed().shared();
        (InFlight { members, settling: settling.downgrade() }, settling)
    }

    /// Settles the ids of `part` that a read waits for, or fails these reads.
    pub(super) fn fetch(self: &Arc<Self>, part: Part) -> BoxFuture<'_, ()> {
        let fetch = async move {
            let part = self.lock().unsettled(&part);
            if part.ids.is_empty() {
                return;
            }
            let most = self.caller.limits.max_retries;
            let retries = Retries { waiting: &part, most, has_failed_on_server: part.has_failed_on_server };
            match self.send(&part.ids, &retries).await {
                Ok(response) => self.settle(&part, response).await,
                Err(error) => self.refused(part, error).await,
            }
        };
        fetch.boxed()
    }

    /// Fetches at most `size` of the ids at once, in several requests at the same time.
    pub(super) async fn fetch_in_chunks(self: &Arc<Self>, part: &Part, size: usize) {
        join_all(part.ids.chunks(size).map(|ids| self.fetch(part.of(ids)))).await;
    }

    /// Settles what a response says about `part`.
    async fn settle(self: &Arc<Self>, part: &Part, (rows, context): Response) {
        let (mut missing, mut failures) = (Vec::new(), Vec::new());
        {
            let mut state = self.lock();
            state.window.record_answer();
            state.size.record_success(part.ids.len());
            for id in &*part.ids {
                match rows.get(id) {
                    Some(Ok(rule)) => {
                        state.completeness.record_row(id);
                        state.answers.insert(Arc::clone(id), Some(rule.clone()));
                    }
                    Some(Err(failure)) => {
                        state.completeness.record_row(id);
                        failures.push((id, failure.clone()));
                    }
                    None => match rows.keys().find(|row| row.eq_ignore_ascii_case(id)) {
                        // A gateway that ignores case has one row for two spellings.
                        Some(row) => failures.push((id, self.other_row(id, row))),
                        None => missing.push(Arc::clone(id)),
                    },
                }
            }
        }
        part.wake();
        for (id, failure) in failures {
            self.fail(&part.of([Arc::clone(id)]), CallError { failure, context: context.clone() });
        }
        self.settle_missing(part, rows.len(), missing).await;
    }

    fn other_row(&self, id: &Arc<str>, row: &str) -> Failure {
        let asked = RequestSummary::ids(std::slice::from_ref(id));
        Failure::OtherRow { asked, got: self.caller.untrusted(row) }
    }

    /// Fails the reads that wait for `part`.
    pub(super) fn fail(&self, part: &Part, error: CallError) {
        self.lock().end(part);
        part.members.id_is_to_blame.cancel();
        let error = Arc::new(error);
        part.waiters().iter().for_each(|waiter| waiter.fail(&error));
    }

    /// One request for `ids`, or for every image when there are none.
    pub(super) async fn send(&self, ids: &[Arc<str>], limits: &Retries<'_>) -> Result<Response, CallError> {
        let request = Request {
            operation: &OPERATION,
            region: &self.region,
            query: api::query(ids),
            summary: if ids.is_empty() { RequestSummary::default() } else { RequestSummary::ids(ids) },
        };
        let (requested, interner): (Arc<[_]>, _) = (ids.into(), Arc::clone(&self.interner));
        let open = move |response: &RawResponse, redactor: &Redactor| {
            let requested = (!requested.is_empty()).then_some(&*requested);
            api::parse(response, redactor, requested, &interner)
        };
        self.caller.call(&request, limits, open).await
    }
}

impl State {
    /// The request of `part` asks for its ids no more.
    fn end(&mut self, part: &Part) {
        for id in &*part.ids {
            if self.in_flight.get(id).is_some_and(|request| Arc::ptr_eq(&request.members, &part.members)) {
                self.in_flight.remove(id);
            }
        }
    }
}
