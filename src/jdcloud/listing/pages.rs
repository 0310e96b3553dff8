//! The pages of a list: which there are, and whether they make up the whole.
//!
//! The first page says how many rows there are (`totalCount`); the others are read at once. A list can change while it is
//! read: a row that is added or removed moves others to another page. So a list whose pages disagree (another `totalCount`,
//! fewer rows than it says, two different rows with one id) is read once more from its first page. Then two different rows
//! with one id, or fewer rows than any page says, are an error: a part is never taken for the whole. Equal rows on two
//! pages are one row.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::parse::{Page, parse};
use super::{ListRequest, Row};
use crate::jdcloud::call::caller::{Caller, Request};
use crate::jdcloud::call::error::{CallError, Context, Failure, RowProblem};
use crate::jdcloud::call::waiter::Retries;
use crate::jdcloud::http::transport::RawResponse;
use crate::jdcloud::settings::Region;
use crate::jdcloud::untrusted::Redactor;

/// The most rows a page can have.
pub(super) const PAGE_SIZE: usize = 100;
/// The most rows of a list; no region has so many images. A larger `totalCount` would cause requests without end.
const MAX_ROWS: u64 = 100_000;

/// What every request for a list needs.
#[derive(Clone, Copy)]
pub(super) struct Lister<'a> {
    pub(super) caller: &'a Caller,
    pub(super) region: &'a Region,
    pub(super) limits: Retries<'a>,
}

impl<'a> Lister<'a> {
    /// Every row of the response to `request`. `is_rest` tells that its ids were missing among others.
    pub(super) async fn list<R: Row>(
        self,
        request: ListRequest,
        is_rest: bool,
    ) -> Result<Vec<Arc<R>>, CallError> {
        let outcome = self.consistent(&request).await;
        self.settle(request, outcome, is_rest).await
    }

    /// Goes on after this `outcome` of `request`.
    ///
    /// Missing ids are requested again, without the others, as long as that returns rows: the API may consider only some
    /// of them, without an error. A request for ids that is refused is halved: their number may be to blame, or one that
    /// does not exist.
    pub(super) fn settle<R: Row>(
        self,
        request: ListRequest,
        outcome: Result<Vec<Arc<R>>, CallError>,
        is_rest: bool,
    ) -> BoxFuture<'a, Result<Vec<Arc<R>>, CallError>> {
        let settle = async move {
            let error = match outcome {
                Ok(mut rows) => {
                    let mut before = 0;
                    while rows.len() > before
                        && let Some(rest) = request.rest(&rows)
                    {
                        before = rows.len();
                        rows.extend(match self.consistent(&rest).await {
                            Err(error) => self.settle(rest, Err(error), true).await?,
                            Ok(found) => found,
                        });
                    }
                    return Ok(rows);
                }
                Err(error) => error,
            };
            match request.ids.as_deref().unwrap_or_default() {
                // Alone, 404 may mean the region as well, or a wrong address.
                [id] if error.is_not_found() && (is_rest || error.context.names(id)) => Ok(Vec::new()),
                ids @ [_, _, ..] if matches!(error.context.code, Some(400 | 404 | 413 | 414)) => {
                    let mut rows = Vec::new();
                    for half in ids.chunks(ids.len().div_ceil(2)) {
                        let half = ListRequest { ids: Some(half.into()), ..request.clone() };
                        rows.extend(self.list(half, is_rest).await?);
                    }
                    Ok(rows)
                }
                _ => Err(error),
            }
        };
        settle.boxed()
    }

    /// Every row, as far as the pages tell.
    pub(super) async fn consistent<R: Row>(self, request: &ListRequest) -> Result<Vec<Arc<R>>, CallError> {
        let pages = Pages { lister: self, request };
        let mut list = pages.read::<R>().await?;
        if !list.is_consistent() {
            tracing::warn!(
                operation = R::OPERATION.name,
                region = self.region.as_str(),
                "the pages of a list disagree; reading it once more"
            );
            list = pages.read().await?;
        }
        list.into_rows(self.caller)
    }
}

struct Pages<'a> {
    lister: Lister<'a>,
    request: &'a ListRequest,
}

