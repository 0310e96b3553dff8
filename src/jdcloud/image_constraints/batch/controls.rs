//! The requests of a check, and where the controls stand in them.
//!
//! A gateway may consider only so many ids of a request: the first or last ones by their numbers, by these as text, since a
//! query is sorted, or by the ids themselves. So controls stand at both ends of a request in the order of the numbers, and
//! ids that sort beyond all controls are asked for without controls as well.

use std::sync::Arc;

/// So many controls stand at every end of a request.
pub(super) const FEW_CONTROLS: usize = 3;

pub(super) struct Check {
    pub(super) controls: Vec<Arc<str>>,
    /// Missing ids beside the controls.
    pub(super) beside: Vec<Vec<Arc<str>>>,
    /// Missing ids without controls, no more at once than are considered for certain.
    pub(super) alone: Vec<Vec<Arc<str>>>,
    /// So many ids are considered in one request if nothing is left out.
    pub(super) considered: usize,
}

impl Check {
    /// A check of a response with `returned` of `asked` ids, with up to `size` ids in a request.
    pub(super) fn new(
        missing: &[Arc<str>],
        controls: Vec<Arc<str>>,
        asked: usize,
        returned: usize,
        size: usize,
    ) -> Self {
        let (left_out, rest) = missing.split_at((missing.len() + controls.len()).saturating_sub(size));
        let ids: Vec<Arc<str>> = rest.iter().chain(&controls).cloned().collect();
        // As text, `ids.9` is the last of up to 89 ids, and `ids.99` of more than 99.
        let last_as_text = match ids.len() {
            count @ (..=9 | 90..=99) => count,
            10..=89 => 9,
            _ => 99,
        };
        let mut ends = vec![0, last_as_text - 1, ids.len() - 1];
        ends.dedup();
        let beside = ends.chunks(controls.len()).map(|ends| {
            let mut ids = ids.clone();
            for (control, end) in (rest.len()..).zip(ends) {
                ids.swap(control, *end);
            }
            ids
        });
        let beside: Vec<_> = beside.collect();
        if missing.len() <= beside.len() {
            let alone = missing.chunks(1).map(Vec::from).collect();
            return Self { controls, beside: vec![], alone, considered: 1 };
        }
        let (smallest, greatest) = (controls.iter().min(), controls.iter().max());
        let (before, beyond) = (|id: &&_| Some(*id) < smallest, |id: &&_| Some(*id) > greatest);
        let certain = ids.len() - rest.iter().filter(before).count().max(rest.iter().filter(beyond).count());
        let uncertain: Vec<Arc<str>> =
            rest.iter().filter(|id| before(id) || beyond(id)).chain(left_out).cloned().collect();
        // Three rows that all sort at one end are no chance.
        let most = if returned < FEW_CONTROLS { 2 } else { asked };
        let alone = if controls.len() == returned {
            // A gateway that returns no more rows hides those of the missing ids behind those of the controls.
            missing.chunks(if missing.len() > most * certain { missing.len() } else { certain })
        } else if certain < asked && uncertain.len() <= most * certain {
            uncertain.chunks(certain)
        } else {
            [].chunks(1)
        };
        let alone = alone.map(Vec::from).collect();
        Self { controls, beside, alone, considered: certain.max(asked).min(ids.len()) }
    }
}
