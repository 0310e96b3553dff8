//! The check of a response that lacks ids, which are believed to be missing or asked for again.

use std::sync::Arc;

use tokio::time::timeout;

use super::chunk::Chunk;
use super::completeness::Coverage;
use super::controls::ENDS;
use super::part::{Part, spare_time};
use super::{Batcher, State};
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::call::notice::Notice;

/// What is to be done with the missing ids of a response.
enum Missing {
    /// They are missing, as far as can be known.
    Believed,
    /// The response shows too little: they are asked for again, beside controls where these are needed.
    Again,
    /// The response is incomplete: they are asked for again, at most so many at once.
    Incomplete(usize),
}

impl Batcher {
    /// How often ids are asked for again until each is asked for alone: beside a control at each end, without one, and once
    /// more.
    const MOST_CHECKS: u32 = ENDS as u32 + 2;

    /// If an incomplete response lacks fewer ids, they are asked for one by one, and otherwise in halves.
    const SMALL: usize = 10;

    /// Settles the ids that are `missing` from a response, or asks for them again where it may be incomplete.
    pub(super) async fn settle_missing(self: &Arc<Self>, mut missing: Part, response: Coverage) {
        let mut turn = None;
        if missing.checks == 0 && self.lock().verdict(&missing, &response).is_none() {
            // In turns, since a check may spare later ones.
            turn = timeout(spare_time(&missing.waiters()), self.checking.lock()).await.ok();
        }
        match self.check(&mut missing, &response).await {
            Missing::Believed => self.lock().believe(&missing, &response),
            Missing::Again => {
                if missing.has_retried_server_error {
                    // The server may fail for more.
                    missing.most = missing.ids.len();
                }
                self.ask_again(Part { has_retried_server_error: false, ..missing }).await;
            }
            Missing::Incomplete(size) => {
                // The smaller requests may need a turn.
                drop(turn);
                let controls = self.lock().completeness.reserved_controls(size);
                self.fetch_in_chunks(&missing, size, &controls).await;
            }
        }
    }

    /// Asks for the ids of `part` again beside controls, and at last for each alone.
    pub(super) async fn ask_again(self: &Arc<Self>, mut part: Part) {
        let (size, controls) = {
            let state = self.lock();
            let has_other = state.completeness.controls.iter().any(|id| !part.ids.contains(id));
            let size = state.size.known.min(part.most);
            // Two ids and a control from each end of their order are the least that shows anything.
            if !has_other || size < 4 || part.checks >= Self::MOST_CHECKS {
                (1, vec![])
            } else {
                let mut controls = state.completeness.few_controls(&part.ids, part.fewest_rows);
                controls.truncate(size - 2);
                (size, controls)
            }
        };
        part.checks += 1;
        self.fetch_in_chunks(&part, size, &controls).await;
    }

    async fn check(self: &Arc<Self>, missing: &mut Part, response: &Coverage) -> Missing {
        *missing = self.lock().unsettled(missing);
        if let Some(verdict) = self.lock().verdict(missing, response) {
            return verdict;
        }
        let is_lost = missing.checks > 0 && !response.lost.is_empty();
        let wanted = if is_lost { response.asked } else { missing.ids.len().min(ENDS) };
        if self.lock().completeness.controls.len() < wanted {
            self.read_ahead(&missing.waiters()).await;
        }
        if is_lost {
            let measured = self.measure(missing, response).await;
            let mut state = self.lock();
            // One whose image is gone is no control any more.
            let is_known = |id| state.completeness.controls.contains(id);
            match measured {
                // They were lost by chance.
                Ok(true) if missing.checks < Self::MOST_CHECKS => {}
                Ok(_) if response.lost.iter().any(is_known) => {
                    let count = missing.ids.len();
                    let smaller = if count < Self::SMALL { 1 } else { count.div_ceil(2) };
                    return Missing::Incomplete(state.size.exceeded(response.asked).unwrap_or(smaller));
                }
                Err(Some(error)) if error.may_concern_a_control() && !error.is_server_error() => {
                    state.completeness.forget(&response.lost);
                }
                _ => {}
            }
        }
        if self.lock().completeness.knows_nothing() && response.lost.is_empty() {
            Missing::Believed
        } else {
            Missing::Again
        }
    }

    /// Asks for as many controls alone as the request of `response` asked for ids. If they come back in part, requests become as
    /// small. Tells whether all did. The error is that of a request, or none where there was no time for it.
    async fn measure(&self, missing: &Part, response: &Coverage) -> Result<bool, Option<CallError>> {
        let Coverage { asked, lost, .. } = response;
        let others = self.lock().completeness.controls(asked - lost.len(), lost);
        let mut chunk = Chunk::new(*asked, self.bare_url());
        let controls: Vec<_> = lost.iter().cloned().chain(others).filter(|id| chunk.push(id)).collect();
        let left_out = self.left_out(missing, &controls).await?;
        if !left_out.is_empty() {
            // Images that are gone are not returned by themselves either.
            let gone = self.left_out(missing, &left_out).await?;
            let returned = controls.len() - left_out.len();
            if returned > 0 && gone.len() < left_out.len() {
                self.record_limit(returned);
            } else if returned > 0
                // Where none came back, both responses may be those of a server that returns nothing for a moment.
                || !gone.is_empty() && !self.left_out(missing, &gone[..1]).await?.is_empty()
            {
                self.lock().completeness.forget(&gone);
            }
        }
        Ok(left_out.is_empty())
    }

    /// Which of `controls` have no row where nothing else is asked for.
    pub(super) async fn left_out(
        &self,
        part: &Part,
        controls: &[Arc<str>],
    ) -> Result<Vec<Arc<str>>, Option<CallError>> {
        let retries = part.retries(0);
        let response = self.send(controls, &retries);
        let (rows, _) = timeout(spare_time(&part.waiters()), response).await.map_err(|_| None)??;
        Ok(controls.iter().filter(|id| !rows.contains_key(*id)).cloned().collect())
    }

    /// Makes requests as small as the gateway's silent limit.
    fn record_limit(&self, limit: usize) {
        let mut state = self.lock();
        tracing::warn!(region = %self.region, limit, "incomplete responses: sending smaller requests");
        let earlier = state.completeness.reported > limit;
        self.caller.notices.add(Notice::IncompleteResponses { limit, earlier });
        state.completeness.record_limit(limit);
        state.size.cap(limit);
        state.withdraw_missing();
    }
}

impl State {
    /// What is known of the ids that are `missing` from `response`.
    fn verdict(&self, missing: &Part, response: &Coverage) -> Option<Missing> {
        if let Some(limit) = self.size.exceeded(response.asked) {
            return Some(Missing::Incomplete(limit));
        }
        // A server that failed may have begun to leave out ids.
        let lacks_controls = missing.has_retried_server_error && response.controls == 0 && response.asked > 1;
        let is_complete = !lacks_controls && self.completeness.is_complete(response, missing.fewest_rows);
        (missing.ids.is_empty() || is_complete).then_some(Missing::Believed)
    }

    /// Settles the ids of `part`, which `response` lacks.
    fn believe(&mut self, part: &Part, response: &Coverage) {
        for id in &*part.ids {
            self.completeness.believed = self.completeness.believed.max(response.asked);
            // A listing may have settled it meanwhile.
            self.answers.entry(Arc::clone(id)).or_default();
        }
        self.end(part);
    }
}
