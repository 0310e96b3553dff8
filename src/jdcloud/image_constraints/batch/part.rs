//! The ids of a request, and the reads that wait for them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::jdcloud::call::waiter::{Retries, Waiter, Waiters};

/// How long reads wait for a request that only saves others and may not answer them.
const SPARE: Duration = Duration::from_secs(5);

/// And at most this part of the time that the earliest deadline leaves.
const SHARE: u32 = 4;

/// Some ids of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub(super) ids: Arc<[Arc<str>]>,
    /// The reads of the whole request, by which it is told from others.
    pub(super) reads: Arc<Waiters>,
    /// The retries of a server error are used up.
    pub(super) has_retried_server_error: bool,
    /// A request for these ids was refused: they are sent without controls, which may be to blame.
    pub(super) is_refused: bool,
    /// How many ids and controls that request had if their number may be to blame, and otherwise 0.
    pub(super) refused_size: usize,
    /// How often the ids were asked for again beside controls because a response lacked them.
    pub(super) checks: u32,
    /// The fewest rows of such a response.
    pub(super) fewest_rows: usize,
    /// The most ids and controls of a request for them, since a larger one may be refused.
    pub(super) most: usize,
    /// An id of the request is to blame for a refusal, and not the number of ids.
    pub(super) id_is_to_blame: CancellationToken,
}

impl Part {
    /// All `ids` of a request.
    pub(super) fn new(ids: &[Arc<str>], reads: Arc<Waiters>) -> Self {
        Self { ids: ids.into(), reads, fewest_rows: usize::MAX, most: usize::MAX, ..Self::default() }
    }

    /// These `ids` of it alone.
    pub(super) fn of(&self, ids: impl Into<Arc<[Arc<str>]>>) -> Self {
        Self { ids: ids.into(), ..self.clone() }
    }

    /// The reads that still wait for one of the ids.
    pub(super) fn waiters(&self) -> Vec<Arc<Waiter>> {
        self.reads.of(&self.ids)
    }

    /// Up to `most` retries for the reads.
    pub(super) fn retries(&self, most: u32) -> Retries<'_> {
        Retries {
            waiters: &self.reads,
            ids: &self.ids,
            most,
            has_retried_server_error: self.has_retried_server_error,
        }
    }
}

/// How long `waiters` wait for a request that may not answer them.
pub(super) fn spare_time(waiters: &[Arc<Waiter>]) -> Duration {
    let deadline = waiters.iter().map(|waiter| waiter.deadline).min();
    deadline.map_or(Duration::ZERO, |deadline| {
        SPARE.min(deadline.saturating_duration_since(Instant::now()) / SHARE)
    })
}
