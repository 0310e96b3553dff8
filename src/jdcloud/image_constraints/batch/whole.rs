//! Calls without ids: for reads that name none, and ahead of many small reads.
//!
//! The third call of a region that could have asked for more is preceded by one call for everything, which
//! most often answers it and all that would follow. What it contains is remembered; what it lacks says
//! nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::reader::Found;
use super::run::Rules;
use super::{Batcher, State};
use crate::jdcloud::call::caller::Effort;
use crate::jdcloud::call::error::{CallError, RequestSummary};
use crate::jdcloud::image_constraints::answer::Image;

/// How long small reads wait for the call ahead of them.
const AHEAD: Duration = Duration::from_secs(5);

/// Whether many small reads are answered ahead.
pub(super) enum ReadAhead {
    /// Not yet.
    Wanted,
    /// It is under way.
    UnderWay(Arc<Whole>),
    /// It was, or is not wanted.
    Never,
}

/// A call without ids, shared by all who wait for it.
#[derive(Debug)]
pub(super) struct Whole {
    retries: u32,
    progress: Mutex<Progress>,
    waiting: AtomicUsize,
    abandoned: CancellationToken,
    done: CancellationToken,
    outcome: OnceLock<Result<Vec<Image>, Arc<CallError>>>,
}

#[derive(Debug)]
struct Progress {
    /// When the most patient of those who wait gives up.
    deadline: Instant,
    last_failure: Option<CallError>,
}

impl Batcher {
    /// Every image that the API returns for the region.
    pub(crate) async fn all(self: &Arc<Self>) -> Result<Found, Arc<CallError>> {
        let started = Instant::now();
        let deadline = started + self.caller.limits.read_timeout;
        let whole = {
            let mut state = self.lock();
            let under_way = state.whole.clone().filter(|whole| !whole.has_ended());
            let whole = under_way.unwrap_or_else(|| {
                let whole = Arc::new(Whole::new(self.caller.limits.max_retries, deadline));
                tokio::spawn(Arc::clone(self).run_whole(Arc::clone(&whole)));
                Arc::clone(state.whole.insert(whole))
            });
            whole.joined(deadline)
        };
        match timeout_at(deadline, whole.0.done.cancelled()).await {
            Ok(()) => match whole.0.outcome.get() {
                Some(Ok(images)) => Ok(Found { images: images.clone(), missing: Vec::new() }),
                Some(Err(error)) => Err(Arc::clone(error)),
                None => Err(self.lost(RequestSummary::default())),
            },
            Err(_) => {
                let last = whole.0.lock().last_failure.clone();
                Err(self.out_of_time(RequestSummary::default(), started, last))
            }
        }
    }

    /// Before a small call, from the third on: waits for the call ahead of it.
    pub(super) async fn read_ahead(self: &Arc<Self>) {
        let whole = {
            let mut state = self.lock();
            let whole = match &state.read_ahead {
                ReadAhead::Never => return,
                ReadAhead::Wanted if !state.company.are_many() => return,
                ReadAhead::Wanted => {
                    let whole = Arc::new(Whole::new(0, Instant::now() + AHEAD));
                    state.read_ahead = ReadAhead::UnderWay(Arc::clone(&whole));
                    tokio::spawn(Arc::clone(self).run_ahead(Arc::clone(&whole)));
                    whole
                }
                ReadAhead::UnderWay(whole) => Arc::clone(whole),
            };
            let deadline = whole.deadline();
            whole.joined(deadline)
        };
        whole.0.done.cancelled().await;
    }

    async fn run_whole(self: Arc<Self>, whole: Arc<Whole>) {
        let _done = whole.done.clone().drop_guard();
        let result = select! {
            biased;
            () = whole.abandoned.cancelled() => return,
            result = self.send(&[], &*whole) => result,
        };
        let mut state = self.lock();
        if state.whole.as_ref().is_some_and(|current| Arc::ptr_eq(current, &whole)) {
            state.whole = None;
        }
        let everything = result.and_then(|rules| {
            // Nothing is left to be read ahead.
            state.read_ahead = ReadAhead::Never;
            remember(&mut state, &rules);
            rules.into_images()
        });
        // Set by nobody else.
        let _ = whole.outcome.set(everything);
    }

    async fn run_ahead(self: Arc<Self>, whole: Arc<Whole>) {
        let _done = whole.done.clone().drop_guard();
        let rules = select! {
            biased;
            () = whole.abandoned.cancelled() => None,
            result = timeout(AHEAD, self.send(&[], &*whole)) => result.ok().and_then(Result::ok),
        };
        let mut state = self.lock();
        state.read_ahead = ReadAhead::Never;
        match rules {
            Some(rules) => remember(&mut state, &rules),
            None => tracing::debug!(region = %self.region, "reading ahead failed; asking by name"),
        }
    }
}

/// Remembers what a call without ids contains. A malformed row is left to whoever asks for its image.
fn remember(state: &mut State, rules: &Rules) {
    for (id, rule) in rules.sound() {
        state.settle(id, Some(rule.clone()));
    }
}

impl Whole {
    fn new(retries: u32, deadline: Instant) -> Self {
        Self {
            retries,
            progress: Mutex::new(Progress { deadline, last_failure: None }),
            waiting: AtomicUsize::new(0),
            abandoned: CancellationToken::new(),
            done: CancellationToken::new(),
            outcome: OnceLock::new(),
        }
    }

    fn has_ended(&self) -> bool {
        self.abandoned.is_cancelled() || self.done.is_cancelled()
    }

    /// One more waits, until `deadline`.
    fn joined(self: Arc<Self>, deadline: Instant) -> Waiting {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut progress = self.lock();
        progress.deadline = progress.deadline.max(deadline);
        drop(progress);
        Waiting(self)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Effort for Whole {
    fn retries(&self) -> u32 {
        self.retries
    }

    fn deadline(&self) -> Instant {
        self.lock().deadline
    }

    fn will_retry(&self, failed: CallError) {
        self.lock().last_failure = Some(failed);
    }
}

/// Somebody waits for a call without ids; it ends with the last one.
struct Waiting(Arc<Whole>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.abandoned.cancel();
        }
    }
}
