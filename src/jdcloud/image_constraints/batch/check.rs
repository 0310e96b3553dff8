//! The check of a response that lacks ids: the missing ids are asked for again, beside ids that are known to have a row
//! (controls), whose rows must come back, and no others.

use std::sync::Arc;

use futures_util::future::try_join_all;
use tokio::time::timeout;

use super::controls::Check;
use super::listing::ReadAhead;
use super::waiter::Part;
use super::{Batcher, State};
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::call::waiter::Retries;
use crate::jdcloud::image_constraints::answer::Notice;

/// So many checks of one response are tried, each with other controls.
const MOST_CHECKS: usize = 2;

/// What a check has shown of the response that it checks.
enum Finding {
    Complete,
    Incomplete,
    /// Nothing: this control did not come back, and its image may be gone.
    Lacks(Arc<str>),
}

impl Batcher {
    /// Settles the ids of `part` that are `missing` from its response with `returned` rows, or asks for them again where it
    /// may be incomplete.
    pub(super) async fn settle_missing(
        self: &Arc<Self>,
        part: &Part,
        returned: usize,
        missing: Vec<Arc<str>>,
    ) {
        let asked = part.ids.len();
        let needs_check = self.lock().record_response(asked, returned);
        if missing.is_empty() {
            return;
        }
        let mut missing = part.of(missing);
        let mut turn = None;
        if needs_check {
            // In turns, since a check may spare later ones.
            turn = timeout(missing.spare_time(), self.checking.lock()).await.ok();
            if self.lock().completeness.lacks_controls(missing.ids.len()) {
                self.read_ahead(&missing, true).await;
            }
            missing = self.lock().unsettled(&missing);
        }
        let size = self.repeats(&mut missing, asked, returned).await;
        drop(turn);
        // Another check may have found a limit meanwhile.
        let limit = self.lock().completeness.exceeded(asked);
        match size.map(|size| size.or(limit)) {
            Ok(None) => {
                self.lock().settle_absent(&missing.ids);
                missing.wake();
            }
            Ok(Some(size)) => self.fetch_in_chunks(&missing, size).await,
            Err(error) => self.fail(&missing, error),
        }
    }

    /// Checks a response with `returned` of `asked` ids. How many of the `missing` ids are asked for again in one request;
    /// none if the response is complete.
    async fn repeats(
        self: &Arc<Self>,
        missing: &mut Part,
        asked: usize,
        returned: usize,
    ) -> Result<Option<usize>, CallError> {
        if missing.ids.is_empty() || self.lock().completeness.check(asked, returned).is_none() {
            return Ok(None);
        }
        for _ in 0..MOST_CHECKS {
            match self.check(missing, asked, returned).await? {
                Some(true) => return Ok(None),
                Some(false) => return Ok(Some(self.incomplete(missing, asked, returned).await)),
                None => {}
            }
        }
        // An id that is asked for alone needs no check.
        Ok(Some(1))
    }

