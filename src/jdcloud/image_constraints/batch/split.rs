//! Smaller requests in the place of one that was refused.
//!
//! *A batched answer equals what each read would have got alone*: a refusal that concerns several reads is halved
//! until it concerns one. A refusal of one read is halved where the number of ids may be to blame, down to single ids.
//! Halves are sent one after the other, so that a limit that the first ones find spares the others, until an id is
//! refused alone.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join;
use tokio::time::sleep;

use super::Batcher;
use super::part::{Part, spare_time};
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::call::notice::Notice;

impl Batcher {
    /// Goes on after a request for `part`, which `had_controls` or not, ended in `error`.
    pub(super) async fn refused(self: &Arc<Self>, mut part: Part, error: CallError, had_controls: bool) {
        let may_be_number = matches!(error.context.code, Some(400 | 413 | 414));
        part.has_retried_server_error |= error.is_server_error();
        part.was_refused = true;
        let unsettled = self.lock().unsettled(&part);
        let has_left = unsettled.ids.len() < part.ids.len();
        if had_controls && error.may_concern_a_control() || has_left && error.may_concern_one_id() {
            // A control may be to blame, or an id of a read that has left.
            return self.fetch(unsettled).await;
        }
        if part.ids.len() < 2 || !(may_be_number || error.may_concern_one_id() && part.waiters().len() > 1) {
            return self.lock().fail(&part, error);
        }
        let (from, to) = (part.ids.len(), part.ids.len().div_ceil(2));
        let (first, second) = part.ids.split_at(to);
        let (first, second) = (self.fetch(part.of(first)).shared(), part.of(second));
        tokio::select! {
            () = first.clone() => {}
            () = part.id_is_to_blame.cancelled() => {}
            () = sleep(spare_time(&second.waiters())) => {}
        }
        let size = self.lock().size.known;
        join(first, self.fetch_in_chunks(&second, size)).await;
        let mut state = self.lock();
        // Both halves are answered: the number of ids was to blame.
        let is_answered = part.ids.iter().all(|id| state.answers.contains_key(id));
        if may_be_number && is_answered && state.size.learn(from, to) {
            tracing::warn!(region = %self.region, from, to, "requests were refused: sending smaller ones");
            self.caller.notices.add(Notice::SmallerBatches { from, to });
        }
    }
}
