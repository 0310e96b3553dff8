//! The check of a response that lacks ids: the missing ids are asked for again, beside ids that are known to have a row
//! (controls), whose rows must come back, and no others.

use std::slice;
use std::sync::Arc;

use futures_util::future::try_join_all;
use tokio::time::timeout;

use super::completeness::Coverage;
use super::controls::{Check, FEW_CONTROLS, ROOMY};
use super::part::{Part, spare_time};
use super::{Batcher, State};
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::call::notice::Notice;
use crate::jdcloud::call::waiter::Retries;
use crate::jdcloud::image_constraints::api::Rows;

/// What a check has shown of the response that it checks.
enum Finding {
    Complete,
    Incomplete,
    /// Nothing: this control did not come back, and its image may be gone.
    Lacks(Arc<str>),
}

impl Batcher {
    /// Settles the ids that are `missing` from a response, or asks for them again where it may be incomplete.
    pub(super) async fn settle_missing(self: &Arc<Self>, mut missing: Part, response: Coverage) {
        let again = match self.check(&mut missing, response).await {
            Ok(again) => again,
            Err(error) => return self.lock().fail(&missing, error),
        };
        let size = {
            let mut state = self.lock();
            // This check, or another one meanwhile, may have found a limit.
            match state.size.exceeded(response.asked).or(again) {
                Some(size) => size,
                None => {
                    state.completeness.believed = state.completeness.believed.max(response.asked);
                    for id in &*missing.ids {
                        // A listing may have settled it meanwhile.
                        state.answers.entry(Arc::clone(id)).or_default();
                    }
                    return state.end(&missing);
                }
            }
        };
        self.fetch_in_chunks(&missing, size).await;
    }

    /// How many of the missing ids are to be asked for at once; none if the response is complete, as far as can be known.
    /// Leaves those of the `missing` ids that are to be settled.
    async fn check(
        self: &Arc<Self>,
        missing: &mut Part,
        response: Coverage,
    ) -> Result<Option<usize>, CallError> {
        if !self.lock().needs_check(response) {
            return Ok(None);
        }
        let Coverage { asked, lacks_control, .. } = response;
        // Where a response was incomplete, another server may answer the check.
        let again = |was_incomplete: bool| was_incomplete.then(|| asked.div_ceil(2));
        // In turns, since a check may spare later ones.
        let _turn = timeout(spare_time(&missing.waiters()), self.checking.lock()).await;
        if self.lock().completeness.controls.len() < missing.ids.len().min(FEW_CONTROLS) {
            self.read_ahead(&missing.waiters()).await;
        }
        // As large as a request can be, so that larger responses need none. It may exceed a limit, and says nothing then.
        let larger_check = {
            let mut state = self.lock();
            *missing = state.unsettled(missing);
            if missing.ids.is_empty() || !state.needs_check(response) {
                return Ok(None);
            }
            let size = state.size.known.max(asked);
            state.completeness.new_check(&missing.ids, response, size)
        };
        let Some(larger_check) = larger_check else {
            // Without other controls, a missing id that had a malformed row shows that the response is incomplete.
            let known = &self.lock().completeness.controls;
            return Ok(missing.ids.iter().any(|id| known.contains(id)).then_some(1));
        };
        if larger_check.beside.first().is_some_and(|ids| ids.len() > asked)
            && !self.lock().completeness.larger_failed
        {
            let finding = self.compare(missing, &larger_check, 0);
            if let Ok(Ok(Finding::Complete)) = timeout(spare_time(&missing.waiters()), finding).await {
                return Ok(again(lacks_control));
            }
            self.lock().completeness.larger_failed = true;
        }
        let most = self.caller.limits.max_retries;
        for is_last in [false, true] {
            // A request for no more ids than the one that is checked, which was not refused.
            let check = self.lock().completeness.new_check(&missing.ids, response, asked);
            let Some(check) = check else { break };
            match self.compare(missing, &check, most).await {
                Ok(Finding::Complete) => return Ok(again(lacks_control || is_last)),
                Ok(Finding::Lacks(control))
                    if !self.lost(missing, slice::from_ref(&control), most).await.is_empty() =>
                {
                    self.lock().completeness.forget(&[control]);
                    let others = self.lock().completeness.controls(asked, &[]);
                    let lost = self.lost(missing, &others, 0).await;
                    self.lock().completeness.forget_gone(&others, &lost);
                }
                // An image may have been published meanwhile, or this may be another server.
                Ok(_) if !is_last => {
                    *missing = self.lock().unsettled(missing);
                    if missing.ids.is_empty() {
                        return Ok(None);
                    }
                }
                Ok(_) => self.find_limit(missing, asked).await,
                // A control is to blame: the missing ids were not refused before.
                Err(error) if error.may_concern_a_control() => {
                    missing.has_retried_server_error |= error.is_server_error();
                    self.lock().completeness.forget(&check.controls);
                }
                Err(error) => return Err(error),
            }
        }
        // An id that is asked for alone needs no check.
        let is_alone = asked < ROOMY || self.lock().completeness.controls.is_empty();
        Ok(Some(if is_alone { 1 } else { asked.div_ceil(2) }))
    }

