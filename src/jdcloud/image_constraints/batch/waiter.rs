//! The reads that a request has to answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hashbrown::HashSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::jdcloud::call::waiter::{Waiter, Waiting};

/// The reads of a request wait so long for another one that may spare requests and may not answer them.
const SPARE: Duration = Duration::from_secs(5);

/// And no longer than this part of the time that the first of them to give up has left.
const SHARE: u32 = 4;

/// The ids of a request, each with a read that waits for it; several reads can wait for one id.
#[derive(Debug, Default)]
pub(super) struct Members {
    list: Mutex<Vec<(Arc<str>, Weak<Waiter>)>>,
    has_failed: AtomicBool,
    /// An id is to blame for a refusal, and not the number of ids.
    pub(super) id_is_to_blame: CancellationToken,
}

impl Members {
    /// `waiter` waits for `id`. Tells whether the id before is another read's.
    pub(super) fn add(&self, id: &Arc<str>, waiter: &Arc<Waiter>) -> bool {
        let mut members = self.lock();
        let is_other = members.last().is_none_or(|(_, last)| last.as_ptr() != Arc::as_ptr(waiter));
        members.push((Arc::clone(id), Arc::downgrade(waiter)));
        is_other
    }

    /// All ids, each once, in the order in which they came.
    pub(super) fn all(self: &Arc<Self>) -> Part {
        let mut seen = HashSet::new();
        let members = self.lock();
        let ids = members.iter().map(|(id, _)| id).filter(|id| seen.insert(Arc::clone(id)));
        Part { ids: ids.cloned().collect(), members: Arc::clone(self), has_failed_on_server: false }
    }

    /// Whether a read that joins the request now has as many attempts as with a request of its own.
    pub(super) fn may_be_joined(&self) -> bool {
        !self.has_failed.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<str>, Weak<Waiter>)>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids of a request, and the reads that wait for them.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) ids: Arc<[Arc<str>]>,
    pub(super) members: Arc<Members>,
    /// The retries of a server's failure are used up.
    pub(super) has_failed_on_server: bool,
}

impl Part {
    /// These `ids` of it alone.
    pub(super) fn of(&self, ids: impl Into<Arc<[Arc<str>]>>) -> Self {
        Self { ids: ids.into(), ..self.clone() }
    }

    /// The ids that a read still waits for.
    pub(super) fn wanted(&self) -> Vec<Arc<str>> {
        let wanted: HashSet<_> = self.waiting().into_iter().map(|(id, _)| id).collect();
        self.ids.iter().filter(|id| wanted.contains(*id)).cloned().collect()
    }

    /// How long the reads wait for a request that may not answer them.
    pub(super) fn spare_time(&self) -> Duration {
        let deadline = self.waiters().iter().map(|waiter| waiter.deadline).min();
        deadline.map_or(Duration::ZERO, |deadline| {
            SPARE.min(deadline.saturating_duration_since(Instant::now()) / SHARE)
        })
    }

    /// Lets the reads look whether they are answered.
    pub(super) fn wake(&self) {
        self.waiters().iter().for_each(|waiter| waiter.wake());
    }

    fn waiting(&self) -> Vec<(Arc<str>, Arc<Waiter>)> {
        let ids: HashSet<_> = self.ids.iter().collect();
        let members = self.members.lock();
        let ours = members.iter().filter(|(id, _)| ids.contains(id));
        let waiting = ours.filter_map(|(id, waiter)| Some((Arc::clone(id), waiter.upgrade()?)));
        waiting.filter(|(_, waiter)| waiter.failure().is_none()).collect()
    }
}

impl Waiting for Part {
    fn waiters(&self) -> Vec<Arc<Waiter>> {
        let mut seen = HashSet::new();
        let waiters = self.waiting().into_iter().map(|(_, waiter)| waiter);
        waiters.filter(|waiter| seen.insert(Arc::as_ptr(waiter))).collect()
    }

    fn has_failed(&self) -> &AtomicBool {
        &self.members.has_failed
    }
}
