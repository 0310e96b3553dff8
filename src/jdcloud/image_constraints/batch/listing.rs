//! Requests without ids, which list the constraints of the region: for reads that name no ids, and ahead of many
//! small reads.
//!
//! The first request of ten or more reads, and otherwise the third small request of a region, is preceded by a listing,
//! which most often answers it and all that follow. A check for which few ids are known causes it as well. A
//! constraint in it settles its image; an image that it lacks, or lists without instance types, is asked for by name.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use super::request::Response;
use super::waiter::Part;
use super::{Batcher, Found};
use crate::jdcloud::call::error::{CallError, RequestSummary};
use crate::jdcloud::call::waiter::{Retries, SharedCall, UnderWay, Waiter, Waiters, Waiting as _};
use crate::jdcloud::image_constraints::answer::Image;

/// What a listing of the region returned.
pub(super) type RegionRows = Arc<Response>;

/// Whether many small requests are answered ahead.
pub(super) enum ReadAhead {
    /// Not yet.
    Wanted,
    /// By this listing.
    Started(UnderWay<RegionRows>),
    /// Not any more, or it is turned off.
    Done,
}

impl Batcher {
    /// Every image that the API returns for the region.
    pub(crate) async fn all(self: &Arc<Self>, started: Instant) -> Result<Found, Arc<CallError>> {
        let waiter = Arc::new(Waiter::new(started + self.caller.limits.read_timeout));
        let listing = {
            let mut state = self.lock();
            if let Some(under_way) = state.listing.as_ref().and_then(|started| started.joined(&waiter)) {
                under_way
            } else {
                let (listing, started) = self.list(self.caller.limits.max_retries, &[Arc::clone(&waiter)]);
                state.listing = started;
                listing
            }
        };
        let listed = timeout_at(waiter.deadline, listing).await;
        let response = listed.map_err(|_| self.out_of_time(RequestSummary::default(), &waiter))??;
        let (rows, context) = &*response;
        let images = rows.iter().map(|(id, rule)| match rule {
            Ok(rule) => Ok(Image { id: Arc::clone(id), rule: rule.clone() }),
            Err(failure) => Err(Arc::new(CallError { failure: failure.clone(), context: context.clone() })),
        });
        Ok(Found { images: images.collect::<Result<_, Arc<_>>>()?, missing: Vec::new() })
    }

    /// Waits for the listing ahead of requests for `part`, which is sent if it `is_wanted` now.
    pub(super) async fn read_ahead(self: &Arc<Self>, part: &Part, is_wanted: bool) {
        let waiters = part.waiters();
        if waiters.is_empty() {
            return;
        }
        let listing = {
            let mut state = self.lock();
            let joined = match &state.ahead {
                ReadAhead::Started(started) => started.joined(&waiters[0]),
                ReadAhead::Wanted | ReadAhead::Done => None,
            };
            // One that was started may be gone with the reads that waited for it.
            if joined.is_none() && is_wanted && !matches!(state.ahead, ReadAhead::Done) {
                let (listing, started) = self.list(0, &waiters);
                state.ahead = started.map_or(ReadAhead::Done, ReadAhead::Started);
                Some(listing)
            } else {
                joined
            }
        };
        if let Some(listing) = listing
            && !matches!(timeout(part.spare_time(), listing).await, Ok(Ok(_)))
        {
            self.lock().ahead = ReadAhead::Done;
            tracing::debug!(region = %self.region, "no listing of the region; asking by name");
        }
    }

    /// A listing for `waiters`, which is sent when one of them polls it.
    fn list(
        self: &Arc<Self>,
        most: u32,
        waiters: &[Arc<Waiter>],
    ) -> (SharedCall<RegionRows>, Option<UnderWay<RegionRows>>) {
        let shared = Arc::new(Waiters::default());
        waiters.iter().for_each(|waiter| shared.add(waiter));
        let (batcher, waiters) = (Arc::clone(self), Arc::clone(&shared));
        let listing = async move {
            let retries = Retries { waiting: &*waiters, most, has_failed_on_server: false };
            let response = batcher.send(&[], &retries).await?;
            let mut state = batcher.lock();
            state.ahead = ReadAhead::Done;
            for (id, rule) in &response.0 {
                if let Ok(rule) = rule
                    && !rule.instance_types().is_empty()
                {
                    state.completeness.record_row(id);
                    state.answers.insert(Arc::clone(id), Some(rule.clone()));
                }
            }
            Ok(Arc::new(response))
        };
        let listing = listing.boxed().shared();
        let started = UnderWay::new(shared, &listing);
        (listing, started)
    }
}
