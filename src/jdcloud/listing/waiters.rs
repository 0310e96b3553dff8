//! The reads that wait for a listing: how long it may take, and what they hear of its failures.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::time::Instant;

use crate::jdcloud::call::caller::RetryLimits;
use crate::jdcloud::call::error::CallError;

/// A read that waits. The read owns it, so one that has left is gone.
pub(super) struct Waiter {
    /// When the read gives up.
    pub(super) deadline: Instant,
    /// The last failure that was followed by a retry.
    last_failure: Mutex<Option<CallError>>,
}

impl Waiter {
    pub(super) fn new(deadline: Instant) -> Self {
        Self { deadline, last_failure: Mutex::default() }
    }

    /// The last failure that was followed by a retry.
    pub(super) fn last_failure(&self) -> Option<CallError> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The reads that wait for one listing.
#[derive(Default)]
pub(super) struct Waiters(Mutex<Vec<Weak<Waiter>>>);

impl Waiters {
    pub(super) fn add(&self, waiter: &Arc<Waiter>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(waiter));
    }

    /// A call is retried as long as the most patient of the reads that wait for it wants.
    pub(super) fn limits(&self, max_retries: u32) -> impl RetryLimits {
        Limits { waiters: self, max_retries }
    }

    fn waiting(&self) -> Vec<Arc<Waiter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }
}

struct Limits<'a> {
    waiters: &'a Waiters,
    max_retries: u32,
}

impl RetryLimits for Limits<'_> {
    fn retries(&self, _: &CallError) -> u32 {
        self.max_retries
    }

    fn deadline(&self) -> Instant {
        self.waiters.waiting().iter().map(|waiter| waiter.deadline).max().unwrap_or_else(Instant::now)
    }

    fn record_failure(&self, failed: &CallError) {
        for waiter in self.waiters.waiting() {
            *waiter.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed.clone());
        }
    }
}
