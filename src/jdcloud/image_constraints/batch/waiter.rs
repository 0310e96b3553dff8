//! The reads that a request has to answer.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hashbrown::HashSet;
use tokio::time::Instant;

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
}

impl Members {
    pub(super) fn add(&self, id: &Arc<str>, waiter: &Arc<Waiter>) {
        self.lock().push((Arc::clone(id), Arc::downgrade(waiter)));
    }

    /// The ids that a read still waits for, each once, in the order in which they came.
    pub(super) fn wanted(&self) -> Vec<Arc<str>> {
        let mut seen = HashSet::new();
        let members = self.lock();
        let alive = members.iter().filter(|(_, waiter)| waiter.strong_count() > 0);
        alive.map(|(id, _)| id).filter(|id| seen.insert(Arc::clone(id))).cloned().collect()
    }

    /// How long the reads wait for a request that may not answer them.
    pub(super) fn spare_time(&self) -> Duration {
        let deadline = self.waiters().iter().map(|waiter| waiter.deadline).min();
        deadline.map_or(Duration::ZERO, |deadline| {
            SPARE.min(deadline.saturating_duration_since(Instant::now()) / SHARE)
        })
    }

    /// All ids, wanted or not.
    pub(super) fn ids(&self) -> Vec<Arc<str>> {
        self.lock().iter().map(|(id, _)| Arc::clone(id)).collect()
    }

    /// Whether `waiter` waits for one of the ids.
    pub(super) fn has(&self, waiter: &Arc<Waiter>) -> bool {
        self.lock().iter().any(|(_, other)| other.as_ptr() == Arc::as_ptr(waiter))
    }

    /// The members for `ids` alone.
    pub(super) fn part(&self, ids: &[Arc<str>]) -> Self {
        let ids: HashSet<_> = ids.iter().collect();
        let list = self.lock().iter().filter(|(id, _)| ids.contains(id)).cloned().collect();
        Self { list: Mutex::new(list), has_failed: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<str>, Weak<Waiter>)>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting for Members {
    fn waiters(&self) -> Vec<Arc<Waiter>> {
        let mut seen = HashSet::new();
        let members = self.lock();
        let once = members.iter().filter(|(_, waiter)| seen.insert(waiter.as_ptr()));
        once.filter_map(|(_, waiter)| waiter.upgrade()).collect()
    }

    fn has_failed(&self) -> &AtomicBool {
        &self.has_failed
    }
}
