//! The reads that wait for a call: how long it is retried for them, what they hear of its failures, and how they share it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::jdcloud::call::error::CallError;

/// A read that waits. The read owns it, so one that has left is gone.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// When the read gives up.
    pub(crate) deadline: Instant,
    /// The last failure that was followed by a retry, in case the read gives up before the next attempt.
    last_failure: Mutex<Option<CallError>>,
    /// What the read fails with.
    failure: OnceLock<Arc<CallError>>,
    woken: Notify,
}

impl Waiter {
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { deadline, last_failure: Mutex::default(), failure: OnceLock::new(), woken: Notify::new() }
    }

    /// Fails the read with `error`, unless it has failed.
    pub(crate) fn fail(&self, error: &Arc<CallError>) {
        let _ = self.failure.set(Arc::clone(error));
        self.wake();
    }

    pub(crate) fn failure(&self) -> Option<Arc<CallError>> {
        self.failure.get().cloned()
    }

    /// Lets the read look for answers.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Waits until the read is woken.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    pub(crate) fn last_failure(&self) -> Option<CallError> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Those who know which reads wait for a call.
pub(crate) trait Waiting: Sync {
    /// The reads that still wait, each once.
    fn waiters(&self) -> Vec<Arc<Waiter>>;

    /// Set when an attempt has failed.
    fn has_failed(&self) -> &AtomicBool;

    /// Whether a read that joins the call now has as many attempts as with a call of its own.
    fn may_be_joined(&self) -> bool {
        !self.has_failed().load(Ordering::Relaxed)
    }

    fn record_failure(&self) {
        self.has_failed().store(true, Ordering::Relaxed);
    }
}

/// The reads that wait for a call that has one answer for all of them.
#[derive(Default)]
pub(crate) struct Waiters {
    list: Mutex<Vec<Weak<Waiter>>>,
    has_failed: AtomicBool,
}

impl Waiters {
    pub(crate) fn add(&self, waiter: &Arc<Waiter>) {
        self.lock().push(Arc::downgrade(waiter));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Waiter>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting for Waiters {
    fn waiters(&self) -> Vec<Arc<Waiter>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn has_failed(&self) -> &AtomicBool {
        &self.has_failed
    }
}

/// How long a call is retried: as long as the most patient of the reads that wait for it wants.
#[derive(Clone, Copy)]
pub(crate) struct Retries<'a> {
    pub(crate) waiting: &'a dyn Waiting,
    pub(crate) most: u32,
    /// A server's failure is final.
    pub(crate) has_failed_on_server: bool,
}

impl Retries<'_> {
    /// How often the call may be retried after `failed`.
    pub(crate) fn retries(&self, failed: &CallError) -> u32 {
        if self.has_failed_on_server && failed.is_of_the_server() { 0 } else { self.most }
    }

    /// When the last read that waits for the call gives up: no retry starts later.
    pub(crate) fn deadline(&self) -> Instant {
        self.waiting.waiters().iter().map(|waiter| waiter.deadline).max().unwrap_or_else(Instant::now)
    }

    /// Called with every failure that is followed by a retry.
    pub(crate) fn record_failure(&self, failed: &CallError) {
        self.waiting.record_failure();
        for waiter in self.waiting.waiters() {
            *waiter.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed.clone());
        }
    }
}

type Call<T> = BoxFuture<'static, Result<T, Arc<CallError>>>;

/// A call with one answer for all reads that share it. It runs while one of them waits and is dropped with the last.
pub(crate) type SharedCall<T> = Shared<Call<T>>;

/// A [`SharedCall`] for reads to join, which this reference does not keep running.
pub(crate) struct UnderWay<T> {
    waiters: Arc<Waiters>,
    call: WeakShared<Call<T>>,
}

impl<T: Clone> UnderWay<T> {
    /// `call`, for `waiters`; none if it has ended.
    pub(crate) fn new(waiters: Arc<Waiters>, call: &SharedCall<T>) -> Option<Self> {
        Some(Self { waiters, call: call.downgrade()? })
    }

    /// The call for one more read, unless it has ended or failed once, or no read waits for it any more.
    pub(crate) fn joined(&self, waiter: &Arc<Waiter>) -> Option<SharedCall<T>> {
        let call =
            self.call.upgrade().filter(|call| call.peek().is_none() && self.waiters.may_be_joined())?;
        self.waiters.add(waiter);
        Some(call)
    }
}
