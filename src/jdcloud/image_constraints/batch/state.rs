//! What a region's reads share: what is remembered, and who asks for what.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hashbrown::HashMap;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::chunk::Chunk;
use super::company::Company;
use super::reader::Reader;
use super::whole::{ReadAhead, Whole};
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::image_constraints::constraint::Rule;
use crate::jdcloud::settings::Limits;

/// What a call said about one id: its rule, that it was not returned, or an error.
pub(super) type Outcome = Result<Option<Rule>, Arc<CallError>>;

/// A call that asks for ids by name.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// How many answers are waited for, counted by id and reader.
    waiting: AtomicUsize,
    /// Cancelled when nobody waits any more.
    pub(super) abandoned: CancellationToken,
}

/// A call that waits for company.
pub(super) struct Gathering {
    pub(super) call: Arc<Call>,
    pub(super) chunk: Chunk,
    pub(super) since: Instant,
}

/// An id that a call asks for, and who waits for it.
struct Asking {
    call: Arc<Call>,
    readers: Vec<Arc<Reader>>,
}

/// The shared state of a region's reads.
pub(super) struct State {
    /// How many ids a call may ask for: as configured, or fewer once that was refused.
    pub(super) batch_size: usize,
    pub(super) gathering: Option<Gathering>,
    pub(super) company: Company,
    pub(super) read_ahead: ReadAhead,
    /// The call under way for reads without ids.
    pub(super) whole: Option<Arc<Whole>>,
    /// What calls answered; `None` for an id that was asked for by name and not returned.
    memory: HashMap<Arc<str>, Option<Rule>>,
    asking: HashMap<Arc<str>, Asking>,
}

impl State {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            batch_size: limits.batch_size,
            gathering: None,
            company: Company::new(),
            read_ahead: if limits.read_ahead { ReadAhead::Wanted } else { ReadAhead::Never },
            whole: None,
            memory: HashMap::new(),
            asking: HashMap::new(),
        }
    }

    /// How long `call` goes on gathering if nobody comes any more; `None` if it is to be sent, or was.
    pub(super) fn waits_for_company(&self, call: &Arc<Call>) -> Option<Duration> {
        let ours = self.gathering.as_ref().filter(|gathering| Arc::ptr_eq(&gathering.call, call))?;
        self.company.wait(ours.since)
    }

    /// Takes `call`, to be sent, if it still gathers.
    pub(super) fn take_gathering(&mut self, call: &Arc<Call>) -> Option<Gathering> {
        let ours = self.gathering.take_if(|gathering| Arc::ptr_eq(&gathering.call, call))?;
        self.company.sent(ours.chunk.ids().len());
        Some(ours)
    }

    /// Answers `id` from memory, or lets `reader` wait for the call that asks for it; false if there is
    /// neither.
    pub(super) fn serve(&mut self, id: &Arc<str>, reader: &Arc<Reader>) -> bool {
        if let Some(rule) = self.memory.get(id) {
            reader.remember(id, rule.as_ref());
            return true;
        }
        match self.asking.get_mut(id) {
            Some(asking) => {
                asking.add(reader);
                true
            }
            None => false,
        }
    }

    /// Lets `reader` wait for `call` to answer `id`.
    pub(super) fn ask(&mut self, id: &Arc<str>, call: &Arc<Call>, reader: &Arc<Reader>) {
        let asking = || Asking { call: Arc::clone(call), readers: Vec::with_capacity(1) };
        self.asking.entry(Arc::clone(id)).or_insert_with(asking).add(reader);
    }

    /// Remembers `rule` for `id` and gives it to whoever waits.
    pub(super) fn settle(&mut self, id: &Arc<str>, rule: Option<Rule>) {
        self.memory.insert(Arc::clone(id), rule.clone());
        if let Some(asking) = self.asking.remove(id) {
            asking.end(id, &Ok(rule));
        }
    }

    /// Gives `error` to whoever waits for `call` to answer `id`. Errors are not remembered.
    pub(super) fn fail(&mut self, id: &Arc<str>, call: &Arc<Call>, error: &Arc<CallError>) {
        if self.asking.get(id).is_some_and(|asking| Arc::ptr_eq(&asking.call, call))
            && let Some(asking) = self.asking.remove(id)
        {
            asking.end(id, &Err(Arc::clone(error)));
        }
    }

    /// Withdraws `reader` from every call, and ends the calls that nobody waits for now.
    pub(super) fn withdraw(&mut self, reader: &Arc<Reader>) {
        for asking in self.asking.values_mut() {
            let before = asking.readers.len();
            asking.readers.retain(|other| !Arc::ptr_eq(other, reader));
            asking.call.less(before - asking.readers.len());
        }
        self.asking.retain(|_, asking| !asking.call.abandoned.is_cancelled());
        self.gathering.take_if(|gathering| gathering.call.abandoned.is_cancelled());
    }

    /// The ids among `ids` that somebody still waits for `call` to answer. The others are forgotten.
    pub(super) fn still_wanted(&mut self, ids: &[Arc<str>], call: &Arc<Call>) -> Vec<Arc<str>> {
        let mut wanted = Vec::with_capacity(ids.len());
        for id in ids {
            match self.asking.get(id) {
                Some(asking) if !Arc::ptr_eq(&asking.call, call) => {}
                Some(asking) if asking.readers.is_empty() => {
                    self.asking.remove(id);
                }
                Some(_) => wanted.push(Arc::clone(id)),
                None => {}
            }
        }
        wanted
    }

    /// The readers that wait for any of `ids`, each once.
    pub(super) fn readers(&self, ids: &[Arc<str>]) -> Vec<Arc<Reader>> {
        let mut readers: Vec<Arc<Reader>> = Vec::new();
        for reader in ids.iter().filter_map(|id| self.asking.get(id)).flat_map(|asking| &asking.readers) {
            if !readers.iter().any(|known| Arc::ptr_eq(known, reader)) {
                readers.push(Arc::clone(reader));
            }
        }
        readers
    }
}

impl Asking {
    fn add(&mut self, reader: &Arc<Reader>) {
        reader.wait();
        self.call.waiting.fetch_add(1, Ordering::Relaxed);
        self.readers.push(Arc::clone(reader));
    }

    fn end(self, id: &Arc<str>, outcome: &Outcome) {
        self.call.waiting.fetch_sub(self.readers.len(), Ordering::Relaxed);
        for reader in self.readers {
            reader.receive(id, outcome);
        }
    }
}

impl Call {
    /// `fewer` answers are waited for; with none left the call ends.
    fn less(&self, fewer: usize) {
        if fewer > 0 && self.waiting.fetch_sub(fewer, Ordering::Relaxed) == fewer {
            self.abandoned.cancel();
        }
    }
}
