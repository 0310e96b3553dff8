//! How much one response can hold, which tells whether a response that lacks ids is complete.
//!
//! A gateway may consider only the first ids of a request, or return only so many rows, and say neither. A missing row
//! then does not mean that the image has no constraint. So a response is checked (`check`) when its request asked for
//! more ids, or it has as many rows, as no complete response so far. The first check has as many controls as fit, so
//! that larger responses need none. Where few ids are known to have a row, the listing of the region names more.

use std::sync::Arc;

use super::controls::FEW_CONTROLS;

/// What this region's responses have shown of how much one response can hold.
#[derive(Debug, Default)]
pub(super) struct Completeness {
    /// So many ids of one request were considered.
    ids: usize,
    /// So many rows came in one response.
    rows: usize,
    /// The gateway's silent limit, once it was found.
    limit: Option<usize>,
    /// Ids that were returned by name or listed with a constraint, as many as the largest request may have.
    pub(super) controls: Vec<Arc<str>>,
    /// A check that was larger than the response that it checked did not succeed.
    pub(super) larger_failed: bool,
}

impl Completeness {
    const MAX_CONTROLS: usize = 350;

    /// `id` has a row.
    pub(super) fn record_row(&mut self, id: &Arc<str>) {
        if self.controls.len() < Self::MAX_CONTROLS && !self.controls.contains(id) {
            self.controls.push(Arc::clone(id));
        }
    }

    /// `ids` are no controls any more.
    pub(super) fn forget(&mut self, ids: &[Arc<str>]) {
        self.controls.retain(|id| !ids.contains(id));
    }

    /// The silent limit, where a request for `asked` ids exceeded it.
    pub(super) fn exceeded(&self, asked: usize) -> Option<usize> {
        self.limit.filter(|limit| asked > *limit)
    }

    /// Whether fewer controls are known than a check of `missing` ids needs.
    pub(super) fn lacks_controls(&self, missing: usize) -> bool {
        self.controls.len() < missing.min(FEW_CONTROLS)
    }

    /// The controls of a check of a response with `returned` of `asked` ids; none where the response is known to be
    /// complete, or nothing is known to check it with.
    pub(super) fn check(&self, asked: usize, returned: usize) -> Option<Vec<Arc<str>>> {
        let is_complete = returned == asked || asked == 1 || asked <= self.ids && returned < self.rows;
        if self.controls.is_empty() || is_complete || self.exceeded(asked).is_some() {
            return None;
        }
        let count = (returned + 1).max(FEW_CONTROLS).max(asked / 2).min(asked - 1);
        Some(self.controls(count))
    }

    /// The controls of a check of `missing` ids that is as large as a request of `size` ids, which spares checks of larger
    /// responses; none where that is not more than `asked` ids, or such a check has failed.
    pub(super) fn larger_check(&self, asked: usize, missing: usize, size: usize) -> Option<Vec<Arc<str>>> {
        let controls = size.saturating_sub(missing).min(self.controls.len());
        (missing + controls > asked && !self.larger_failed).then(|| self.controls(controls))
    }

    /// So many controls, of both ends of their order, since a gateway may consider ids in that order.
    pub(super) fn controls(&self, count: usize) -> Vec<Arc<str>> {
        let mut known = self.controls.clone();
        known.sort_unstable();
        let count = count.min(known.len());
        known.rotate_left(count / 2);
        known.split_off(known.len() - count)
    }

    /// All of `ids` were considered, and `rows` of them returned.
    pub(super) fn record_complete(&mut self, ids: usize, rows: usize) {
        self.ids = self.ids.max(ids);
        self.rows = self.rows.max(rows);
    }

    /// A response with `returned` of `asked` ids is incomplete. Returns how many ids can be asked for at once, which are
    /// fewer.
    pub(super) fn record_incomplete(&mut self, asked: usize, returned: usize) -> usize {
        let limit = returned.max(self.ids.min(self.rows)).min(asked - 1).max(1);
        (self.ids, self.rows, self.limit) = (limit, limit + 1, Some(limit));
        limit
    }
}