    /// What the responses to a check show. If nothing is left out, their rows are those of the controls.
    async fn compare(&self, part: &Part, check: &Check, most: u32) -> Result<Finding, CallError> {
        // A half has one attempt, but what is asked for again was answered.
        let retries = Retries { has_retried_server_error: false, ..part.retries(most) };
        for ids in &check.beside {
            let (rows, _) = self.send(ids, &retries).await?;
            self.lock().keep(&rows);
            if rows.keys().any(|id| !check.controls.contains(id)) {
                return Ok(Finding::Incomplete);
            }
            if let Some(control) = check.controls.iter().find(|id| !rows.contains_key(*id)) {
                return Ok(Finding::Lacks(Arc::clone(control)));
            }
        }
        let alone = try_join_all(check.alone.iter().map(|ids| self.send(ids, &retries))).await?;
        alone.iter().for_each(|(rows, _)| self.lock().keep(rows));
        if alone.iter().any(|(rows, _)| !rows.is_empty()) {
            return Ok(Finding::Incomplete);
        }
        let completeness = &mut self.lock().completeness;
        completeness.record_complete(check.considered, check.controls.len());
        completeness.is_checked = true;
        Ok(Finding::Complete)
    }

    /// Which of `controls` are not returned where nothing else is asked for; all of them if this fails.
    async fn lost(&self, part: &Part, controls: &[Arc<str>], most: u32) -> Vec<Arc<str>> {
        let mut lost = controls.to_vec();
        if !controls.is_empty()
            && let Ok((rows, _)) = self.send(controls, &part.retries(most)).await
        {
            lost.retain(|id| !rows.contains_key(id));
        }
        lost
    }

    /// Makes requests as small as the gateway's silent limit, which one for `asked` ids has exceeded. If it can't be
    /// measured, requests are half as large for a while.
    async fn find_limit(self: &Arc<Self>, missing: &Part, asked: usize) {
        if self.lock().completeness.controls.len() < asked {
            self.read_ahead(&missing.waiters()).await;
        }
        let controls = self.lock().completeness.controls(asked, &[]);
        let lost = self.lost(missing, &controls, 0).await;
        let limit = controls.len() - lost.len();
        // Images that are gone are not returned alone either.
        let is_limit = limit > 0 && self.lost(missing, &lost, 0).await.len() < lost.len();
        let mut state = self.lock();
        if !is_limit {
            state.completeness.forget_gone(&controls, &lost);
            state.completeness.is_doubtful = true;
            if limit < asked {
                state.size.shrink(asked.div_ceil(2).max(ROOMY));
            }
            return;
        }
        state.completeness.record_limit(limit);
        tracing::warn!(region = %self.region, limit, "incomplete responses: sending smaller requests");
        let earlier = state.completeness.reported > limit;
        self.caller.notices.add(Notice::IncompleteResponses { limit, earlier });
        state.size.cap(limit);
        state.answers.retain(|_, answer| answer.is_some());
        state.changed.send_modify(|withdrawals| *withdrawals += 1);
    }
}

impl State {
    /// Settles the ids that a check has returned: a row is right, whatever its response lacks.
    fn keep(&mut self, rows: &Rows) {
        for (id, row) in rows {
            if let Ok(rule) = row {
                self.record_rule(id, rule);
            }
        }
    }

    /// Whether it is unknown if a response is complete.
    fn needs_check(&self, response: Coverage) -> bool {
        !self.completeness.is_complete(response) && self.size.exceeded(response.asked).is_none()
    }
}
