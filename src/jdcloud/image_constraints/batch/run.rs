//! What a call does, as a task of its own: wait for the read-ahead if there is one, ask, hand out the
//! answers.

use std::sync::Arc;

use tokio::select;
use tokio::time::Instant;

use super::Batcher;
use super::state::Call;
use crate::jdcloud::call::caller::{Effort, Request};
use crate::jdcloud::call::error::{CallError, Context, Failure, RequestSummary};
use crate::jdcloud::http::transport::RawResponse;
use crate::jdcloud::image_constraints::answer::Image;
use crate::jdcloud::image_constraints::api::{self as image_constraints, OPERATION, Rows, SERVICE};
use crate::jdcloud::image_constraints::constraint::Rule;
use crate::jdcloud::untrusted::Redactor;

/// What a call says about the images it returned.
pub(super) struct Rules {
    rows: Rows,
    /// Of the answer, for the errors in its rows.
    context: Context,
}

impl Rules {
    /// What it says about `id`, unless that was taken before.
    fn take(&mut self, id: &str) -> Option<Result<Rule, Arc<CallError>>> {
        let rule = self.rows.remove(id)?;
        Some(rule.map_err(|failure| located(failure, &self.context)))
    }

    /// The images whose rules make sense.
    pub(super) fn sound(&self) -> impl Iterator<Item = (&Arc<str>, &Rule)> {
        self.rows.iter().filter_map(|(id, rule)| Some((id, rule.as_ref().ok()?)))
    }

    /// All of them.
    ///
    /// # Errors
    /// One whose row makes no rule.
    pub(super) fn into_images(self) -> Result<Vec<Image>, Arc<CallError>> {
        let image = |(id, rule): (_, Result<_, _>)| {
            rule.map(|rule| Image { id, rule }).map_err(|failure| located(failure, &self.context))
        };
        self.rows.into_iter().map(image).collect()
    }
}

fn located(failure: Failure, context: &Context) -> Arc<CallError> {
    Arc::new(CallError { failure, context: context.clone() })
}

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
            asked: if ids.is_empty() { RequestSummary::default() } else { RequestSummary::ids(ids) },
        };
        let (requested, interner): (Arc<[_]>, _) = (ids.into(), Arc::clone(&self.interner));
        let open = move |response: &RawResponse, redactor: &Redactor| {
            let requested = (!requested.is_empty()).then_some(&*requested);
            image_constraints::parse(response, redactor, requested, &interner)
        };
        let (rows, context) = self.caller.call(&request, effort, open).await?;
        Ok(Rules { rows, context })
    }

    /// Hands out what `rules` say about `ids`: a row, or that there is none.
    pub(super) fn deliver(&self, call: &Arc<Call>, ids: &[Arc<str>], mut rules: Rules) {
        let mut state = self.lock();
        for id in ids {
            match rules.take(id).transpose() {
                Ok(rule) => state.settle(id, rule),
                Err(error) => state.fail(id, call, &error),
            }
        }
    }

    /// The error of a call whose task ended without an answer.
    pub(super) fn lost(&self, asked: RequestSummary) -> Arc<CallError> {
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
            self.batcher.fail(self.call, &unanswered, &self.batcher.lost(RequestSummary::ids(&unanswered)));
        }
    }
}
