//! A request that reads share, from the first id handed in until the last one is settled.
//!
//! [`Batcher::fetch`] sends the ids. It settles those that are returned, has the others checked (`check`), and
//! goes on with smaller parts where it is refused (`split`).

use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};

use super::chunk::Chunk;
use super::completeness::Coverage;
use super::controls::RequestedIds;
use super::part::Part;
use super::{Batcher, State};
use crate::jdcloud::call::caller::Request;
use crate::jdcloud::call::error::{CallError, Context, Failure};
use crate::jdcloud::call::waiter::Retries;
use crate::jdcloud::http::transport::RawResponse;
use crate::jdcloud::image_constraints::api::{self, OPERATION, Rows};
use crate::jdcloud::untrusted::Redactor;

/// The rules of a response, and its context for the errors in its rows.
pub(super) type Response = (Rows, Context);

impl Batcher {
    /// Settles the ids of `part` that a read waits for, or fails these reads.
    pub(super) fn fetch(self: &Arc<Self>, part: Part) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let part = self.lock().unsettled(&part);
            if part.ids.is_empty() {
                return;
            }
            let request = self.beside_controls(&part);
            match self.send(&request.ids, &part.retries(self.caller.limits.max_retries)).await {
                Ok(response) => {
                    let (missing, response) = self.settle(&part, &request, &response);
                    if !missing.ids.is_empty() {
                        self.settle_missing(missing, response).await;
                    }
                }
                Err(error) => self.refused(part, error, &request.controls).await,
            }
        })
    }

    /// Fetches the ids in several requests at the same time, each for at most `size` ids with its `controls`.
    pub(super) async fn fetch_in_chunks(self: &Arc<Self>, part: &Part, size: usize, controls: &[Arc<str>]) {
        let chunks = Chunk::split(&part.ids, size, self.bare_url(), controls);
        join_all(chunks.into_iter().map(|chunk| self.fetch(part.of(chunk.ids)))).await;
    }

    /// The ids of `part` beside a few controls, as far as there is room: a response without one of these is incomplete.
    fn beside_controls(&self, part: &Part) -> RequestedIds {
        let state = self.lock();
        let mut controls = Vec::new();
        let size = state.size.known.min(part.most);
        if !part.is_refused && (2..size).contains(&part.ids.len()) {
            controls = state.completeness.few_controls(&part.ids, part.fewest_rows);
            let mut chunk = Chunk::new(size, self.bare_url());
            part.ids.iter().for_each(|id| _ = chunk.push(id));
            controls.retain(|id| chunk.push(id));
        }
        RequestedIds::new(&part.ids, controls, state.completeness.considered)
    }

    /// Settles the ids of `part` that have a row in the response to `request`. Gives the others, and what the response shows.
    fn settle(&self, part: &Part, request: &RequestedIds, (rows, context): &Response) -> (Part, Coverage) {
        let mut state = self.lock();
        state.window.record_answer();
        state.size.record_success(request.ids.len());
        state.size.learn(part.refused_size, request.ids.len());
        for id in &*part.ids {
            let row = if let Some(row) = rows.get(id) {
                state.record_row(id);
                row.clone()
            } else if let Some(row) = rows.keys().find(|row| row.eq_ignore_ascii_case(id)) {
                // A gateway that ignores case has one row for two spellings.
                let asked = api::summary(std::slice::from_ref(id));
                Err(Failure::OtherRow { asked, got: self.caller.untrusted(row) })
            } else {
                continue;
            };
            match row {
                Ok(rule) => _ = state.answers.insert(Arc::clone(id), Some(rule)),
                Err(failure) => {
                    let error = CallError { failure, context: context.clone() };
                    state.fail(&part.of([Arc::clone(id)]), error);
                }
            }
        }
        let fewest_rows = part.fewest_rows.min(rows.len());
        let missing = Part { is_refused: false, refused_size: 0, fewest_rows, ..state.unsettled(part) };
        (missing, state.completeness.record_response(request, rows))
    }

    /// One request for `ids`, or for every image when there are none.
    pub(super) async fn send(&self, ids: &[Arc<str>], retries: &Retries<'_>) -> Result<Response, CallError> {
        let request = Request {
            operation: &OPERATION,
            region: &self.region,
            query: api::query(ids),
            summary: api::summary(ids),
        };
        let (requested, interner): (Arc<[_]>, _) = (ids.into(), Arc::clone(&self.interner));
        let parse = move |response: &RawResponse, redactor: &Redactor| {
            let requested = (!requested.is_empty()).then_some(&*requested);
            api::parse(response, redactor, requested, &interner)
        };
        self.caller.call(&request, retries, parse).await
    }
}

impl State {
    /// The ids of `part` that a read waits for and that have no answer. The request asks for the others no more.
    pub(super) fn unsettled(&mut self, part: &Part) -> Part {
        let waiters = part.waiters();
        let is_wanted = |id: &Arc<str>| waiters.iter().any(|waiter| waiter.ids.contains(id));
        let (unsettled, others): (Vec<_>, Vec<_>) =
            part.ids.iter().cloned().partition(|id| is_wanted(id) && !self.answers.contains_key(id));
        self.end(&part.of(others));
        part.of(unsettled)
    }

    /// Fails the reads that wait for `part`.
    pub(super) fn fail(&mut self, part: &Part, error: CallError) {
        part.id_is_to_blame.cancel();
        let error = Arc::new(error);
        for waiter in part.waiters() {
            let _ = waiter.failure.set(Arc::clone(&error));
        }
        self.end(part);
    }

    /// The request asks for the ids of `part` no more.
    pub(super) fn end(&mut self, part: &Part) {
        for id in &*part.ids {
            if self.requests.get(id).is_some_and(|other| Arc::ptr_eq(&other.waiters, &part.reads)) {
                self.requests.remove(id);
            }
        }
        self.changed.send_modify(|_| {});
    }
}
