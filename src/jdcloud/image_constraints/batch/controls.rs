//! Controls: ids that are known to have a row, at the ends of a request for other ids.
//!
//! A gateway may consider only some ids of a request: the first or last ones by their numbers, by these as text, since a
//! query is sorted, or by the ids themselves. If the row of a control at an end comes back, it considers ids up to there.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The number of ends of a request.
pub(super) const ENDS: usize = 3;

/// What a request asks for.
pub(super) struct RequestedIds {
    /// Ids and controls, in the order of their numbers.
    pub(super) ids: Arc<[Arc<str>]>,
    pub(super) controls: Vec<Arc<str>>,
    /// Whether a control stands at each end.
    pub(super) has_control: [bool; ENDS],
}

/// The ends of a request for `count` ids: the last one, the first one, and the last one of the query.
fn ends(count: usize) -> [usize; ENDS] {
    // As text, `ids.9` is the last of up to 89 ids, and `ids.99` of more than 99.
    let last_in_query = match count {
        ..=9 | 90..=99 => count,
        10..=89 => 9,
        _ => 99,
    };
    [count - 1, 0, last_in_query - 1]
}

impl RequestedIds {
    /// A request for `ids` beside `controls`, which stand at as many ends as they can, first at those that the smallest requests
    /// were `considered` up to.
    pub(super) fn new(ids: &[Arc<str>], controls: Vec<Arc<str>>, considered: [usize; ENDS]) -> Self {
        let ends = ends(ids.len() + controls.len());
        let mut priority: Vec<_> = considered.into_iter().zip(ends).collect();
        priority.sort_by_key(|(considered, _)| *considered);
        let mut places = BTreeSet::new();
        for (_, place) in priority {
            if places.len() < controls.len() {
                places.insert(place);
            }
        }
        let (at_ends, others) = controls.split_at(places.len());
        let mut all: Vec<_> = ids.iter().chain(others).cloned().collect();
        for (control, place) in at_ends.iter().zip(&places) {
            all.insert(*place, Arc::clone(control));
        }
        Self { ids: all.into(), has_control: ends.map(|place| places.contains(&place)), controls }
    }
}
