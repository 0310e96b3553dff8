//! Whether a response that lacks ids is complete, or whether the gateway silently left out part of what was asked.
//!
//! A gateway may consider only the first ids of a request, or return only so many rows, and say neither. A missing row
//! then does not mean that the image has no constraint. So the missing ids of a request are asked for again when it
//! asked for more ids, or returned as many rows, as no complete response so far. This check also asks for ids that are
//! known to have a row (controls), at the end: their rows must come back, and no others. The first check has as many
//! controls as fit, so that larger responses need none. Where no id is known to have a row, the listing of the region
//! names some.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::listing::ReadAhead;
use super::request::{InFlight, Outcome, Part};
use super::waiter::Members;
use super::{Batcher, State};
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::call::waiter::Retries;
use crate::jdcloud::image_constraints::answer::Notice;

/// What this region's responses have shown of how much one response can hold.
#[derive(Debug, Default)]
pub(super) struct Completeness {
    /// So many ids of one request were considered.
    ids: usize,
    /// So many rows came in one response.
    rows: usize,
    /// The gateway's silent limit, once it was found.
    limit: Option<usize>,
    /// Ids that were returned by name or listed with a constraint, as many as the largest request may have.
    controls: Vec<Arc<str>>,
    /// A check that was larger than the response that it checked did not succeed.
    larger_failed: bool,
    /// Ends with the last check that was started; the next one waits for what it learns.
    last_check: Option<CancellationToken>,
}

impl Completeness {
    const MAX_CONTROLS: usize = 350;

    /// `id` has a row.
    pub(super) fn record_row(&mut self, id: &Arc<str>) {
        if self.controls.len() < Self::MAX_CONTROLS && !self.controls.contains(id) {
            self.controls.push(Arc::clone(id));
        }
    }

    /// The silent limit, where a request for `asked` ids exceeded it.
    fn exceeded(&self, asked: usize) -> Option<usize> {
        self.limit.filter(|limit| asked > *limit)
    }

    /// The checks of a response without `missing` of its `asked` ids, as their numbers of controls; none where the
    /// response is known to be complete, or nothing is known to check it with.
    ///
    /// A gateway that returns at most n rows returns all of n controls and hides the others, so the number of controls
    /// must not be the response's number of rows. More controls prove more. A check asks for no more ids than the
    /// request that it checks, which was not refused.
    fn checks(&self, asked: usize, missing: usize) -> Vec<usize> {
        let returned = asked - missing;
        match self.controls.len() {
            0 => vec![],
            _ if missing == 0 || asked == 1 || self.exceeded(asked).is_some() => vec![],
            _ if asked <= self.ids && returned < self.rows => vec![],
            known if known > returned => vec![returned + 1],
            1 if missing == 1 => vec![0],
            // The first check finds a limit of one row, and the second one a limit of ids.
            1 => vec![0, 1],
            _ => vec![returned - 1],
        }
    }

    /// How many controls make a check of `missing` ids as large as a request of `size` ids, which spares checks of larger
    /// responses; none where it is no larger than the one for `returned` of `asked` ids, or such a check has failed.
    fn larger_check(&self, asked: usize, returned: usize, missing: usize, size: usize) -> Option<usize> {
        let controls = size.saturating_sub(missing).min(self.controls.len());
        let is_larger = controls > returned && missing + controls > asked;
        (is_larger && !self.larger_failed).then_some(controls)
    }

    /// All of `ids` were considered, and `controls` of them returned.
    fn record_complete(&mut self, ids: usize, controls: usize) {
        self.ids = self.ids.max(ids);
        self.rows = self.rows.max(controls);
    }

    /// A response with `returned` of `asked` ids is incomplete. Returns how many ids can be asked for at once, which are
    /// fewer.
    fn record_incomplete(&mut self, asked: usize, returned: usize) -> usize {
        let limit = returned.max(self.ids.min(self.rows)).min(asked - 1).max(1);
        (self.ids, self.rows, self.limit) = (limit, limit + 1, Some(limit));
        limit
    }
}

impl Batcher {
    /// Settles the `missing` ids of a request for `asked` ids, or starts the check of its response.
    pub(super) fn settle_missing(
        self: &Arc<Self>,
        state: &mut State,
        members: &Members,
        asked: usize,
        missing: &[Arc<str>],
    ) -> Vec<InFlight> {
        let completeness = &mut state.completeness;
        let returned = asked - missing.len();
        if let Some(limit) = completeness.exceeded(asked) {
            return self.go_on_in_chunks(state, members, missing, limit, &Part::default());
        }
        let lacks_controls =
            completeness.controls.is_empty() && asked > 1 && !matches!(state.ahead, ReadAhead::Done);
        let checks = completeness.checks(asked, missing.len());
        completeness.rows = completeness.rows.max(returned);
        if missing.is_empty() {
            completeness.ids = completeness.ids.max(asked);
        }
        if checks.is_empty() && !lacks_controls {
            state.settle_absent(missing);
            return Vec::new();
        }
        let this = CancellationToken::new();
        let done = Some(Arc::new(this.clone().drop_guard()));
        let turn = Part { after: completeness.last_check.replace(this), done, ..Part::default() };
        let members = Arc::new(members.part(missing));
        let check = Arc::clone(self).check(Arc::clone(&members), asked, returned, turn);
        vec![self.track(state, members, check)]
    }

