//! Ids that several reads look up at the same time, in one request.
//!
//! Terraform reads up to ten blocks of a `for_each` at once, so that their lookups begin together, too. Without this,
//! `on_missing = "verify"` would take a request for each block.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use hashbrown::HashMap;

use super::pages::Lister;
use super::{ListRequest, Listings, MAX_IDS, Row, RowsResult};
use crate::jdcloud::call::waiter::{Retries, SharedCall, UnderWay, Waiters};
use crate::jdcloud::settings::Region;

/// How long ids wait for those of other reads.
const GATHERING: Duration = Duration::from_millis(5);

/// The operation and the region.
type Key = (&'static str, Region);

/// The lookups whose ids are gathering.
#[derive(Default)]
pub(super) struct Lookups(Mutex<HashMap<Key, Lookup>>);

struct Lookup {
    ids: Ids,
    call: UnderWay<RowsResult>,
}

type Ids = Arc<Mutex<BTreeSet<Arc<str>>>>;

impl Lookups {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Lookup>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listings {
    /// The rows of `request`, for `waiters`.
    pub(super) async fn rows<R: Row>(
        self: &Arc<Self>,
        region: &Region,
        request: &ListRequest,
        waiters: &Waiters,
    ) -> RowsResult {
        let mut limits = Retries::new(waiters, self.caller.limits.max_retries);
        let mut is_rest = false;
        if let Some(own) = request.ids.as_ref().filter(|own| own.len() < MAX_IDS) {
            let (lookup, ids) = self.look_up::<R>(region, request, own, waiters);
            let outcome = lookup.await.map(|rows| {
                let rows: Arc<Vec<Arc<R>>> = rows.downcast().unwrap_or_default();
                rows.iter().filter(|row| own.contains(row.id())).cloned().collect::<Vec<_>>()
            });
            let is_shared = locked(&ids).len() > own.len();
            match outcome {
                // The ids of other reads may hide all of these.
                Ok(rows) if is_shared && rows.is_empty() => is_rest = true,
                Err(error)
                    if is_shared && (error.may_concern_one_id() || error.context.code == Some(200)) =>
                {
                    limits.has_retried_server_error = error.is_server_error();
                }
                outcome => {
                    let outcome = outcome.map_err(|error| (*error).clone());
                    let rows = self.lister(region, limits).settle(request.clone(), outcome, false).await?;
                    return Ok(Arc::new(rows));
                }
            }
        }
        Ok(Arc::new(self.lister(region, limits).list::<R>(request.clone(), is_rest).await?))
    }

    fn lister<'a>(&'a self, region: &'a Region, limits: Retries<'a>) -> Lister<'a> {
        Lister { caller: &self.caller, region, limits }
    }

    /// The lookup of `own` ids and those of other reads, and all its ids.
    fn look_up<R: Row>(
        self: &Arc<Self>,
        region: &Region,
        request: &ListRequest,
        own: &[Arc<str>],
        waiters: &Waiters,
    ) -> (SharedCall<RowsResult>, Ids) {
        let key = (R::OPERATION.name, region.clone());
        let mut gathering = self.lookups.lock();
        let joined = gathering.get(&key).and_then(|lookup| {
            Some((lookup.call.joined(&[])?, lookup.call.waiters.clone(), lookup.ids.clone()))
        });
        let (call, others, ids) = if let Some(joined) = joined {
            joined
        } else {
            let ids = Ids::default();
            let (call, under_way) = UnderWay::new(&[], |waiters| {
                let (key, ids) = (key.clone(), Arc::clone(&ids));
                Arc::clone(self).gather::<R>(key, request.clone(), ids, waiters)
            });
            let others = Arc::clone(&under_way.waiters);
            gathering.insert(key, Lookup { ids: Arc::clone(&ids), call: under_way });
            (call, others, ids)
        };
        waiters.also_await(&others);
        locked(&ids).extend(own.iter().cloned());
        (call, ids)
    }

    /// The rows of all ids that are in `ids` once the time for gathering is over.
    async fn gather<R: Row>(
        self: Arc<Self>,
        key: Key,
        request: ListRequest,
        ids: Ids,
        waiters: Arc<Waiters>,
    ) -> RowsResult {
        tokio::time::sleep(GATHERING).await;
        self.lookups.lock().remove(&key);
        let limits = Retries::new(&waiters, self.caller.limits.max_retries);
        let requests = request.with_ids(&locked(&ids));
        let lists = requests.iter().map(|request| self.lister(&key.1, limits).consistent::<R>(request));
        let rows: Vec<Arc<R>> = try_join_all(lists).await?.into_iter().flatten().collect();
        Ok(Arc::new(rows))
    }
}

fn locked(ids: &Ids) -> MutexGuard<'_, BTreeSet<Arc<str>>> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}
