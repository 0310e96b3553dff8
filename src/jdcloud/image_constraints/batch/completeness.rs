//! How much one response can hold, which tells whether a response that lacks ids is complete.
//!
//! A gateway may consider only the first ids of a request, or return only so many rows, and say neither. A missing row
//! then does not mean that the image has no constraint. So a response is checked (`check`) when its request asked for
//! more ids, or it has as many rows, as no complete response so far. The first check has as many controls as fit, so
//! that larger responses need none. Where few ids are known to have a row, the listing of the region names more.

use std::sync::Arc;

use super::controls::FEW_CONTROLS;

/// How much a request asked for, and how much its response has of it.
#[derive(Clone, Copy)]
pub(super) struct Coverage {
    /// The number of ids and controls.
    pub(super) asked: usize,
    /// The number of ids without the controls.
    pub(super) ids: usize,
    /// The number of rows.
    pub(super) returned: usize,
    /// A control has no row.
    pub(super) lacks_control: bool,
}

/// What this region's responses have shown of how much one response can hold.
#[derive(Debug, Default)]
pub(super) struct Completeness {
    /// The most ids of one request that were all considered.
    ids: usize,
    /// The most rows of one response.
    pub(super) rows: usize,
    /// Ids that were returned by name or listed with a constraint, as many as the largest request may have.
    pub(super) controls: Vec<Arc<str>>,
    /// Missing ids were asked for again beside controls, which came back.
    pub(super) is_checked: bool,
    /// A response was incomplete for no limit that could be measured. What others have shown says nothing then about one
    /// without controls.
    pub(super) is_doubtful: bool,
    /// The most ids of a request whose missing ids were believed.
    pub(super) believed: usize,
    /// `believed` when the last read with missing ids ended.
    pub(super) reported: usize,
    /// A check that was larger than the response that it checked did not succeed.
    pub(super) larger_failed: bool,
}

impl Completeness {
    const MAX_CONTROLS: usize = 350;

    /// `id` has a row. A gateway that ignores case has the same one for its other spellings.
    pub(super) fn record_row(&mut self, id: &Arc<str>) {
        // From the end, where most ids differ.
        let is_known = |other: &Arc<str>| {
            other.len() == id.len()
                && other.bytes().rev().zip(id.bytes().rev()).all(|(a, b)| a.eq_ignore_ascii_case(&b))
        };
        if self.controls.len() < Self::MAX_CONTROLS && !self.controls.iter().any(is_known) {
            self.controls.push(Arc::clone(id));
        }
    }

    /// `ids` are no controls any more.
    pub(super) fn forget(&mut self, ids: &[Arc<str>]) {
        self.controls.retain(|id| !ids.contains(id));
    }

    /// Forgets those of `controls` that were `lost` when nothing else was asked for. If all were, the server is to blame, unless
    /// it has returned no image by name so far.
    pub(super) fn forget_gone(&mut self, controls: &[Arc<str>], lost: &[Arc<str>]) {
        if lost.len() < controls.len() || self.rows == 0 {
            self.forget(lost);
        }
    }

    /// Whether a response is known to be complete.
    pub(super) fn is_complete(&self, response: Coverage) -> bool {
        let Coverage { asked, ids, returned, lacks_control } = response;
        let controls = asked - ids;
        // With fewer controls than ends, the request may be incomplete at the others.
        let to_consider = if controls < FEW_CONTROLS { asked } else { ids };
        let is_credible = self.is_checked && !lacks_control && (controls > 0 || !self.is_doubtful);
        ids == 1 || is_credible && to_consider <= self.ids && returned < self.rows
    }

    /// Up to `count` controls, of both ends of their order, since a gateway may consider ids in that order. None is one of
    /// `others`, in any case, as a gateway that ignores case would return it for that one.
    pub(super) fn controls(&self, count: usize, others: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut known = self.controls.clone();
        known.sort_unstable();
        let is_other = |id: &Arc<str>| others.iter().any(|other| other.eq_ignore_ascii_case(id));
        let mut known = known.into_iter().filter(|id| !is_other(id));
        let mut controls: Vec<_> = known.by_ref().rev().take(count.div_ceil(2)).collect();
        controls.extend(known.take(count / 2));
        controls
    }

    /// All of `ids` were considered, and `rows` of them returned.
    pub(super) fn record_complete(&mut self, ids: usize, rows: usize) {
        self.ids = self.ids.max(ids);
        self.rows = self.rows.max(rows);
    }

    /// No more than `limit` ids are considered in one request, or returned in one response.
    pub(super) fn record_limit(&mut self, limit: usize) {
        (self.ids, self.rows) = (limit, limit + 1);
    }
}