    /// Asks again for the `missing` ids of a response with `returned` of `asked` ids, beside controls. Tells whether the
    /// response is complete; none if the controls can't be used.
    async fn check(
        &self,
        missing: &mut Part,
        asked: usize,
        returned: usize,
    ) -> Result<Option<bool>, CallError> {
        let (controls, larger, size) = {
            let state = self.lock();
            let completeness = &state.completeness;
            // A malformed row settles nothing, so that its id can be asked for again and be missing.
            if missing.ids.iter().any(|id| completeness.controls.contains(id)) {
                return Ok(Some(false));
            }
            let size = state.size.known();
            let larger = completeness.larger_check(asked, missing.ids.len(), size);
            (completeness.check(asked, returned), larger, size)
        };
        let Some(controls) = controls else { return Ok(None) };
        if let Some(controls) = larger {
            let check = Check::new(&missing.ids, controls, asked, returned, size);
            let check = self.compare(missing, &check, 0);
            if let Ok(Ok(Finding::Complete)) = timeout(missing.spare_time(), check).await {
                return Ok(Some(true));
            }
            self.lock().completeness.larger_failed = true;
        }
        // A check asks for no more ids than the request that it checks, which was not refused.
        let check = Check::new(&missing.ids, controls, asked, returned, asked);
        match self.compare(missing, &check, self.caller.limits.max_retries).await {
            Ok(Finding::Complete) => Ok(Some(true)),
            Ok(Finding::Lacks(control)) if self.is_gone(missing, &control).await? => {
                self.lock().completeness.forget(&[control]);
                self.probe(missing, size).await;
                Ok(None)
            }
            Ok(_) => Ok(Some(false)),
            // A control is to blame: the missing ids were not refused before.
            Err(error) if error.may_be_of_an_id() || error.context.code == Some(403) => {
                missing.has_failed_on_server |= error.is_of_the_server();
                self.lock().completeness.forget(&check.controls);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What the responses to a check show. If nothing is left out, their rows are those of the controls.
    async fn compare(&self, part: &Part, check: &Check, most: u32) -> Result<Finding, CallError> {
        let retries = Retries { waiting: part, most, has_failed_on_server: false };
        for ids in &check.beside {
            let (rows, _) = self.send(ids, &retries).await?;
            let mut lacks = None;
            for id in ids {
                match (check.controls.contains(id), rows.contains_key(id)) {
                    (false, true) => return Ok(Finding::Incomplete),
                    (true, false) => lacks = Some(Arc::clone(id)),
                    _ => {}
                }
            }
            if let Some(control) = lacks {
                return Ok(Finding::Lacks(control));
            }
        }
        let alone = check.alone.iter().map(|ids| self.send(ids, &retries));
        if try_join_all(alone).await?.iter().any(|(rows, _)| !rows.is_empty()) {
            return Ok(Finding::Incomplete);
        }
        if !check.beside.is_empty() {
            self.lock().completeness.record_complete(check.considered, check.controls.len());
        }
        Ok(Finding::Complete)
    }

    /// Whether `control` has no row any more.
    async fn is_gone(&self, part: &Part, control: &Arc<str>) -> Result<bool, CallError> {
        let most = self.caller.limits.max_retries;
        let retries = Retries { waiting: part, most, has_failed_on_server: false };
        match self.send(std::slice::from_ref(control), &retries).await {
            Ok((rows, _)) => Ok(rows.is_empty()),
            Err(error) if error.may_be_of_an_id() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// How many of up to `count` controls are returned where nothing else is asked for. Forgets the others.
    async fn probe(&self, part: &Part, count: usize) -> usize {
        let mut controls = self.lock().completeness.controls(count);
        let retries = Retries { waiting: part, most: 0, has_failed_on_server: false };
        if !controls.is_empty()
            && let Ok((rows, _)) = self.send(&controls, &retries).await
        {
            controls.retain(|id| !rows.contains_key(id));
            self.lock().completeness.forget(&controls);
            return rows.len();
        }
        0
    }

    /// Learns from a response with `returned` of `asked` ids, which is incomplete. Returns how many ids can be asked for at
    /// once.
    async fn incomplete(self: &Arc<Self>, missing: &Part, asked: usize, returned: usize) -> usize {
        if self.lock().completeness.controls.len() < asked {
            self.read_ahead(missing, true).await;
        }
        let rows = self.probe(missing, asked).await;
        if rows == asked {
            // There is no limit: the fault has passed. An id that is asked for alone needs no check.
            return 1;
        }
        let mut state = self.lock();
        let limit = state.completeness.record_incomplete(asked, returned.max(rows));
        tracing::warn!(region = %self.region, limit, "incomplete responses: sending smaller requests");
        self.caller.notice(Notice::IncompleteResponses { limit });
        state.size.cap(limit);
        state.answers.retain(|_, answer| answer.is_some());
        limit
    }
}

impl State {
    /// A response has rows for `returned` of `asked` ids. Tells whether it has to be checked.
    fn record_response(&mut self, asked: usize, returned: usize) -> bool {
        let completeness = &mut self.completeness;
        let lacks_controls =
            completeness.controls.is_empty() && asked > 1 && !matches!(self.ahead, ReadAhead::Done);
        let needs_check = lacks_controls || completeness.check(asked, returned).is_some();
        completeness.record_complete(if returned == asked { asked } else { 0 }, returned);
        needs_check
    }
}
