//! Records of calls, and counters of calls and connections.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// One call, from its arrival on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Counts all calls of this emulator, from 1.
    pub number: u64,
    /// Counts all connections, from 1: calls with the same number shared one.
    pub connection: u64,
    /// Milliseconds since 1970, by the machine's clock.
    pub received_ms: u64,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub http_version: String,
    /// `GET`.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// `None` when the path is not one of the API.
    pub region: Option<String>,
    /// As in `describeImages`; `None` when the path is not one of the API.
    pub operation: Option<String>,
    /// In the order of their numbers; empty for a call without ids or with malformed ones.
    pub ids: Vec<String>,
    /// `None` as long as there is no answer: the call waits, was reset, or its client went away.
    pub status: Option<u16>,
    /// `error.status` of the answer, as in `ACCESS_ERROR`.
    pub error: Option<String>,
    /// Whether the call has ended, answered or not.
    pub over: bool,
    /// The `User-Agent`.
    pub user_agent: Option<String>,
    /// All headers, by lower-case name. The value of `x-jdcloud-security-token` is left out.
    pub headers: BTreeMap<String, String>,
}

/// Counts of calls to paths of the API, and of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls that arrived.
    pub calls: u64,
    /// Of those, how many ended with an error or without an answer.
    pub failed: u64,
    /// Calls that named ids.
    pub with_ids: u64,
    /// Calls that named none.
    pub without_ids: u64,
    /// Calls by region.
    pub per_region: BTreeMap<String, u64>,
    /// Calls by operation.
    pub per_operation: BTreeMap<String, u64>,
    /// The number of calls by the number of ids they named.
    pub ids_per_call: BTreeMap<usize, u64>,
    /// Bytes of the bodies of all answers, before they were compressed.
    pub body_bytes: u64,
    /// Calls that are not over; one whose body is still being sent is not.
    pub in_flight: u64,
    /// The most calls that were in flight at once.
    pub peak_in_flight: u64,
    /// TCP connections accepted.
    pub connections_accepted: u64,
    /// Of those, how many are open.
    pub connections_open: u64,
}

/// Records and counters, shared by all connections.
#[derive(Default)]
pub(crate) struct Journal {
    records: Mutex<Records>,
    changed: Condvar,
    verbose: bool,
}

#[derive(Default)]
struct Records {
    calls: Vec<Call>,
    /// How many calls the resets so far have forgotten.
    forgotten: u64,
    counters: Counters,
}

impl Records {
    fn call(&mut self, number: u64) -> Option<&mut Call> {
        let at = number.checked_sub(self.forgotten + 1)?;
        self.calls.get_mut(usize::try_from(at).ok()?)
    }
}

impl Journal {
    pub(crate) fn new(verbose: bool) -> Arc<Self> {
        Arc::new(Self { verbose, ..Self::default() })
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.records().calls.clone()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.records().counters.clone()
    }

    /// Forgets all calls; what is open or in flight stays counted.
    pub(crate) fn reset(&self) {
        let mut records = self.records();
        records.forgotten += records.calls.len() as u64;
        records.calls.clear();
        let Counters { in_flight, connections_open, .. } = records.counters;
        records.counters =
            Counters { in_flight, connections_open, peak_in_flight: in_flight, ..Counters::default() };
    }

