//! How much one response can hold, which tells whether a response that lacks ids is complete.
//!
//! A gateway may consider only the first ids of a request, or return only so many rows, and say neither. A missing row
//! then does not mean that the image has no constraint. So a missing id that was not asked for alone is believed only where a
//! request as large was considered up to each end, as the controls there have shown, and where another response has had more rows
//! than one that lacked the id. Ids that sort beyond all controls are not proven in their own order.

use std::sync::Arc;

use super::controls::{ENDS, RequestedIds};
use crate::jdcloud::image_constraints::api::Rows;

/// How much a request asked for, and how much its response has of it.
pub(super) struct Coverage {
    /// The number of ids and controls.
    pub(super) asked: usize,
    /// The number of controls.
    pub(super) controls: usize,
    /// The controls without a row.
    pub(super) lost: Vec<Arc<str>>,
}

/// What this region's responses have shown of how much one response can hold.
#[derive(Debug, Default)]
pub(super) struct Completeness {
    /// The most ids of a request that was considered up to each end, since the server last failed. Once a silent limit is known, that
    /// limit.
    pub(super) considered: [usize; ENDS],
    /// The most rows of one response. Once a silent limit is known, one more than it, since no request is larger.
    rows: usize,
    /// Ids that were returned by name or listed with a constraint, as many as the largest request may have.
    pub(super) controls: Vec<Arc<str>>,
    /// An id had a row, which may be a control no more.
    has_known: bool,
    /// The most ids of a request whose missing ids were believed.
    pub(super) believed: usize,
    /// `believed` when the last read with missing ids ended.
    pub(super) reported: usize,
}

/// The bytes of `id` in any case from its end, where most ids differ.
fn from_end(id: &str) -> impl Iterator<Item = u8> {
    id.bytes().rev().map(|byte| byte.to_ascii_lowercase())
}

impl Completeness {
    const MAX_CONTROLS: usize = 350;

    /// The smallest request that leaves room for controls.
    pub(super) const ROOMY: usize = 20;

    /// `id` has a row. It is no control beside its other spelling, since a gateway that ignores case has one row for both.
    pub(super) fn record_row(&mut self, id: &Arc<str>) {
        let is_known = || self.controls.iter().any(|known| from_end(known).eq(from_end(id)));
        self.has_known = true;
        if self.controls.len() < Self::MAX_CONTROLS && !is_known() {
            self.controls.push(Arc::clone(id));
        }
    }

    /// `ids` are no controls any more.
    pub(super) fn forget(&mut self, ids: &[Arc<str>]) {
        self.controls.retain(|id| !ids.contains(id));
    }

    /// The server failed: it may have begun to leave out ids.
    pub(super) fn record_failure(&mut self) {
        self.considered = [0; ENDS];
    }

    /// No image was ever known: there is nothing to check a response with.
    pub(super) fn knows_nothing(&self) -> bool {
        !self.has_known
    }

    /// Up to `count` controls, in turns of both ends of their order, since a gateway may consider ids in that order. None is one of
    /// `others`, in any case, as a gateway that ignores case would return it for that one.
    pub(super) fn controls(&self, count: usize, others: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut known = self.controls.clone();
        known.sort_unstable();
        let is_other = |id: &Arc<str>| others.iter().any(|other| other.eq_ignore_ascii_case(id));
        let mut known = known.into_iter().filter(|id| !is_other(id));
        (0..count).map_while(|n| if n % 2 == 0 { known.next_back() } else { known.next() }).collect()
    }

    /// The controls beside `ids`: one for each end, or more if a response with `fewest_rows` may have had no room for the rows of
    /// `ids`. Where no more images are known, fewer than the rows that a response is known to have room for.
    pub(super) fn few_controls(&self, ids: &[Arc<str>], fewest_rows: usize) -> Vec<Arc<str>> {
        let count = if (self.rows..self.controls.len()).contains(&fewest_rows) {
            ENDS.max(fewest_rows + 1)
        } else if self.controls.len() > ENDS.min(self.rows) || !self.considers(ids.len() + 1) {
            ENDS
        } else {
            self.rows.saturating_sub(1)
        };
        self.controls(count, ids)
    }

    /// The controls for which a request for up to `size` ids leaves room, once ids were missing.
    pub(super) fn reserved_controls(&self, size: usize) -> Vec<Arc<str>> {
        if size < Self::ROOMY || !self.considers(1) { vec![] } else { self.few_controls(&[], usize::MAX) }
    }

    /// Whether requests for `count` ids are considered up to each end.
    fn considers(&self, count: usize) -> bool {
        self.considered.iter().all(|considered| count <= *considered)
    }

    /// Whether a response is known to be complete. Its missing ids were missing from one with `fewest_rows` as well.
    pub(super) fn is_complete(&self, response: &Coverage, fewest_rows: usize) -> bool {
        let Coverage { asked, controls, ref lost, .. } = *response;
        // With a single row, a control would leave no room for others.
        let needs_no_control = asked < Self::ROOMY || self.rows < 2;
        let is_credible = controls > 0 || needs_no_control && !self.controls.is_empty();
        asked == 1 || is_credible && lost.is_empty() && self.considers(asked) && fewest_rows < self.rows
    }

    /// Records what a response shows by itself.
    pub(super) fn record_response(&mut self, request: &RequestedIds, rows: &Rows) -> Coverage {
        let asked = request.ids.len();
        let lost: Vec<_> = request.controls.iter().filter(|id| !rows.contains_key(*id)).cloned().collect();
        // One of several says nothing of the other end of their order.
        let is_proof = lost.is_empty() && (request.controls.len() > 1 || self.controls.len() < 2);
        for (considered, has_control) in self.considered.iter_mut().zip(request.has_control) {
            if has_control && is_proof {
                *considered = asked.max(*considered);
            }
        }
        self.rows = self.rows.max(rows.len());
        Coverage { asked, controls: request.controls.len(), lost }
    }

    /// No more than `limit` ids are considered in one request, or returned in one response.
    pub(super) fn record_limit(&mut self, limit: usize) {
        (self.considered, self.rows) = ([limit; ENDS], limit + 1);
    }
}
