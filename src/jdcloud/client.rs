//! The client of one configuration.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::select;
use tokio_util::sync::CancellationToken;

use crate::jdcloud::call::caller::Caller;
use crate::jdcloud::call::error::Error;
use crate::jdcloud::http::transport::{HttpTransport, Transport};
use crate::jdcloud::image_constraints::answer::{Answer, ImageSelection};
use crate::jdcloud::image_constraints::batch::{Batcher, Found};
use crate::jdcloud::settings::{Environment, Region, Settings, Sources};

/// A client of one configuration: cheap to make, silent until the first read.
pub struct Client {
    sources: Sources,
    user_agent: String,
    /// In the place of HTTP, for tests.
    transport: Option<Arc<dyn Transport>>,
    connection: OnceLock<Connection>,
    /// Cancelled by [`Client::stop`], which puts a new one in its place.
    stopping: Mutex<CancellationToken>,
}

/// What the reads of a client share, known from the first one on.
struct Connection {
    caller: Arc<Caller>,
    batchers: Mutex<HashMap<Region, Arc<Batcher>>>,
}

impl Client {
    /// A client that will talk HTTP as `user_agent`. Reads no file, opens no connection, checks nothing yet.
    #[must_use]
    pub fn new(settings: Settings, environment: Environment, user_agent: impl Into<String>) -> Self {
        Self {
            sources: Sources::new(settings, environment),
            user_agent: user_agent.into(),
            transport: None,
            connection: OnceLock::new(),
            stopping: Mutex::default(),
        }
    }

    /// A client that sends its requests through `transport`.
    #[must_use]
    pub fn with_transport(
        settings: Settings,
        environment: Environment,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self { transport: Some(transport), ..Self::new(settings, environment, String::new()) }
    }

    /// The region that a read naming `chosen` asks. Needs no credentials.
    ///
    /// # Errors
    /// No region anywhere, or one that cannot be a region.
    pub fn region(&self, chosen: Option<&str>) -> Result<Region, Error> {
        Ok(self.sources.region(chosen)?)
    }

    /// The constraints of the `wanted` images in `region`, or in the configured one.
    ///
    /// Asking for no ids gives an empty answer without any call. Dropping the future withdraws from the calls
    /// under way. Reads of one client share calls and what they learned.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn image_constraints(
        &self,
        region: Option<&str>,
        wanted: ImageSelection,
    ) -> Result<Answer, Error> {
        let stopping = self.stopping().clone();
        let region = self.region(region)?;
        if matches!(&wanted, ImageSelection::Named(ids) if ids.is_empty()) {
            return Ok(Answer { region, images: Vec::new(), missing: Vec::new(), notices: Vec::new() });
        }
        let connection = self.connection()?;
        let batcher = connection.batcher(&region);
        let read = async {
            match wanted {
                ImageSelection::All => batcher.all().await,
                ImageSelection::Named(ids) => {
                    let ids: Vec<Arc<str>> = ids.into_iter().map(Arc::from).collect();
                    batcher.named(&ids).await
                }
            }
        };
        let Found { mut images, mut missing } = select! {
            biased;
            () = stopping.cancelled() => return Err(Error::Cancelled),
            found = read => found?,
        };
        images.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        missing.sort_unstable();
        Ok(Answer { region, images, missing, notices: connection.caller.take_notices() })
    }

    /// Ends every read under way with [`Error::Cancelled`] and the calls that nobody else waits for; later
    /// reads work.
    pub fn stop(&self) {
        std::mem::take(&mut *self.stopping()).cancel();
    }

    fn stopping(&self) -> MutexGuard<'_, CancellationToken> {
        self.stopping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The resolved connection, made at the first read that needs it.
    fn connection(&self) -> Result<&Connection, Error> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection);
        }
        let sources = &self.sources;
        let (limits, credentials, endpoint) =
            (sources.limits()?, sources.credentials()?, sources.endpoint()?);
        let transport = match &self.transport {
            Some(transport) => Arc::clone(transport),
            None => Arc::new(HttpTransport::new(
                &endpoint,
                sources.ca_bundle(),
                sources.environment(),
                &self.user_agent,
            )?),
        };
        let caller = Arc::new(Caller::new(endpoint, credentials, limits, transport));
        Ok(self.connection.get_or_init(|| Connection { caller, batchers: Mutex::default() }))
    }
}

impl Connection {
    /// The batcher of `region`.
    fn batcher(&self, region: &Region) -> Arc<Batcher> {
        let mut batchers = self.batchers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Batcher::new(Arc::clone(&self.caller), region.clone()));
        Arc::clone(batchers.entry(region.clone()).or_insert_with(new))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("sources", &self.sources).finish_non_exhaustive()
    }
}
