//! The state that all connections share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::authenticator::Authenticator;
use crate::catalogue::Catalogue;
use crate::clock;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::options::Options;
use crate::random::Random;

/// The journal and the state.
pub(crate) struct Shared {
    pub(crate) journal: Arc<Journal>,
    state: Mutex<State>,
}

/// What can change while the emulator runs.
pub(crate) struct State {
    pub(crate) catalogue: Catalogue,
    pub(crate) faults: Faults,
    pub(crate) authenticator: Authenticator,
    pub(crate) request_ids: Random,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        let authenticator = Authenticator {
            credentials: options.credentials,
            token_encoding: options.token_encoding,
            signature: options.signature,
            window: options.date_window.try_into().unwrap_or(time::Duration::MAX),
            nonces: HashMap::new(),
        };
        let state = State {
            catalogue: options.catalogue,
            faults: Faults::new(options.scenario),
            authenticator,
            request_ids: Random::new(clock::unix_ms()),
        };
        Self { journal: Journal::new(options.verbose), state: Mutex::new(state) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
