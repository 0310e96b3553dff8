//! A request that reads share, from the first id handed in until the last one is settled.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::split::Halves;
use super::waiter::Members;
use super::{Batcher, State};
use crate::jdcloud::call::caller::Request;
use crate::jdcloud::call::error::{CallError, Context, RequestSummary};
use crate::jdcloud::call::waiter::Retries;
use crate::jdcloud::http::transport::RawResponse;
use crate::jdcloud::image_constraints::api::{self, OPERATION, Rows};
use crate::jdcloud::untrusted::Redactor;

/// Settles the ids of a request. It runs while a read holds a clone of it, and is dropped with the last one.
pub(super) type Settling = Shared<BoxFuture<'static, Outcome>>;

/// A [`Settling`] that this reference does not keep running.
pub(super) type WeakSettling = WeakShared<BoxFuture<'static, Outcome>>;

/// A request and the reads that wait for it.
#[derive(Clone)]
pub(super) struct InFlight {
    pub(super) members: Arc<Members>,
    pub(super) settling: Settling,
}

/// What became of a request.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The reads that wait for it fail.
    Failed(Arc<CallError>),
    /// Its ids are settled but for those that these requests go on with.
    Continued(Arc<[InFlight]>),
}

/// What a request knows of the one that it goes on for.
#[derive(Clone, Default)]
pub(super) struct Part {
    /// The request has used up the retries of HTTP 500.
    pub(super) has_retried_500: bool,
    /// The two halves that this is one of.
    pub(super) halves: Option<Arc<Halves>>,
    /// Ends when the request before has ended, which this one waits for.
    pub(super) after: Option<CancellationToken>,
    /// Dropped when this request, and what it goes on with, has ended.
    pub(super) done: Option<Arc<DropGuard>>,
    /// Ends the waiting of all requests that go on for the same one.
    pub(super) all: CancellationToken,
}

/// The rules of a response, and its context for the errors in its rows.
pub(super) type Response = (Rows, Context);

impl Batcher {
    /// Asks for the ids of `members` that have no answer yet, and settles them.
    pub(super) async fn request(self: Arc<Self>, members: Arc<Members>, mut part: Part) -> Outcome {
        part.wait_for_turn(&members).await;
        let (ids, size) = self.lock().unsettled(&members);
        if part.halves.is_some() && ids.len() > size {
            // Learned since the other half was sent.
            part.halves = None;
            let chunks = self.go_on_in_chunks(&mut self.lock(), &members, &ids, size, &part);
            return Outcome::Continued(chunks.into());
        }
        if ids.is_empty() {
            return Outcome::Continued(Arc::default());
        }
        let most = self.caller.limits.max_retries;
        let retries = Retries { waiting: &*members, most, has_retried_500: part.has_retried_500 };
        match self.send(&ids, &retries).await {
            Ok(response) => self.settle(&members, &ids, &part, response),
            Err(error) => self.refused(&members, &ids, part, error),
        }
    }

    /// Settles what a response says about `ids`.
    fn settle(
        self: &Arc<Self>,
        members: &Members,
        ids: &[Arc<str>],
        part: &Part,
        (mut rows, context): Response,
    ) -> Outcome {
        let mut state = self.lock();
        state.window.record_answer();
        state.size.record_success(ids.len());
        if let Some(halves) = &part.halves {
            self.record_answered_half(&mut state, halves);
        }
        let (mut missing, mut requests) = (Vec::new(), Vec::new());
        for id in ids {
            match rows.remove(id) {
                Some(Ok(rule)) => {
                    state.completeness.record_row(id);
                    state.answers.insert(Arc::clone(id), Some(rule));
                }
                Some(Err(failure)) => {
                    state.completeness.record_row(id);
                    let error = CallError { failure, context: context.clone() };
                    requests.push(failed(members.part(std::slice::from_ref(id)), error, Part::default()));
                }
                None => missing.push(Arc::clone(id)),
            }
        }
        requests.extend(self.settle_missing(&mut state, members, ids.len(), &missing));
        Outcome::Continued(requests.into())
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

    /// The request for the ids of `members` that `settling` is.
    pub(super) fn track(
        self: &Arc<Self>,
        state: &mut State,
        members: Arc<Members>,
        settling: impl Future<Output = Outcome> + Send + 'static,
    ) -> InFlight {
        let (batcher, ours) = (Arc::clone(self), Arc::clone(&members));
        let settling = settling.inspect(move |_| batcher.lock().untrack(&ours)).boxed().shared();
        let request = InFlight { members, settling };
        request.members.ids().iter().for_each(|id| state.track(id, &request));
        request
    }
}

/// A request that has failed for `members`, and ends the turn of `part` when they hear of it.
pub(super) fn failed(members: Members, error: CallError, part: Part) -> InFlight {
    let settling = async move {
        // An id is to blame and not the number of ids: there is no limit that other parts could be spared.
        part.all.cancel();
        drop(part.done);
        Outcome::Failed(Arc::new(error))
    };
    InFlight { members: Arc::new(members), settling: settling.boxed().shared() }
}

impl Part {
    async fn wait_for_turn(&mut self, members: &Members) {
        if let Some(before) = self.after.take() {
            // What it learns may spare requests.
            let _ = timeout(members.spare_time(), before.cancelled()).await;
        }
    }
}