impl Pages<'_> {
    /// Reads the list once.
    async fn read<R: Row>(&self) -> Result<List<R>, CallError> {
        if !R::IS_PAGED {
            return Ok(List::new(self.page(None).await?));
        }
        let first: Received<R> = self.page(Some(1)).await?;
        // A gateway that has smaller pages than were asked for counts its own.
        let (size, total) = (first.0.rows.len().min(PAGE_SIZE) as u64, first.0.total);
        let mut list = List::new(first);
        if self.has_all(&list) {
            list.totals = None;
            return Ok(list);
        }
        list.check_size(total.unwrap_or_default())?;
        match total {
            Some(total) if total > size && size > 0 => {
                let others = stream::iter(2..=total.div_ceil(size)).map(|page| self.page(Some(page)));
                // More would only wait for each other.
                let mut others = others.buffer_unordered(self.lister.caller.limits.max_concurrent_requests);
                while let Some(page) = others.try_next().await? {
                    list.add(page.0);
                    list.check_size(list.rows.len() as u64)?;
                    if !list.has_grown {
                        // The other pages can't have as many rows as are missing now.
                        break;
                    }
                }
            }
            _ => {}
        }
        // The total is absent or too small, or counts the rows of its page: until a page has nothing new.
        let mut page = total.map_or(1, |total| total.div_ceil(size.max(1)).max(1));
        while list.has_grown
            && !self.has_all(&list)
            && total.is_none_or(|total| {
                list.rows.len() as u64 > total || total == size && size == PAGE_SIZE as u64
            })
        {
            page += 1;
            match self.page(Some(page)).await {
                Ok(next) => list.add(next.0),
                // What JD Cloud says to a page beyond the last one is not documented. There are as many rows as the total.
                Err(error)
                    if matches!(error.context.code, Some(400 | 404))
                        && total == Some(list.rows.len() as u64) =>
                {
                    break;
                }
                Err(error) => return Err(error),
            }
            list.check_size(list.rows.len() as u64)?;
        }
        Ok(list)
    }

    /// Whether every id that was asked for has a row.
    fn has_all<R: Row>(&self, list: &List<R>) -> bool {
        self.request.ids.as_ref().is_some_and(|ids| ids.len() == list.rows.len())
    }

    async fn page<R: Row>(&self, page: Option<u64>) -> Result<Received<R>, CallError> {
        let query = self.request.query(page);
        let summary = self.request.summary(&query);
        let call =
            Request { operation: R::OPERATION, region: self.lister.region, query, summary: summary.clone() };
        let request = self.request.clone();
        let open = move |response: &RawResponse, redactor: &Redactor| {
            parse::<R>(response, redactor, &request, &summary)
        };
        let mut received = self.lister.caller.call(&call, &self.lister.limits, open).await?;
        if let Some(ids) = &self.request.ids {
            // A total of more rows than ids were asked for is that of another list.
            received.0.total = received.0.total.filter(|total| *total <= ids.len() as u64);
        }
        Ok(received)
    }
}

type Received<R> = (Page<R>, Context);

/// The pages of a list, put together.
struct List<R> {
    rows: HashMap<Arc<str>, Arc<R>>,
    /// How many rows came, equal ones counted each.
    received: usize,
    /// The smallest and the greatest `totalCount`.
    totals: Option<(u64, u64)>,
    /// The place of a row that contradicts another, and its id.
    contradiction: Option<(usize, Arc<str>)>,
    /// Whether the last page had a new row.
    has_grown: bool,
    /// Of the first page.
    context: Context,
}

impl<R: Row> List<R> {
    fn new((first, context): Received<R>) -> Self {
        let mut list = Self {
            rows: HashMap::new(),
            received: 0,
            totals: None,
            contradiction: None,
            has_grown: false,
            context,
        };
        list.add(first);
        list
    }

    fn add(&mut self, page: Page<R>) {
        let before = self.rows.len();
        for (number, row) in (self.received + 1..).zip(page.rows) {
            match self.rows.entry(Arc::clone(row.id())) {
                Entry::Vacant(place) => {
                    place.insert(Arc::new(row));
                }
                Entry::Occupied(place) => {
                    if **place.get() != row {
                        self.contradiction.get_or_insert((number, Arc::clone(place.key())));
                    }
                }
            }
        }
        self.received += page.received;
        if let Some(total) = page.total {
            let (least, most) = self.totals.unwrap_or((total, total));
            self.totals = Some((least.min(total), most.max(total)));
        }
        self.has_grown = self.rows.len() > before;
    }

    /// # Errors
    /// More `rows` than a list can have.
    #[allow(clippy::result_large_err)] // as the requests that it belongs to
    fn check_size(&self, rows: u64) -> Result<(), CallError> {
        if rows <= MAX_ROWS {
            return Ok(());
        }
        let failure = Failure::Unexpected { reason: "more rows than a region can have".into() };
        Err(CallError { failure, context: self.context.clone() })
    }

    fn is_complete(&self) -> bool {
        // Without pages no row was missed because others moved, and what counts is what came.
        let rows = if R::IS_PAGED { self.rows.len() } else { self.received };
        self.totals.is_none_or(|(_, most)| rows as u64 >= most)
    }

    /// Whether nothing suggests that the list changed while it was read.
    fn is_consistent(&self) -> bool {
        self.is_complete()
            && self.contradiction.is_none()
            && self.totals.is_none_or(|(least, most)| least == most)
    }

    #[allow(clippy::result_large_err)] // as the requests that it belongs to
    fn into_rows(self, caller: &Caller) -> Result<Vec<Arc<R>>, CallError> {
        let failure = match (&self.contradiction, self.totals) {
            (Some((row, id)), _) => Failure::MalformedRow {
                row: *row,
                id: Some(caller.untrusted(id)),
                problem: RowProblem::Contradiction,
            },
            (None, Some((_, total))) if !self.is_complete() => {
                Failure::IncompleteList { rows: self.rows.len(), total }
            }
            (None, _) => return Ok(self.rows.into_values().collect()),
        };
        Err(CallError { failure, context: self.context })
    }
}
