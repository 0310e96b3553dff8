//! The client of one configuration, and what a read asks and gets.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use super::call::{Caller, Request};
use super::clock::Clock;
use super::constraint::{Interner, Rule};
use super::envelope;
use super::error::{Asked, CallError, Error};
use super::image_constraints::{self, ResultBody};
use super::settings::{Environment, Region, Settings, Sources};
use super::transport::{HttpTransport, RawResponse, Transport};

/// Which images a read asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Every constrained public and third-party image of the region.
    All,
    /// These.
    Named(BTreeSet<String>),
}

/// An image that the API returned, with its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `imageId`.
    pub id: Arc<str>,
    /// What it may run on. [`Rule::Unrestricted`] when it was returned without a constraint.
    pub rule: Rule,
}

/// The answer of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The region that was asked.
    pub region: Region,
    /// The images that were returned, sorted by id.
    pub images: Vec<Image>,
    /// The ids that were asked for and not returned, sorted.
    pub missing: Vec<Arc<str>>,
    /// What was worked around, each said once in a connection's life.
    pub notices: Vec<Notice>,
}

/// Something that a read worked around and that its user should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// This machine's clock is wrong; requests are signed with the server's time.
    ClockCorrected {
        /// The server's time less ours.
        by: time::Duration,
    },
    /// The API refused calls of `from` ids and takes calls of `to`.
    SmallerBatches {
        /// The size that was refused.
        from: usize,
        /// The size that works.
        to: usize,
    },
}

/// A client of one configuration: cheap to make, silent until the first read.
pub struct Client {
    sources: Sources,
    user_agent: String,
    transport: Option<Arc<dyn Transport>>,
    caller: OnceLock<Arc<Caller>>,
}

impl Client {
    /// A client that will talk HTTP as `user_agent`. Reads no file, opens no connection, checks nothing yet.
    #[must_use]
    pub fn new(settings: Settings, environment: Environment, user_agent: impl Into<String>) -> Self {
        let sources = Sources::new(settings, environment);
        Self { sources, user_agent: user_agent.into(), transport: None, caller: OnceLock::new() }
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
    /// Asking for no ids gives an empty answer without any call. May be dropped at any point.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn image_constraints(&self, region: Option<&str>, wanted: Wanted) -> Result<Answer, Error> {
        let region = self.region(region)?;
        let mut answer = Answer { region, images: Vec::new(), missing: Vec::new(), notices: Vec::new() };
        let ids: Vec<Arc<str>> = match wanted {
            Wanted::Named(ids) if ids.is_empty() => return Ok(answer),
            Wanted::Named(ids) => ids.into_iter().map(Arc::from).collect(),
            Wanted::All => Vec::new(),
        };
        let caller = self.caller()?;
        if ids.is_empty() {
            for (id, rule) in call(&caller, &answer.region, &[]).await? {
                answer.images.push(Image { id, rule: rule? });
            }
        }
        for ids in ids.chunks(caller.limits.batch_size) {
            let mut rows = call(&caller, &answer.region, ids).await?;
            for id in ids {
                match rows.remove(id) {
                    Some(rule) => answer.images.push(Image { id: Arc::clone(id), rule: rule? }),
                    None => answer.missing.push(Arc::clone(id)),
                }
            }
        }
        answer.images.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(answer)
    }

    /// Ends every read under way with [`Error::Cancelled`]; later reads work.
    pub fn stop(&self) {}

    /// The resolved connection, made at the first read that needs it.
    fn caller(&self) -> Result<Arc<Caller>, Error> {
        if let Some(caller) = self.caller.get() {
            return Ok(Arc::clone(caller));
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
        let slots = Semaphore::new(limits.max_concurrent_requests);
        let caller = Caller { endpoint, credentials, limits, transport, clock: Clock::default(), slots };
        Ok(Arc::clone(self.caller.get_or_init(|| Arc::new(caller))))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("sources", &self.sources).finish_non_exhaustive()
    }
}

/// What a call says about the images it returned.
type Rules = HashMap<Arc<str>, Result<Rule, Arc<CallError>>>;

/// One call for `ids`, or for every image when there are none.
async fn call(caller: &Caller, region: &Region, ids: &[Arc<str>]) -> Result<Rules, Error> {
    let request = Request {
        operation: image_constraints::OPERATION,
        service: image_constraints::SERVICE,
        region,
        path: image_constraints::path(region),
        query: image_constraints::query(ids),
        asked: if ids.is_empty() { Asked::default() } else { Asked::ids(ids) },
    };
    let open = |response: &RawResponse, token| {
        let (said, result) = envelope::open::<ResultBody<'_>>(response, token);
        (said, result.and_then(|result| image_constraints::rows(result, &mut Interner::default())))
    };
    let (rows, context) = caller.call(&request, open).await?;
    let located = |failure| Arc::new(CallError { failure, context: context.clone() });
    Ok(rows.into_iter().map(|(id, rule)| (id, rule.map_err(located))).collect())
}
