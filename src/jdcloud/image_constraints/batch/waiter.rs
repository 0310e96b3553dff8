//! A read that waits for ids, and the reads that a request has to answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hashbrown::HashSet;
use tokio::time::Instant;

use crate::jdcloud::call::caller::RetryLimits;
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::settings::Limits;

/// A read that waits. The read owns it: requests hold weak references, so a read that has left is gone.
#[derive(Debug)]
pub(super) struct Waiter {
    /// When the read gives up.
    pub(super) deadline: Instant,
    /// The last failure of a request that is retried, in case the read gives up before the next attempt.
    pub(super) last_failure: Mutex<Option<CallError>>,
}

/// The ids of a request, each with a read that waits for it; several reads can wait for one id.
#[derive(Debug, Default)]
pub(super) struct Members(Mutex<Vec<(Arc<str>, Weak<Waiter>)>>);

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

    /// All ids, wanted or not.
    pub(super) fn ids(&self) -> Vec<Arc<str>> {
        self.lock().iter().map(|(id, _)| Arc::clone(id)).collect()
    }

    /// The reads that still wait, each once.
    pub(super) fn waiters(&self) -> Vec<Arc<Waiter>> {
        let mut seen = HashSet::new();
        let members = self.lock();
        let once = members.iter().filter(|(_, waiter)| seen.insert(waiter.as_ptr()));
        once.filter_map(|(_, waiter)| waiter.upgrade()).collect()
    }

    /// Whether `waiter` waits for one of the ids.
    pub(super) fn has(&self, waiter: &Arc<Waiter>) -> bool {
        self.lock().iter().any(|(_, other)| other.as_ptr() == Arc::as_ptr(waiter))
    }

    /// The members for `ids` alone.
    pub(super) fn part(&self, ids: &[Arc<str>]) -> Self {
        let ids: HashSet<_> = ids.iter().collect();
        Self(Mutex::new(self.lock().iter().filter(|(id, _)| ids.contains(id)).cloned().collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<str>, Weak<Waiter>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request is retried as long as the most patient of the reads that wait for it wants.
pub(super) struct Retries<'a> {
    pub(super) members: &'a Members,
    pub(super) most: u32,
    /// HTTP 500 is final.
    pub(super) has_retried_500: bool,
}

impl<'a> Retries<'a> {
    pub(super) fn new(members: &'a Members, limits: &Limits) -> Self {
        Self { members, most: limits.max_retries, has_retried_500: false }
    }
}

impl RetryLimits for Retries<'_> {
    fn retries(&self, failed: &CallError) -> u32 {
        if self.has_retried_500 && failed.context.code == Some(500) { 0 } else { self.most }
    }

    fn deadline(&self) -> Instant {
        self.members.waiters().iter().map(|waiter| waiter.deadline).max().unwrap_or_else(Instant::now)
    }

    fn record_failure(&self, failed: &CallError) {
        for waiter in self.members.waiters() {
            *waiter.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed.clone());
        }
    }
}
