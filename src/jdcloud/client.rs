//! The client of one configuration.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::select;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::jdcloud::call::caller::Caller;
use crate::jdcloud::call::error::Error;
use crate::jdcloud::http::transport::{HttpTransport, Transport};
use crate::jdcloud::image_constraints::answer::{Answer, Image, ImageSelection};
use crate::jdcloud::image_constraints::batch::Batcher;
use crate::jdcloud::listing::Listings;
use crate::jdcloud::settings::{Environment, Region, Settings, SettingsError, Sources};
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// A client of one configuration. It reads files and connects at the first read.
pub struct Client {
    sources: Arc<Sources>,
    user_agent: String,
    /// Replaces HTTP in tests.
    transport: Option<Arc<dyn Transport>>,
    connection: OnceCell<Connection>,
    /// Held while a read resolves the default region.
    resolving: tokio::sync::Mutex<()>,
    /// Cancelled and replaced by [`Client::stop`].
    stopping: Mutex<CancellationToken>,
}

/// What the reads of a client share. Made by the first read.
pub(crate) struct Connection {
    pub(crate) caller: Arc<Caller>,
    pub(crate) listings: Arc<Listings>,
    redactor: Arc<Redactor>,
    batchers: Mutex<HashMap<Region, Arc<Batcher>>>,
}

