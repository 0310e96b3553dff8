//! Requests without ids, which list the constraints of the region: for reads that name no ids, and ahead of many
//! small reads.
//!
//! The first request of ten or more reads, and otherwise the third small request of a region, is preceded by a listing,
//! which most often answers it and all that follow. A check for which few ids are known causes it as well. A
//! constraint in it settles its image; an image that it lacks, or lists without instance types, is asked for by name.

use std::collections::BTreeSet;
use std::slice::from_ref;
use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::part::spare_time;
use super::request::Response;
use super::{Batcher, Found};
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::call::waiter::{Retries, SharedCall, UnderWay, Waiter, Waiters};

/// What a listing of the region returned.
pub(super) type RegionRows = Result<Arc<Response>, Arc<CallError>>;

impl Batcher {
    /// Every image that the API returns for the region.
    pub(crate) async fn all(self: &Arc<Self>, started: Instant) -> Result<Found, Arc<CallError>> {
        let waiter = Waiter::new(started + self.caller.limits.read_timeout, BTreeSet::new());
        let listing = self.join_or_list(from_ref(&waiter));
        let response = self.in_time(&waiter, listing).await?;
        let (rows, context) = &*response;
        let images = rows.iter().map(|(id, rule)| match rule {
            Ok(rule) => Ok((Arc::clone(id), Some(rule.clone()))),
            Err(failure) => Err(Arc::new(CallError { failure: failure.clone(), context: context.clone() })),
        });
        images.collect()
    }

    /// Waits for a listing ahead of requests for `waiters`.
    pub(super) async fn read_ahead(self: &Arc<Self>, waiters: &[Arc<Waiter>]) {
        if waiters.is_empty() || !self.lock().reads_ahead {
            return;
        }
        if !matches!(timeout(spare_time(waiters), self.join_or_list(waiters)).await, Ok(Ok(_))) {
            self.lock().reads_ahead = false;
            tracing::debug!(region = %self.region, "no listing of the region; asking by name");
        }
    }

    /// The listing that is under way, for `waiters`, or else a new one.
    fn join_or_list(self: &Arc<Self>, waiters: &[Arc<Waiter>]) -> SharedCall<RegionRows> {
        let slot = &mut self.lock().listing;
        slot.as_ref().and_then(|listing| listing.joined(waiters)).unwrap_or_else(|| {
            let (listing, started) = UnderWay::new(waiters, |waiters| Arc::clone(self).list(waiters));
            *slot = Some(started);
            listing
        })
    }

    /// Lists the region for `waiters`. It is retried only for those without ids.
    async fn list(self: Arc<Self>, waiters: Arc<Waiters>) -> RegionRows {
        let response = self.send(&[], &Retries::new(&waiters, self.caller.limits.max_retries)).await?;
        let mut state = self.lock();
        state.reads_ahead = false;
        for (id, rule) in &response.0 {
            if let Ok(rule) = rule
                && !rule.instance_types().is_empty()
            {
                state.record_row(id);
                state.answers.insert(Arc::clone(id), Some(rule.clone()));
            }
        }
        state.window.record_answer();
        state.changed.send_modify(|_| {});
        Ok(Arc::new(response))
    }
}