    /// Waits until `condition` holds, at most for `timeout`; says whether it does.
    pub(crate) fn wait_for(&self, timeout: Duration, condition: impl Fn(&Counters) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut records = self.records();
        while !condition(&records.counters) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(records, left);
            records = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Records an accepted connection, which is open until the result is dropped.
    pub(crate) fn connected(self: &Arc<Self>) -> OpenConnection {
        let mut records = self.records();
        records.counters.connections_accepted += 1;
        records.counters.connections_open += 1;
        self.changed.notify_all();
        OpenConnection(Arc::clone(self))
    }

    /// Records a call and numbers it. It is in flight until the result is dropped.
    pub(crate) fn arrived(self: &Arc<Self>, mut call: Call) -> InFlight {
        let mut records = self.records();
        call.number = records.forgotten + records.calls.len() as u64 + 1;
        let number = call.number;
        let counters = &mut records.counters;
        if let Some(region) = &call.region {
            counters.calls += 1;
            *counters.per_region.entry(region.clone()).or_default() += 1;
            if let Some(operation) = &call.operation {
                *counters.per_operation.entry(operation.clone()).or_default() += 1;
            }
            *(if call.ids.is_empty() { &mut counters.without_ids } else { &mut counters.with_ids }) += 1;
            *counters.ids_per_call.entry(call.ids.len()).or_default() += 1;
        }
        counters.in_flight += 1;
        counters.peak_in_flight = counters.peak_in_flight.max(counters.in_flight);
        records.calls.push(call);
        self.changed.notify_all();
        InFlight { journal: Arc::clone(self), number }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is open until this is dropped.
pub(crate) struct OpenConnection(Arc<Journal>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.records().counters.connections_open -= 1;
        self.0.changed.notify_all();
    }
}

/// A call that is in flight until this is dropped.
pub(crate) struct InFlight {
    journal: Arc<Journal>,
    number: u64,
}

impl InFlight {
    /// Notes how the call is being answered, and with how many bytes.
    pub(crate) fn answered(&self, status: u16, error: Option<String>, bytes: usize) {
        let mut records = self.journal.records();
        records.counters.body_bytes += bytes as u64;
        if let Some(call) = records.call(self.number) {
            call.status = Some(status);
            call.error = error;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut records = self.journal.records();
        records.counters.in_flight -= 1;
        let Some(call) = records.call(self.number) else { return };
        call.over = true;
        let failed = call.error.is_some() || call.status.is_none_or(|status| status >= 300);
        let counted = failed && call.region.is_some();
        let line = self.journal.verbose.then(|| line(call));
        records.counters.failed += u64::from(counted);
        self.journal.changed.notify_all();
        drop(records);
        if let Some(line) = line {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

fn line(call: &Call) -> String {
    let status = call.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let error = call.error.as_deref().unwrap_or_default();
    // Keeps the line short for calls with hundreds of ids.
    let target: String = call.target.chars().take(200).collect();
    format!("#{} {} {target} ({} ids) -> {status} {error}", call.number, call.method, call.ids.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Call, Journal};

    fn call(region: &str, ids: &[&str]) -> Call {
        Call {
            region: Some(region.to_owned()),
            ids: ids.iter().map(|&id| id.to_owned()).collect(),
            ..Call::default()
        }
    }

    #[test]
    fn calls_are_counted_by_region_ids_and_outcome() {
        let journal = Journal::new(false);
        let good = journal.arrived(call("cn-north-1", &["a", "b"]));
        let bad = journal.arrived(call("cn-east-2", &[]));
        good.answered(200, None, 7);
        bad.answered(500, Some("INTERNAL".to_owned()), 5);
        drop((good, bad));
        drop(journal.arrived(call("cn-east-2", &["a"])));

        let counters = journal.counters();
        assert_eq!((counters.calls, counters.failed), (3, 2));
        assert_eq!((counters.with_ids, counters.without_ids), (2, 1));
        assert_eq!((counters.in_flight, counters.peak_in_flight), (0, 2));
        assert_eq!(counters.per_region["cn-east-2"], 2);
        assert_eq!(counters.ids_per_call[&2], 1);
        assert_eq!(counters.body_bytes, 12);
    }

    #[test]
    fn a_call_that_ends_after_a_reset_changes_no_later_record() {
        let journal = Journal::new(false);
        let early = journal.arrived(call("cn-north-1", &[]));
        journal.reset();
        let late = journal.arrived(call("cn-east-2", &[]));
        early.answered(500, None, 0);
        drop(early);
        assert_eq!(journal.calls()[0].number, 2);
        assert_eq!(journal.calls()[0].status, None);
        drop(late);
        assert_eq!(journal.counters().in_flight, 0);
    }

    #[test]
    fn a_wait_ends_with_the_condition_or_the_deadline() {
        let journal = Journal::new(false);
        assert!(!journal.wait_for(Duration::ZERO, |counters| counters.calls == 1));
        let other = std::sync::Arc::clone(&journal);
        let arrival = std::thread::spawn(move || drop(other.arrived(call("cn-north-1", &[]))));
        assert!(journal.wait_for(Duration::from_secs(10), |counters| counters.calls == 1));
        arrival.join().unwrap();
    }
}
