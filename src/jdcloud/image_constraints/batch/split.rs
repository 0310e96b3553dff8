//! Smaller requests in the place of one that was refused.
//!
//! *A batched answer equals what each read would have got alone*: a refusal that concerns several reads is halved
//! until it concerns one. A refusal of one read is halved where the number of ids may be to blame, down to single ids.
//! Halves are sent one after the other, so that a limit that the first ones find spares the others, until an id is
//! refused alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::request::{InFlight, Outcome, Part, failed};
use super::waiter::Members;
use super::{Batcher, State};
use crate::jdcloud::call::error::{CallError, Failure};
use crate::jdcloud::call::waiter::Waiting as _;
use crate::jdcloud::image_constraints::answer::Notice;

/// The halves of a request that was refused, perhaps for the number of its ids.
pub(super) struct Halves {
    refused: usize,
    size: usize,
    one_is_answered: AtomicBool,
}

/// Whether one id of a request may be to blame for `error`: it was refused, or its row makes the whole response invalid.
pub(super) fn may_be_an_id(error: &CallError) -> bool {
    matches!(error.context.code, Some(400 | 404 | 413 | 414 | 500))
        || matches!(error.failure, Failure::MalformedRow { .. } | Failure::UnreadableRow { .. })
}

impl Batcher {
    /// Goes on after a request for `ids` ended in `error`.
    pub(super) fn refused(
        self: &Arc<Self>,
        members: &Members,
        ids: &[Arc<str>],
        part: Part,
        error: CallError,
    ) -> Outcome {
        let mut state = self.lock();
        let members = members.part(ids);
        let code = error.context.code;
        let may_be_number = matches!(code, Some(400 | 413 | 414));
        let has_retried_500 = part.has_retried_500 || code == Some(500);
        let wanted = members.wanted();
        if may_be_an_id(&error) && wanted.len() < ids.len() {
            // A read that has left may have brought the id that is to blame.
            let wanted = (&wanted[..], Part { has_retried_500, ..part });
            return Outcome::Continued(self.go_on(&mut state, &members, [wanted]).into());
        }
        if ids.len() < 2 || !(may_be_number || may_be_an_id(&error) && members.waiters().len() > 1) {
            return Outcome::Continued([failed(members, error, part)].into());
        }
        let size = ids.len().div_ceil(2);
        let (first, second) = ids.split_at(size);
        let halves =
            || Arc::new(Halves { refused: ids.len(), size, one_is_answered: AtomicBool::new(false) });
        let halves = may_be_number.then(halves);
        let before = part.all.child_token();
        let part = Part { has_retried_500, halves, ..part };
        let done = Some(Arc::new(before.clone().drop_guard()));
        let first = (first, Part { done, ..part.clone() });
        let second = (second, Part { after: Some(before), ..part });
        Outcome::Continued(self.go_on(&mut state, &members, [first, second]).into())
    }

    /// When both halves of a refused request are answered, the number of its ids was to blame.
    pub(super) fn record_answered_half(&self, state: &mut State, halves: &Halves) {
        if halves.one_is_answered.swap(true, Ordering::Relaxed) && state.size.learn(halves.size) {
            let Halves { refused: from, size: to, .. } = *halves;
            tracing::warn!(region = %self.region, from, to, "requests were refused: sending smaller ones");
            self.caller.notice(Notice::SmallerBatches { from, to });
        }
    }

    /// Goes on with requests for at most `size` of `ids` each, at the same time.
    pub(super) fn go_on_in_chunks(
        self: &Arc<Self>,
        state: &mut State,
        members: &Members,
        ids: &[Arc<str>],
        size: usize,
        part: &Part,
    ) -> Vec<InFlight> {
        self.go_on(state, members, ids.chunks(size).map(|ids| (ids, part.clone())))
    }

    /// Goes on with a request for each of `parts`.
    pub(super) fn go_on<'a>(
        self: &Arc<Self>,
        state: &mut State,
        members: &Members,
        parts: impl IntoIterator<Item = (&'a [Arc<str>], Part)>,
    ) -> Vec<InFlight> {
        parts.into_iter().map(|(ids, part)| self.start(state, members.part(ids), part)).collect()
    }

    /// A request for the ids of `members`, which is sent when a read polls it.
    pub(super) fn start(self: &Arc<Self>, state: &mut State, members: Members, part: Part) -> InFlight {
        if part.has_retried_500 {
            members.record_failure();
        }
        let members = Arc::new(members);
        self.track(state, Arc::clone(&members), Arc::clone(self).request(members, part))
    }
}
