//! The reads that wait for a call: how long it is retried for them, what they hear of its failures, and how they share it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;

use crate::jdcloud::call::error::CallError;

/// A read that waits. The read owns it, so one that has left is gone.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// When the read gives up.
    pub(crate) deadline: Instant,
    /// The ids that it asks for, if it shares calls by id.
    pub(crate) ids: BTreeSet<Arc<str>>,
    /// The last failure that was followed by a retry, in case the read gives up before the next attempt.
    last_failure: Mutex<Option<CallError>>,
    /// What the read fails with, once it does.
    pub(crate) failure: OnceLock<Arc<CallError>>,
}

impl Waiter {
    pub(crate) fn new(deadline: Instant, ids: BTreeSet<Arc<str>>) -> Arc<Self> {
        Arc::new(Self { deadline, ids, last_failure: Mutex::default(), failure: OnceLock::new() })
    }

    pub(crate) fn last_failure(&self) -> Option<CallError> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The reads that wait for a call.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    list: Mutex<Vec<Weak<Waiter>>>,
    /// An attempt has failed, so that a read that joins now would have fewer attempts than with a call of its own.
    has_failed: AtomicBool,
    /// The reads of another call, which this one waits for.
    awaited: OnceLock<Arc<Waiters>>,
}

impl Waiters {
    /// These reads, and those that join them, wait for the call of `other` reads as well. Only the first call has an effect.
    pub(crate) fn also_await(&self, other: &Arc<Self>) {
        if self.awaited.set(Arc::clone(other)).is_ok() {
            self.all().iter().for_each(|waiter| other.add(waiter));
        }
    }

    /// Adds `waiter`, unless it waits already.
    pub(crate) fn add(&self, waiter: &Arc<Waiter>) {
        let mut list = self.lock();
        if !list.iter().any(|other| other.as_ptr() == Arc::as_ptr(waiter)) {
            list.push(Arc::downgrade(waiter));
        }
        if let Some(other) = self.awaited.get() {
            other.add(waiter);
        }
    }

    /// The reads that still wait.
    pub(crate) fn all(&self) -> Vec<Arc<Waiter>> {
        self.lock().iter().filter_map(Weak::upgrade).filter(|waiter| waiter.failure.get().is_none()).collect()
    }

    /// The reads that still wait for one of `ids`; without `ids`, those that name none.
    pub(crate) fn of(&self, ids: &[Arc<str>]) -> Vec<Arc<Waiter>> {
        let names_none = |waiter: &Waiter| ids.is_empty() && waiter.ids.is_empty();
        let mut waiters = self.all();
        waiters.retain(|waiter| names_none(waiter) || ids.iter().any(|id| waiter.ids.contains(id)));
        waiters
    }

    fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed) || self.awaited.get().is_some_and(|other| other.has_failed())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Waiter>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a call is retried: as long as the most patient of the reads that wait for it wants.
#[derive(Clone, Copy)]
pub(crate) struct Retries<'a> {
    pub(crate) waiters: &'a Waiters,
    /// Only the reads of these ids count; without ids, those that name none.
    pub(crate) ids: &'a [Arc<str>],
    pub(crate) most: u32,
    /// Server errors (500, 502, 504) are not retried any more.
    pub(crate) has_retried_server_error: bool,
}

impl<'a> Retries<'a> {
    /// At most `most` retries, for those of `waiters` that name no ids.
    pub(crate) fn new(waiters: &'a Waiters, most: u32) -> Self {
        Self { waiters, ids: &[], most, has_retried_server_error: false }
    }

    /// Whether several reads wait for the call.
    pub(crate) fn is_shared(&self) -> bool {
        self.waiters.of(self.ids).len() > 1
    }

    /// How often the call may be retried after `failed`.
    pub(crate) fn retries(&self, failed: &CallError) -> u32 {
        if self.has_retried_server_error && failed.is_server_error() { 0 } else { self.most }
    }

    /// When the last read that waits for the call gives up: no retry starts later.
    pub(crate) fn deadline(&self) -> Instant {
        self.waiters.of(self.ids).iter().map(|waiter| waiter.deadline).max().unwrap_or_else(Instant::now)
    }

    /// Called with every failure that is followed by a retry.
    pub(crate) fn record_failure(&self, failed: &CallError) {
        self.waiters.has_failed.store(true, Ordering::Relaxed);
        for waiter in self.waiters.of(self.ids) {
            *waiter.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed.clone());
        }
    }
}

/// A call that reads share. It runs while one of them waits and is dropped with the last.
pub(crate) type SharedCall<T> = Shared<BoxFuture<'static, T>>;

/// A [`SharedCall`] for reads to join, which this reference does not keep running.
#[derive(Clone)]
pub(crate) struct UnderWay<T> {
    pub(crate) waiters: Arc<Waiters>,
    call: Option<WeakShared<BoxFuture<'static, T>>>,
}

impl<T: Clone> UnderWay<T> {
    /// A `call` for `first` and those that join them. It starts when one of them polls it.
    pub(crate) fn new<F: Future<Output = T> + Send + 'static>(
        first: &[Arc<Waiter>],
        call: impl FnOnce(Arc<Waiters>) -> F,
    ) -> (SharedCall<T>, Self) {
        let waiters = Arc::<Waiters>::default();
        first.iter().for_each(|waiter| waiters.add(waiter));
        let call = call(Arc::clone(&waiters)).boxed().shared();
        let under_way = Self { waiters, call: call.downgrade() };
        (call, under_way)
    }

    /// The call for more reads, unless it has ended or failed once, or no read waits for it any more.
    pub(crate) fn joined(&self, waiters: &[Arc<Waiter>]) -> Option<SharedCall<T>> {
        let call = self.call.as_ref()?.upgrade()?;
        if call.peek().is_some() || self.waiters.has_failed() {
            return None;
        }
        waiters.iter().for_each(|waiter| self.waiters.add(waiter));
        Some(call)
    }
}