impl Client {
    /// A client that sends HTTP requests with `user_agent`. Reads no file, opens no connection, and validates nothing yet.
    #[must_use]
    pub fn new(settings: Settings, environment: Environment, user_agent: impl Into<String>) -> Self {
        Self {
            sources: Arc::new(Sources::new(settings, environment)),
            user_agent: user_agent.into(),
            transport: None,
            connection: OnceCell::new(),
            resolving: tokio::sync::Mutex::default(),
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

    /// The region `chosen`, or the default region. Needs no credentials.
    ///
    /// # Errors
    /// No region in any source, or an invalid one.
    pub async fn region(&self, chosen: Option<&str>) -> Result<Region, Error> {
        if let Some(known) = self.sources.known_region(chosen) {
            return Ok(known?);
        }
        self.in_time(Instant::now(), async {
            // Hundreds of reads may start at once; only one of them reads the files.
            let _guard = self.resolving.lock().await;
            match self.sources.known_region(chosen) {
                Some(known) => Ok(known?),
                None => self.resolve(|sources| sources.region(None)).await,
            }
        })
        .await
    }

    /// Untrusted `text`, such as a part of a response, safe to show: without this client's secrets.
    pub fn untrusted(&self, text: &str) -> UntrustedText {
        self.redactor().text(text)
    }

    /// `text` without this client's secrets, otherwise unchanged.
    pub fn without_secrets(&self, text: &str) -> String {
        self.redactor().mask_secrets(text)
    }

    fn redactor(&self) -> &Redactor {
        self.connection.get().map_or(self.sources.redactor(), |connection| &*connection.redactor)
    }

    /// The constraints of the images of `selection` in `region`, or in the default region.
    ///
    /// An empty selection needs no call. Dropping the future cancels the calls that no other read needs. The reads of a
    /// client share calls and their results.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn image_constraints(
        &self,
        region: Option<&str>,
        selection: ImageSelection,
    ) -> Result<Answer, Error> {
        let started = Instant::now();
        self.unless_stopped(async {
            if matches!(&selection, ImageSelection::Named(ids) if ids.is_empty()) {
                let region = self.region(region).await?;
                return Ok(Answer { region, images: Vec::new(), missing: Vec::new(), notices: Vec::new() });
            }
            let (region, connection) = self.region_and_connection(region, started).await?;
            let batcher = connection.batcher(&region);
            let found = match selection {
                ImageSelection::All => batcher.all(started).await?,
                ImageSelection::Named(ids) => batcher.named(ids, started).await?,
            };
            let (mut images, mut missing) = (Vec::new(), Vec::new());
            for (id, rule) in found {
                match rule {
                    Some(rule) => images.push(Image { id, rule }),
                    None => missing.push(id),
                }
            }
            Ok(Answer { region, images, missing, notices: connection.caller.notices.take() })
        })
        .await
    }

    /// The result of `read`, or [`Error::Cancelled`] as soon as the client is stopped.
    pub(crate) async fn unless_stopped<T>(
        &self,
        read: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let stopping = self.stopping().clone();
        select! {
            biased;
            () = stopping.cancelled() => Err(Error::Cancelled),
            result = read => result,
        }
    }

    /// Ends all current reads with [`Error::Cancelled`], and their calls. Later reads work.
    pub fn stop(&self) {
        std::mem::take(&mut *self.stopping()).cancel();
    }

    fn stopping(&self) -> MutexGuard<'_, CancellationToken> {
        self.stopping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The region and the connection for a read that began at `started`. The first read makes the connection.
    pub(crate) async fn region_and_connection(
        &self,
        chosen: Option<&str>,
        started: Instant,
    ) -> Result<(Region, &Connection), Error> {
        if let Some(Err(problem)) = self.sources.known_region(chosen) {
            return Err(problem.into());
        }
        self.in_time(started, async {
            let connection = self.connection.get_or_try_init(|| self.connect(chosen.is_none())).await?;
            Ok((self.region(chosen).await?, connection))
        })
        .await
    }

    /// Makes the connection. Also resolves the default region if it is needed, because it may be in the same files.
    async fn connect(&self, needs_region: bool) -> Result<Connection, Error> {
        let limits = self.sources.limits()?;
        let (transport, user_agent) = (self.transport.clone(), self.user_agent.clone());
        let connection = move |sources: &Sources| {
            if needs_region {
                sources.region(None)?;
            }
            sources.check_sources()?;
            let (credentials, endpoint) = (sources.credentials()?, sources.endpoint()?);
            let redactor = Arc::new(sources.redactor_with(&credentials));
            let transport = match transport {
                Some(transport) => transport,
                None => Arc::new(HttpTransport::new(
                    &endpoint,
                    sources.ca_bundle(),
                    sources.environment(),
                    &user_agent,
                    Arc::clone(&redactor),
                )?),
            };
            let caller = Caller::new(endpoint, credentials, Arc::clone(&redactor), limits, transport);
            let caller = Arc::new(caller);
            let listings = Arc::new(Listings::new(Arc::clone(&caller)));
            Ok(Connection { caller, listings, redactor, batchers: Mutex::default() })
        };
        self.resolve(connection).await
    }

    /// The result of `found`, which must come within `read_timeout` of `started`: a network file system may not respond,
    /// and `found` may wait for another read that uses it.
    async fn in_time<T>(
        &self,
        started: Instant,
        found: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        // An error of the limits is reported where they are needed.
        let limit = self.sources.limits().unwrap_or_default().read_timeout;
        let too_slow = |_| Err(SettingsError::FilesTooSlow { limit }.into());
        timeout_at(started + limit, found).await.unwrap_or_else(too_slow)
    }

    /// The result of `resolve`, which reads files. It runs on another thread.
    async fn resolve<T: Send + 'static>(
        &self,
        resolve: impl FnOnce(&Sources) -> Result<T, SettingsError> + Send + 'static,
    ) -> Result<T, Error> {
        let sources = Arc::clone(&self.sources);
        match spawn_blocking(move || resolve(&sources)).await {
            Ok(resolved) => Ok(resolved?),
            Err(_) => Err(Error::from(SettingsError::Setup { reason: "a task of the client failed".into() })),
        }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::jdcloud::images::Query;
    use crate::jdcloud::test_api::{Instead, TestApi, failed, ids, read};
    use crate::jdcloud::{Argument, Failure};

    const LIMIT: Duration = Duration::from_secs(30);

    /// A read that waits for another one's files, on a file system that does not answer, ends at its own `read_timeout`:
    /// ten reads would otherwise take ten times as long.
    #[tokio::test(start_paused = true)]
    async fn read_timeout_includes_the_wait_for_files_that_another_read_reads() {
        let (client, _) = TestApi::new(&[]).client(|settings| {
            settings.region = Argument::Absent;
            settings.read_timeout = Argument::Known(LIMIT);
        });
        let too_slow = |result: Result<(), Error>| {
            assert!(matches!(result, Err(Error::Settings(SettingsError::FilesTooSlow { .. }))), "{result:?}");
        };
        let _other_read = client.resolving.lock().await;
        too_slow(timeout(2 * LIMIT, client.region(None)).await.unwrap().map(|_| ()));
        let connecting = client.connection.get_or_init(std::future::pending);
        let ids = Query::Ids(BTreeSet::from(["img-a".into()]));
        let reads = async {
            let started = Instant::now();
            let (constraints, images) = tokio::join!(
                client.image_constraints(Some("cn-north-1"), ImageSelection::All),
                client.images(Some("cn-north-1"), &ids, started),
            );
            too_slow(constraints.map(|_| ()));
            too_slow(images.map(|_| ()));
            assert_eq!(started.elapsed(), LIMIT);
        };
        select! {
            biased;
            _ = connecting => {}
            ended = timeout(2 * LIMIT, reads) => ended.unwrap(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn read_timeout_includes_the_time_that_the_files_took() {
        let (client, _) = TestApi::new(&[]).script(|_, _| Some(Instead::Hang)).client(|settings| {
            settings.read_timeout = Argument::Known(LIMIT);
        });
        let started = Instant::now();
        let slow_files = client.connection.get_or_try_init(async || {
            sleep(LIMIT / 2).await;
            client.connect(true).await
        });
        let ids = ids(1);
        let (connected, answer) = tokio::join!(slow_files, read(&client, &ids));
        assert!(connected.is_ok());
        assert!(matches!(failed(answer).failure, Failure::ReadTimeout { .. }));
        assert_eq!(started.elapsed(), LIMIT);
    }
}
