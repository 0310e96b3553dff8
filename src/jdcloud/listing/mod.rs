//! Lists of a region: every row of the response to a request, however many pages it has.
//!
//! Reads with the same request share one listing, which runs while one of them waits and is dropped with the last;
//! reads of a few ids each share a lookup (`lookup`).
//! Its rows are remembered for a while; failures are not. Knows no operation: what a row is, and how it is
//! read, is a [`Row`].

mod lookup;
mod pages;
mod parse;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use hashbrown::{HashMap, HashSet};
use tokio::time::{Instant, timeout_at};

use crate::jdcloud::call::caller::{Caller, Operation};
use crate::jdcloud::call::error::{CallError, Error, Failure, RequestSummary, RowProblem};
use crate::jdcloud::call::notice::Notice;
use crate::jdcloud::call::waiter::{SharedCall, UnderWay, Waiter, Waiters};
use crate::jdcloud::client::Client;
use crate::jdcloud::settings::Region;
use crate::jdcloud::signing::query::{canonical_query, encoded_len};

use self::lookup::Lookups;
pub(crate) use parse::{FieldReader, FromFields};

/// One element of a list.
pub(crate) trait Row: FromFields + Debug + PartialEq + Send + Sync + 'static {
    const OPERATION: &'static Operation;
    /// The field that identifies it.
    const ID: &'static str;
    /// Whether the operation takes `pageNumber` and `pageSize`.
    const IS_PAGED: bool;
    /// Another field of the result that holds rows; one whose id is listed already is passed over.
    const MORE: Option<&'static str> = None;

    /// Empty if it has none.
    fn id(&self) -> &Arc<str>;

    /// Puts it into the one form that equal rows have.
    ///
    /// # Errors
    /// A row that has no single meaning.
    fn normalize(&mut self) -> Result<(), RowProblem> {
        Ok(())
    }

    /// Whether the response to a call with this parameter cannot have it.
    fn contradicts(&self, _parameter: &str, _value: &str) -> bool {
        false
    }
}

/// A request for a list, or for the rows of some ids, without paging.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListRequest {
    /// The parameters, without those of the ids and of paging.
    pub(crate) parameters: Vec<(String, String)>,
    /// The requested ids: no other row may be in the response.
    pub(crate) ids: Option<Arc<[Arc<str>]>>,
    /// The name of the parameter of an id, before its number.
    pub(crate) id_parameter: &'static str,
}

/// The rows that a read asked for.
#[derive(Debug, Clone)]
pub struct Listed<R> {
    /// The region that was asked.
    pub region: Region,
    /// The rows, in no particular order.
    pub rows: Vec<Arc<R>>,
    /// What was worked around, each said once in a connection's life.
    pub notices: Vec<Notice>,
}

/// The most ids in one call: as many rows as a page has.
const MAX_IDS: usize = pages::PAGE_SIZE;
/// The most bytes of a query that names ids; JD Cloud's gateway takes URLs of 8 KiB.
const MAX_QUERY: usize = 7 << 10;

impl ListRequest {
    /// Requests for `ids`, as few as possible; `fixed` are the other parameters.
    pub(crate) fn for_ids(
        ids: &BTreeSet<Arc<str>>,
        fixed: &[(&str, &str)],
        id_parameter: &'static str,
    ) -> Vec<Self> {
        let fixed = fixed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { parameters: fixed.collect(), ids: None, id_parameter }.with_ids(ids)
    }

    /// The same for `ids`.
    fn with_ids(&self, ids: &BTreeSet<Arc<str>>) -> Vec<Self> {
        let mut chunks: Vec<Vec<Arc<str>>> = Vec::new();
        let mut length = 0;
        for id in ids {
            let added = self.id_parameter.len() + "100=&".len() + encoded_len(id);
            if chunks.last().is_none_or(|chunk| chunk.len() == MAX_IDS || length + added > MAX_QUERY) {
                chunks.push(Vec::new());
                length = 0;
            }
            length += added;
            if let Some(chunk) = chunks.last_mut() {
                chunk.push(Arc::clone(id));
            }
        }
        chunks.into_iter().map(|chunk| Self { ids: Some(chunk.into()), ..self.clone() }).collect()
    }

    /// A request for those of its ids that have none of these `rows`, if it has any.
    fn rest<R: Row>(&self, rows: &[Arc<R>]) -> Option<Self> {
        let found: HashSet<&Arc<str>> = rows.iter().map(|row| row.id()).collect();
        let rest: Arc<[_]> = self.ids.as_ref()?.iter().filter(|id| !found.contains(id)).cloned().collect();
        (!rest.is_empty()).then(|| Self { ids: Some(rest), ..self.clone() })
    }

