//! Smaller requests in the place of one that was refused, or that had an invalid response.
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
    /// Goes on after a request for `part`, beside `controls`, ended in `error`.
    pub(super) async fn refused(self: &Arc<Self>, mut part: Part, error: CallError, controls: &[Arc<str>]) {
        let may_be_number = matches!(error.context.code, Some(400 | 413 | 414));
        part.has_retried_server_error |= error.is_server_error();
        if !matches!(error.context.code, Some(400..=499)) {
            self.lock().completeness.record_failure();
        }
        let may_be_control = !controls.is_empty() && error.may_concern_a_control();
        let count = part.ids.len();
        if may_be_control && part.checks > 0 {
            // They are to blame if they are refused alone, and otherwise perhaps the number of ids.
            let alone = self.left_out(&part, controls).await;
            if alone.is_err_and(|error| error.is_some_and(|error| error.may_concern_a_control())) {
                self.lock().completeness.forget(controls);
            }
            return self.ask_again(Part { most: count, ..part }).await;
        }
        (part.is_refused, part.refused_size) = (true, 0);
        let mut unsettled = self.lock().unsettled(&part);
        let has_left = unsettled.ids.len() < count;
        if may_be_control || has_left && error.may_concern_one_id() {
            // A control may be to blame, or an id of a read that has left.
            if may_be_number && !has_left {
                unsettled.refused_size = count + controls.len();
            }
            return self.fetch(unsettled).await;
        }
        if count < 2 || !(may_be_number || error.may_concern_one_id() && part.waiters().len() > 1) {
            return self.lock().fail(&unsettled, error);
        }
        let (from, to) = (count, count.div_ceil(2));
        let (first, second) = part.ids.split_at(to);
        let (first, second) = (self.fetch(part.of(first)).shared(), part.of(second));
        tokio::select! {
            () = first.clone() => {}
            () = part.id_is_to_blame.cancelled() => {}
            () = sleep(spare_time(&second.waiters())) => {}
        }
        let size = self.lock().size.known;
        join(first, self.fetch_in_chunks(&second, size, &[])).await;
        let mut state = self.lock();
        // If both halves are answered, the number of ids was to blame.
        let is_number = may_be_number && part.ids.iter().all(|id| state.answers.contains_key(id));
        if is_number && state.size.learn(from, to) {
            tracing::warn!(region = %self.region, from, to, "requests were refused: sending smaller ones");
            self.caller.notices.add(Notice::SmallerBatches { from, to });
        }
    }
}
