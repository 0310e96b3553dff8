//! The requests of a check, and where the controls stand in them.
//!
//! A gateway may consider only some ids of a request: the first or last ones by their numbers, by these as text, since a
//! query is sorted, or by the ids themselves. So controls stand at these ends of a request. If too many missing ids sort
//! beyond all controls, the missing ids are asked for without controls as well.

use std::sync::Arc;

use super::completeness::{Completeness, Coverage};

/// The fewest controls of which one can stand at each end of a request.
pub(super) const FEW_CONTROLS: usize = 3;

pub(super) struct Check {
    pub(super) controls: Vec<Arc<str>>,
    /// Missing ids beside the controls.
    pub(super) beside: Vec<Vec<Arc<str>>>,
    /// Missing ids without controls, where possible no more at once than are certainly considered.
    pub(super) alone: Vec<Vec<Arc<str>>>,
    /// How many ids are considered in one request if nothing is left out.
    pub(super) considered: usize,
}

/// The smallest request that leaves room for controls, and whose ids are asked for in two halves when its response is
/// incomplete.
pub(super) const ROOMY: usize = 20;

/// Requests for `ids` beside `controls`, so that controls stand at each end in one of them.
pub(super) fn requests_beside(ids: &[Arc<str>], controls: &[Arc<str>]) -> Vec<Vec<Arc<str>>> {
    let count = ids.len() + controls.len();
    // As text, `ids.9` is the last of up to 89 ids, and `ids.99` of more than 99.
    let last_as_text = match count {
        ..=9 | 90..=99 => count,
        10..=89 => 9,
        _ => 99,
    };
    let mut ends = vec![count - 1, 0, last_as_text - 1];
    if last_as_text == count {
        ends.pop();
    }
    let with_controls_at = |ends: &[usize]| {
        let mut ends = ends.to_vec();
        ends.sort_unstable();
        let (at_ends, others) = controls.split_at(ends.len());
        let mut request: Vec<_> = ids.iter().chain(others).cloned().collect();
        for (control, end) in at_ends.iter().zip(ends) {
            request.insert(end, Arc::clone(control));
        }
        request
    };
    ends.chunks(controls.len().max(1)).map(with_controls_at).collect()
}

impl Completeness {
    /// The controls of an ordinary request, none of them in `ids`. A response can have more rows than these, or will show it.
    pub(super) fn few(&self, ids: &[Arc<str>]) -> Vec<Arc<str>> {
        let most = match self.rows {
            0 => 0,
            rows if rows < self.controls.len() => FEW_CONTROLS,
            rows => FEW_CONTROLS.min(rows - 1),
        };
        self.controls(most, ids)
    }

    /// The controls for which an ordinary request for up to `size` ids leaves room, once a check has succeeded.
    pub(super) fn room(&self, size: usize) -> Vec<Arc<str>> {
        if size < ROOMY || !self.is_checked { vec![] } else { self.few(&[]) }
    }

    /// A check of a response that lacks `missing`, with up to `size` ids in a request; none where no control is known.
    pub(super) fn new_check(&self, missing: &[Arc<str>], response: Coverage, size: usize) -> Option<Check> {
        let Coverage { asked, returned, .. } = response;
        let count = (size - missing.len()).max(returned + 1).max(FEW_CONTROLS).max(asked / 2);
        // A malformed row makes its id known and does not settle it, so that it can be asked for again and be missing.
        let controls = self.controls(count.min(size - 1), missing);
        if controls.is_empty() {
            return None;
        }
        let rest = &missing[(missing.len() + controls.len()).saturating_sub(size)..];
        let count = rest.len() + controls.len();
        let beside = requests_beside(rest, &controls);
        if missing.len() <= beside.len() {
            let alone = missing.chunks(1).map(Vec::from).collect();
            return Some(Check { controls: vec![], beside: vec![], alone, considered: 1 });
        }
        let (smallest, greatest) = (controls.iter().min(), controls.iter().max());
        let before = rest.iter().filter(|id| Some(*id) < smallest).count();
        let beyond = rest.iter().filter(|id| Some(*id) > greatest).count();
        let certain = count - before.max(beyond);
        // Fewer rows may all sort at one end by chance, which must not cost many requests.
        let most = if returned < FEW_CONTROLS { 2 } else { asked };
        let is_provable = missing.len() <= most * certain;
        // A gateway that returns no more rows hides those of the missing ids behind those of the controls.
        let may_be_hidden = controls.len() == returned || certain < asked && is_provable;
        let alone = if may_be_hidden { missing } else { &[] };
        let alone = alone.chunks(if is_provable { certain } else { asked }).map(Vec::from).collect();
        Some(Check { controls, beside, alone, considered: certain.max(asked).min(count) })
    }
}