    /// The query that asks for this page, or the only one.
    fn query(&self, page: Option<u64>) -> String {
        let paging =
            page.map(|page| [("pageNumber", page.to_string()), ("pageSize", pages::PAGE_SIZE.to_string())]);
        let paging = paging.iter().flatten().map(|(name, value)| (*name, value.as_str()));
        let ids = (1..).zip(self.ids.iter().flat_map(|ids| ids.iter()));
        let ids: Vec<(String, &str)> =
            ids.map(|(number, id): (usize, _)| (format!("{}{number}", self.id_parameter), &**id)).collect();
        let ids = ids.iter().map(|(name, id)| (name.as_str(), *id));
        let parameters = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        canonical_query(parameters.chain(ids).chain(paging))
    }

    fn summary(&self, query: &str) -> RequestSummary {
        match &self.ids {
            Some(ids) => RequestSummary::ids(ids),
            None if query.is_empty() => RequestSummary::default(),
            None => RequestSummary { query: Some(query.into()), ..RequestSummary::default() },
        }
    }
}

/// The rows of a listing, whose type its key tells.
type Rows = Arc<dyn Any + Send + Sync>;
type RowsResult = Result<Rows, Arc<CallError>>;
/// The operation, the region, and the query without paging.
type Key = (&'static str, Region, String);

/// The listings of a connection.
pub(crate) struct Listings {
    caller: Arc<Caller>,
    entries: Mutex<HashMap<Key, Entry>>,
    lookups: Lookups,
}

enum Entry {
    UnderWay(UnderWay<RowsResult>),
    Found(Rows, Instant),
}

/// How long a list is remembered: for the blocks of a plan, and not for one that `depends_on` defers to a later moment of an
/// apply.
const REMEMBERED: Duration = Duration::from_secs(30);

impl Client {
    /// The rows of `requests` in `region`, or in the configured one, within `read_timeout` from `started` on.
    ///
    /// No request gives an empty list without any call. Dropping the future withdraws from the calls under way.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn list<R: Row>(
        &self,
        region: Option<&str>,
        requests: Vec<ListRequest>,
        started: Instant,
    ) -> Result<Listed<R>, Error> {
        self.unless_stopped(async {
            if requests.is_empty() {
                let region = self.region(region).await?;
                return Ok(Listed { region, rows: Vec::new(), notices: Vec::new() });
            }
            let (region, connection) = self.region_and_connection(region, started).await?;
            let reads =
                requests.into_iter().map(|request| connection.listings.read(&region, request, started));
            let lists = try_join_all(reads).await?;
            let rows = lists.iter().flat_map(|rows: &Arc<Vec<Arc<R>>>| rows.iter().cloned()).collect();
            Ok(Listed { region, rows, notices: connection.caller.notices.take() })
        })
        .await
    }
}

impl Listings {
    pub(crate) fn new(caller: Arc<Caller>) -> Self {
        Self { caller, entries: Mutex::default(), lookups: Lookups::default() }
    }

    async fn read<R: Row>(
        self: &Arc<Self>,
        region: &Region,
        request: ListRequest,
        started: Instant,
    ) -> Result<Arc<Vec<Arc<R>>>, Arc<CallError>> {
        let waiter = Waiter::new(started + self.caller.limits.read_timeout, BTreeSet::new());
        let query = request.query(None);
        let summary = request.summary(&query);
        let key = (R::OPERATION.name, region.clone(), query);
        let listing = {
            let mut entries = self.lock();
            match entries.get(&key).and_then(|entry| entry.joined(&waiter)) {
                Some(listing) => listing,
                None => {
                    let (listing, under_way) = UnderWay::new(std::slice::from_ref(&waiter), |waiters| {
                        Arc::clone(self).listed::<R>(key.clone(), request, waiters)
                    });
                    entries.insert(key, Entry::UnderWay(under_way));
                    listing
                }
            }
        };
        let listed = timeout_at(waiter.deadline, listing).await;
        let out_of_time = |_| self.caller.out_of_time(R::OPERATION, region, summary.clone(), &waiter);
        let rows = listed.map_err(out_of_time)??;
        rows.downcast().map_err(|_| {
            // The key's operation decides the type.
            Arc::new(CallError {
                failure: Failure::Lost,
                context: self.caller.context(R::OPERATION, region, summary),
            })
        })
    }

    /// The rows of `request`, which are remembered.
    async fn listed<R: Row>(
        self: Arc<Self>,
        key: Key,
        request: ListRequest,
        waiters: Arc<Waiters>,
    ) -> RowsResult {
        let rows = self.rows::<R>(&key.1, &request, &waiters).await?;
        self.lock().insert(key, Entry::Found(Arc::clone(&rows), Instant::now()));
        Ok(rows)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The listing for one more read, unless it has failed, is too old, or no read waits for it any more.
    fn joined(&self, waiter: &Arc<Waiter>) -> Option<SharedCall<RowsResult>> {
        match self {
            Self::Found(_, at) if at.elapsed() > REMEMBERED => None,
            Self::Found(rows, _) => Some(std::future::ready(Ok(Arc::clone(rows))).boxed().shared()),
            Self::UnderWay(listing) => listing.joined(std::slice::from_ref(waiter)),
        }
    }
}
