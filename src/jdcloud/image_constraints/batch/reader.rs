//! One read, as the calls see it: where its answers are collected.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::jdcloud::call::error::CallError;
use crate::jdcloud::image_constraints::answer::Image;
use crate::jdcloud::image_constraints::constraint::Rule;

/// How many calls beyond its own a read may cost when calls are refused.
const MAX_EXTRA_CALLS: u32 = 32;

/// What a read found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The images that were returned.
    pub(crate) images: Vec<Image>,
    /// The ids that were not.
    pub(crate) missing: Vec<Arc<str>>,
}

/// A read that waits for ids.
#[derive(Debug)]
pub(super) struct Reader {
    /// When it gives up.
    pub(super) deadline: Instant,
    /// Held while a call that only this reader waits for is split: what one teaches spares the next its own.
    pub(super) splitting: tokio::sync::Mutex<()>,
    progress: Mutex<Progress>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Progress {
    /// Ids handed in and not answered.
    open: usize,
    found: Found,
    failed: Option<Arc<CallError>>,
    last_failure: Option<CallError>,
    extra_calls: u32,
}

impl Reader {
    pub(super) fn new(deadline: Instant) -> Self {
        Self {
            deadline,
            splitting: tokio::sync::Mutex::default(),
            progress: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// How many ids it waits for.
    pub(super) fn open(&self) -> usize {
        self.lock().open
    }

    /// It waits for one more id.
    pub(super) fn wait(&self) {
        self.lock().open += 1;
    }

    /// An id it waited for is answered.
    pub(super) fn receive(&self, id: &Arc<str>, outcome: &Result<Option<Rule>, Arc<CallError>>) {
        let mut progress = self.lock();
        progress.open -= 1;
        match outcome {
            Ok(rule) => progress.found.add(id, rule.as_ref()),
            Err(error) => {
                progress.failed.get_or_insert_with(|| Arc::clone(error));
            }
        }
        self.changed.notify_one();
    }

    /// An id is answered from memory, without waiting.
    pub(super) fn remember(&self, id: &Arc<str>, rule: Option<&Rule>) {
        self.lock().found.add(id, rule);
    }

    /// The end of the read, if it has come: a failure, or every id answered and none left to hand in.
    pub(super) fn outcome(&self, all_handed_in: bool) -> Option<Result<Found, Arc<CallError>>> {
        let mut progress = self.lock();
        match progress.failed.take() {
            Some(error) => Some(Err(error)),
            None if all_handed_in && progress.open == 0 => Some(Ok(std::mem::take(&mut progress.found))),
            None => None,
        }
    }

    /// Waits for the next answer.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A call it waits for failed and is tried again.
    pub(super) fn hear_of(&self, failure: &CallError) {
        self.lock().last_failure = Some(failure.clone());
    }

    pub(super) fn last_failure(&self) -> Option<CallError> {
        self.lock().last_failure.clone()
    }

    /// Whether it may cost `calls` more than its own.
    pub(super) fn may_cost(&self, calls: u32) -> bool {
        self.lock().extra_calls + calls <= MAX_EXTRA_CALLS
    }

    /// It cost `calls` more than its own.
    pub(super) fn costs(&self, calls: u32) {
        self.lock().extra_calls += calls;
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    fn add(&mut self, id: &Arc<str>, rule: Option<&Rule>) {
        match rule {
            Some(rule) => self.images.push(Image { id: Arc::clone(id), rule: rule.clone() }),
            None => self.missing.push(Arc::clone(id)),
        }
    }
}
