//! Whether a response that lacks ids is complete, or whether the gateway silently left out part of what was asked.
//!
//! A gateway may consider only the first ids of a request, or return only so many rows, and say neither. A missing row
//! then does not mean that the image has no constraint. So the missing ids of a request are asked for again when it
//! asked for more ids, or returned as many rows, as no complete response so far. This check also asks for ids that are
//! known to have a row (controls), at the end: their rows must come back, and no others. The first check has as many
//! controls as fit, so that larger responses need none. Where no id is known to have a row, the listing of the region
//! names some.

use std::sync::Arc;

use tokio::time::timeout;

use super::listing::ReadAhead;
use super::request::{InFlight, Outcome, Part};
use super::split::may_be_an_id;
use super::waiter::Members;
use super::{Batcher, State};
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::call::waiter::Retries;
use crate::jdcloud::image_constraints::answer::Notice;

/// A check is repeated so often where the images of its controls are gone.
const MOST_CHECKS: usize = 3;

/// What a check has shown.
enum Finding {
    /// The response was complete.
    Complete,
    /// It was not.
    Incomplete,
    /// Nothing: this control did not come back, and its image may be gone.
    Lacks(Arc<str>),
    /// Nothing: the check was refused, so a control may be to blame.
    Refused { has_retried_500: bool },
}

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
    /// responses; none where that is not more than `asked` ids, or such a check has failed.
    fn larger_check(&self, asked: usize, missing: usize, size: usize) -> Option<usize> {
        let controls = size.saturating_sub(missing).min(self.controls.len());
        (missing + controls > asked && !self.larger_failed).then_some(controls)
    }

    /// So many controls that are not `missing`, of both ends of their order, since a gateway may consider ids in that order.
    fn controls_beside(&self, missing: &[Arc<str>], count: usize) -> Vec<Arc<str>> {
        // A listing may have come since, with a row for a missing id.
        let mut known: Vec<_> = self.controls.iter().filter(|id| !missing.contains(id)).cloned().collect();
        known.sort_unstable();
        let count = count.min(known.len());
        known.rotate_left(count / 2);
        known.split_off(known.len() - count)
    }

    /// `ids` are no controls any more.
    fn forget(&mut self, ids: &[Arc<str>]) {
        self.controls.retain(|id| !ids.contains(id));
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
        let members = Arc::new(members.part(missing));
        let check = Arc::clone(self).check(Arc::clone(&members), asked, returned);
        vec![self.track(state, members, check)]
    }

    /// Asks again for the ids of `members`, which are missing from a response with `returned` of `asked` ids.
    async fn check(self: Arc<Self>, members: Arc<Members>, asked: usize, returned: usize) -> Outcome {
        // In turns, since a check may spare later ones.
        let _turn = timeout(members.spare_time(), self.checking.lock()).await;
        if self.lock().completeness.controls.is_empty() {
            self.read_ahead(&members, true).await;
        }
        let (mut missing, mut part) = (Vec::new(), Part::default());
        for _ in 0..MOST_CHECKS {
            missing = self.lock().unsettled(&members).0;
            let finding = self.examine(&members, &missing, asked, returned).await;
            let mut state = self.lock();
            match finding {
                Ok(Finding::Complete) => {
                    if let Some(limit) = state.completeness.exceeded(asked) {
                        // An earlier check has found it.
                        let requests = self.go_on_in_chunks(&mut state, &members, &missing, limit, &part);
                        return Outcome::Continued(requests.into());
                    }
                    state.settle_absent(&missing);
                    return Outcome::Continued(Arc::default());
                }
                Ok(Finding::Incomplete) => {
                    return self.incomplete(&mut state, &members, &missing, asked, returned);
                }
                Ok(Finding::Lacks(_)) => {}
                Ok(Finding::Refused { has_retried_500 }) => {
                    part.has_retried_500 = has_retried_500;
                    break;
                }
                Err(error) => {
                    drop(state);
                    return self.refused(&members, &missing, part, error);
                }
            }
        }
        // An id that is asked for alone needs no check.
        let requests = self.go_on_in_chunks(&mut self.lock(), &members, &missing, 1, &part);
        Outcome::Continued(requests.into())
    }

    /// Whether a response with `returned` of `asked` ids was complete, `missing` ids of which have no answer yet.
    async fn examine(
        &self,
        members: &Members,
        missing: &[Arc<str>],
        asked: usize,
        returned: usize,
    ) -> Result<Finding, CallError> {
        let (checks, larger) = {
            let state = self.lock();
            let completeness = &state.completeness;
            let checks = completeness.checks(asked, asked - returned);
            if missing.is_empty() || checks.is_empty() {
                return Ok(Finding::Complete);
            }
            // A malformed row settles nothing, so that its id can be asked for again and be missing.
            if missing.iter().any(|id| completeness.controls.contains(id)) {
                return Ok(Finding::Incomplete);
            }
            (checks, completeness.larger_check(asked, missing.len(), state.size.known()))
        };
        let retries = |most| Retries { waiting: members, most, has_retried_500: false };
        if let Some(count) = larger {
            let controls = self.lock().completeness.controls_beside(missing, count);
            let retries = retries(0);
            let check = self.compare(missing, &controls, &retries);
            if let Ok(Ok(Finding::Complete)) = timeout(members.spare_time(), check).await {
                return Ok(Finding::Complete);
            }
            self.lock().completeness.larger_failed = true;
        }
        let retries = retries(self.caller.limits.max_retries);
        for count in checks {
            // Where there is no room for the controls, the first id is left out: the check is as large as what it checks.
            let rest = &missing[usize::from(missing.len() + count > asked)..];
            let controls = self.lock().completeness.controls_beside(rest, count);
            match self.compare(rest, &controls, &retries).await {
                Ok(Finding::Complete) => {}
                Ok(Finding::Lacks(control)) => {
                    if !self.is_gone(&control, &retries).await? {
                        return Ok(Finding::Incomplete);
                    }
                    self.lock().completeness.forget(std::slice::from_ref(&control));
                    return Ok(Finding::Lacks(control));
                }
                Err(error) if may_be_an_id(&error) || error.context.code == Some(403) => {
                    // The missing ids were not refused before.
                    self.lock().completeness.forget(&controls);
                    return Ok(Finding::Refused { has_retried_500: error.context.code == Some(500) });
                }
                other => return other,
            }
        }
        Ok(Finding::Complete)
    }

    /// Whether a response to `missing` ids and `controls` has the rows of the controls and no others.
    async fn compare(
        &self,
        missing: &[Arc<str>],
        controls: &[Arc<str>],
        retries: &Retries<'_>,
    ) -> Result<Finding, CallError> {
        for ids in with_controls_last(missing, controls) {
            let (rows, _) = self.send(&ids, retries).await?;
            if missing.iter().any(|id| rows.contains_key(id)) {
                return Ok(Finding::Incomplete);
            }
            if let Some(absent) = controls.iter().find(|id| !rows.contains_key(*id)) {
                return Ok(Finding::Lacks(Arc::clone(absent)));
            }
        }
        if !controls.is_empty() {
            self.lock().completeness.record_complete(missing.len() + controls.len(), controls.len());
        }
        Ok(Finding::Complete)
    }

    /// Whether `control` has no row any more.
    async fn is_gone(&self, control: &Arc<str>, retries: &Retries<'_>) -> Result<bool, CallError> {
        match self.send(std::slice::from_ref(control), retries).await {
            Ok((rows, _)) => Ok(rows.is_empty()),
            Err(error) if may_be_an_id(&error) => Ok(true),
            Err(error) => Err(error),
        }
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
