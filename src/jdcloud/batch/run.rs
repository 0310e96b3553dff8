//! What a call does, as a task of its own: wait for the read-ahead if there is one, ask, hand out the
//! answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::select;
use tokio::time::Instant;

use super::Batcher;
use super::state::Call;
use crate::jdcloud::call::{Effort, Request};
use crate::jdcloud::constraint::Rule;
use crate::jdcloud::envelope;
use crate::jdcloud::error::{Asked, CallError, Failure};
use crate::jdcloud::image_constraints::{self, OPERATION, ResultBody, SERVICE};
use crate::jdcloud::transport::RawResponse;

/// What a call says about the images it returned.
pub(super) type Rules = BTreeMap<Arc<str>, Result<Rule, Arc<CallError>>>;

impl Batcher {
    /// Starts `call` for `ids`. `is_small` says that it could have asked for more.
    pub(super) fn start(self: &Arc<Self>, call: Arc<Call>, ids: Vec<Arc<str>>, is_small: bool) {
        tokio::spawn(Arc::clone(self).run(call, ids, is_small));
    }

    async fn run(self: Arc<Self>, call: Arc<Call>, ids: Vec<Arc<str>>, is_small: bool) {
        let _ending = Ending { batcher: &self, call: &call, ids: &ids, is_small };
        let answered = async {
            if is_small {
                self.read_ahead().await;
            }
            let ids = self.lock().still_wanted(&ids, &call);
            self.ask(&call, ids).await;
        };
        select! {
            biased;
            () = call.abandoned.cancelled() => {}
            () = answered => {}
        }
    }

    /// One call for `ids`, or for every image when there are none.
    pub(super) async fn send(&self, ids: &[Arc<str>], effort: &dyn Effort) -> Result<Rules, Arc<CallError>> {
        let request = Request {
            operation: OPERATION,
            service: SERVICE,
            region: &self.region,
            path: image_constraints::path(&self.region),
            query: image_constraints::query(ids),
            asked: if ids.is_empty() { Asked::default() } else { Asked::ids(ids) },
        };
        let open = |response: &RawResponse, token| {
            let (said, result) = envelope::open::<ResultBody<'_>>(response, token);
            (said, result.and_then(|result| image_constraints::rows(result, &mut self.lock().interner)))
        };
        let (rows, context) = self.caller.call(&request, effort, open).await?;
        let located = |failure| Arc::new(CallError { failure, context: context.clone() });
        Ok(rows.into_iter().map(|(id, rule)| (id, rule.map_err(located))).collect())
    }

    /// Hands out what `rules` say about `ids`: a row, or that there is none.
    pub(super) fn deliver(&self, call: &Arc<Call>, ids: &[Arc<str>], mut rules: Rules) {
        let mut state = self.lock();
        for id in ids {
            match rules.remove(id).transpose() {
                Ok(rule) => state.settle(id, rule),
                Err(error) => state.fail(id, call, &error),
            }
        }
    }

    /// The error of a call whose task ended without an answer.
    pub(super) fn lost(&self, asked: Asked) -> Arc<CallError> {
        let context = self.caller.context(OPERATION, &self.region, asked);
        Arc::new(CallError { failure: Failure::Lost, context })
    }

    /// Hands out `error` for `ids`.
    pub(super) fn fail(&self, call: &Arc<Call>, ids: &[Arc<str>], error: &Arc<CallError>) {
        let mut state = self.lock();
        for id in ids {
            state.fail(id, call, error);
        }
    }
}

/// The effort for ids asked by name: as long as the most patient of those who wait for them.
pub(super) struct ForReaders<'a> {
    pub(super) batcher: &'a Batcher,
    pub(super) ids: &'a [Arc<str>],
}

impl Effort for ForReaders<'_> {
    fn retries(&self) -> u32 {
        self.batcher.caller.limits.max_retries
    }

    fn deadline(&self) -> Instant {
        let readers = self.batcher.lock().readers(self.ids);
        readers.iter().map(|reader| reader.deadline).max().unwrap_or_else(Instant::now)
    }

    fn will_retry(&self, failed: CallError) {
        for reader in self.batcher.lock().readers(self.ids) {
            reader.hear_of(&failed);
        }
    }
}

/// However a call ends, nobody is left waiting for it.
struct Ending<'a> {
    batcher: &'a Batcher,
    call: &'a Arc<Call>,
    ids: &'a [Arc<str>],
    is_small: bool,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut state = self.batcher.lock();
        if self.is_small {
            state.company.ended(self.ids.len());
        }
        let unanswered = state.still_wanted(self.ids, self.call);
        drop(state);
        if !unanswered.is_empty() {
            self.batcher.fail(self.call, &unanswered, &self.batcher.lost(Asked::ids(&unanswered)));
        }
    }
}