    /// Asks again for the ids of `members`, which are missing from a response with `returned` of `asked` ids.
    async fn check(
        self: Arc<Self>,
        members: Arc<Members>,
        asked: usize,
        returned: usize,
        mut turn: Part,
    ) -> Outcome {
        turn.wait_for_turn().await;
        if self.lock().completeness.controls.is_empty() {
            self.read_ahead(&members, true).await;
        }
        let (missing, mut checks, larger) = {
            let mut state = self.lock();
            let (missing, size) = state.unsettled(&members);
            let checks = state.completeness.checks(asked, asked - returned);
            // A malformed row settles nothing, so that its id can be asked for again and be missing.
            if !checks.is_empty() && missing.iter().any(|id| state.completeness.controls.contains(id)) {
                return self.incomplete(&mut state, &members, &missing, asked, returned);
            }
            let larger = state.completeness.larger_check(asked, returned, missing.len(), size);
            (missing, checks, larger)
        };
        let most = self.caller.limits.max_retries;
        let mut retries = Retries { waiting: &*members, most: 0, has_retried_500: false };
        if let (Some(controls), false) = (larger, checks.is_empty()) {
            if let Ok(true) = self.is_complete(&missing, controls, &retries).await {
                checks.clear();
            } else {
                self.lock().completeness.larger_failed = true;
            }
        }
        retries.most = most;
        for controls in checks {
            // Where there is no room for the controls, the first id is left out: the check is as large as what it checks.
            let rest = &missing[usize::from(missing.len() + controls > asked)..];
            match self.is_complete(rest, controls, &retries).await {
                Ok(true) => {}
                Ok(false) => {
                    return self.incomplete(&mut self.lock(), &members, &missing, asked, returned);
                }
                Err(error) => return self.refused(&members, &missing, Part::default(), error),
            }
        }
        let mut state = self.lock();
        if let Some(limit) = state.completeness.exceeded(asked) {
            // An earlier check has found it.
            let requests = self.go_on_in_chunks(&mut state, &members, &missing, limit, &Part::default());
            return Outcome::Continued(requests.into());
        }
        state.settle_absent(&missing);
        Outcome::Continued(Arc::default())
    }

    /// Whether a response to `missing` ids and so many `controls` has the rows of the controls and no others.
    async fn is_complete(
        &self,
        missing: &[Arc<str>],
        controls: usize,
        retries: &Retries<'_>,
    ) -> Result<bool, CallError> {
        let controls: Vec<_> = {
            // A listing may have come since, with a row for a missing id.
            let state = self.lock();
            let known = state.completeness.controls.iter().rev().filter(|id| !missing.contains(id));
            known.take(controls).cloned().collect()
        };
        for ids in with_controls_last(missing, &controls) {
            let (rows, _) = self.send(&ids, retries).await?;
            if rows.len() != controls.len() || !controls.iter().all(|id| rows.contains_key(id)) {
                return Ok(false);
            }
        }
        if !controls.is_empty() {
            self.lock().completeness.record_complete(missing.len() + controls.len(), controls.len());
        }
        Ok(true)
    }

    /// Goes on for the `missing` ids of `members`, after a response with `returned` of `asked` ids that is incomplete.
    fn incomplete(
        self: &Arc<Self>,
        state: &mut State,
        members: &Members,
        missing: &[Arc<str>],
        asked: usize,
        returned: usize,
    ) -> Outcome {
        let limit = state.completeness.record_incomplete(asked, returned);
        tracing::warn!(region = %self.region, limit, "incomplete responses: sending smaller requests");
        self.caller.notice(Notice::IncompleteResponses { limit });
        state.size.cap(limit);
        state.answers.retain(|_, answer| answer.is_some());
        Outcome::Continued(self.go_on_in_chunks(state, members, missing, limit, &Part::default()).into())
    }
}

/// Requests for `missing` ids and then `controls`, where a gateway that considers only the first ids does not get to them:
/// the last id by its number, and the last one in the query, which is sorted as text.
fn with_controls_last(missing: &[Arc<str>], controls: &[Arc<str>]) -> Vec<Vec<Arc<str>>> {
    let mut ids: Vec<Arc<str>> = missing.iter().chain(controls).cloned().collect();
    // As text, `ids.9` is the last of up to 89 ids, and `ids.99` of more than 99.
    let last_as_text = match ids.len() {
        count @ (..=9 | 90..=99) => count,
        10..=89 => 9,
        _ => 99,
    };
    let mut requests = vec![ids.clone()];
    if !controls.is_empty() && last_as_text <= missing.len() {
        ids.swap(last_as_text - 1, missing.len());
        if controls.len() > 1 {
            requests.clear();
        }
        requests.push(ids);
    }
    requests
}
