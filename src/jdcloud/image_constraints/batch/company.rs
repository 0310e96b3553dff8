//! How long ids wait for others to share their call.
//!
//! Terraform starts as many reads at once as its parallelism allows, and the next when one is answered. So reads that
//! were answered together are followed by as many, once a busy Terraform has worked on the answers. Who sends too
//! early splits such a round in two, and rounds that once went apart never meet again.

use std::time::Duration;

use tokio::time::Instant;

/// How long ids wait if nobody is expected, from the last that came.
pub(super) const COMPANY: Duration = Duration::from_millis(5);

/// How long they wait at least for the next that is expected.
const FOLLOWERS: Duration = Duration::from_millis(50);

/// So many reads together are the beginning of a crowd, of which a Terraform that has just begun starts some later.
const CROWD: usize = 4;

/// How long a beginning crowd waits for the next.
const GATHERING: Duration = Duration::from_millis(25);

/// How long they wait at most, however slowly others keep coming.
const LONGEST: Duration = Duration::from_millis(500);

/// So many small calls say nothing yet about what will follow: two data blocks alone cause no read-ahead, and do not
/// wait for each other's followers.
const FEW: usize = 2;

/// What a region's small calls, those that could have asked for more ids, say about who is still to come.
pub(super) struct Company {
    small_calls: usize,
    /// How many reads have come since one was sent.
    reads: usize,
    /// How many ids they ask for that are not answered.
    asked: usize,
    /// How many ids they have answered whose followers have not come.
    expected: usize,
    /// When somebody came or was answered.
    changed: Instant,
}

impl Company {
    pub(super) fn new() -> Self {
        Self { small_calls: 0, reads: 0, asked: 0, expected: 0, changed: Instant::now() }
    }

    /// A read came with `ids` ids that wait for company.
    pub(super) fn came(&mut self, ids: usize) {
        self.reads += 1;
        self.expected = self.expected.saturating_sub(ids);
        self.changed = Instant::now();
    }

    /// A small call was sent. Whoever has not come by now is not expected any more.
    pub(super) fn sent(&mut self, ids: usize) {
        self.small_calls += 1;
        self.reads = 0;
        self.asked += ids;
        self.expected = 0;
    }

    /// A small call has ended.
    pub(super) fn ended(&mut self, ids: usize) {
        self.asked -= ids;
        self.expected += ids;
        self.changed = Instant::now();
    }

    /// Whether there were enough small calls to expect many more.
    pub(super) fn are_many(&self) -> bool {
        self.small_calls > FEW
    }

    /// How long ids that gather since `since` go on waiting if nothing changes; `None` if not.
    pub(super) fn wait(&self, since: Instant) -> Option<Duration> {
        let company = match u32::try_from(self.expected).unwrap_or(u32::MAX) {
            0 if self.asked > 0 && self.are_many() => FOLLOWERS,
            0 if self.reads >= CROWD && !self.are_many() => GATHERING,
            0 => COMPANY,
            more => FOLLOWERS.max(COMPANY.saturating_mul(more)),
        };
        let until = (self.changed + company.min(LONGEST)).min(since + LONGEST);
        Some(until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }
}
