//! What happens when a call is refused: whether for one of its ids or for their number, halving it finds out.
//!
//! A call for more than one id that ends in 400, 404, 413, 414 or a final 500 is halved. For 404 and 500 that
//! stops where a part serves a single reader, who would have got the same alone. If the parts fail alike, the
//! ids are not to blame, and the error is reported. If they all succeed, their size is to blame, and is the
//! batch size from now on.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Batcher;
use super::reader::Reader;
use super::run::{ForReaders, Rules};
use super::state::Call;
use crate::jdcloud::call::error::CallError;
use crate::jdcloud::image_constraints::answer::Notice;

impl Batcher {
    /// Asks for `ids`, in parts if need be, and hands out the answers.
    pub(super) async fn ask(&self, call: &Arc<Call>, ids: Vec<Arc<str>>) {
        if ids.is_empty() {
            return;
        }
        let mut refused = Vec::new();
        match self.send_named(&ids).await {
            Ok(rules) => self.deliver(call, &ids, rules),
            Err(error) => refused.push((ids, error)),
        }
        while let Some((asked, error)) = refused.pop() {
            // A reader that left may have brought the id that is to blame.
            let ids = self.lock().still_wanted(&asked, call);
            let readers = self.lock().readers(&ids);
            // A long read has several calls under way: what one learns spares the others their own halving.
            let _turn = match &readers[..] {
                [only] => Some(only.splitting.lock().await),
                _ => None,
            };
            let Some(size) = self.part_size(&ids, asked.len(), &error, &readers) else {
                self.fail(call, &ids, &error);
                continue;
            };
            let parts: Vec<&[Arc<str>]> = ids.chunks(size).collect();
            let answers = join_all(parts.iter().map(|part| self.send_named(part))).await;
            if answers.len() > 1 && answers.iter().all(Result::is_ok) {
                self.learn(ids.len(), size);
            }
            let in_vain = answers.len() > 1
                && answers.windows(2).all(|two| match two {
                    [Err(one), Err(other)] => is_alike(one, other),
                    _ => false,
                });
            for (part, answer) in parts.into_iter().zip(answers) {
                match answer {
                    Ok(rules) => self.deliver(call, part, rules),
                    Err(error) if in_vain => self.fail(call, part, &error),
                    Err(error) => refused.push((part.to_vec(), error)),
                }
            }
        }
    }

    async fn send_named(&self, ids: &[Arc<str>]) -> Result<Rules, Arc<CallError>> {
        self.send(ids, &ForReaders { batcher: self, ids }).await
    }

    /// The size of the parts in which `ids` are asked for after a call for `asked` ids, theirs among them, ended in
    /// `error`; `None` if that is the end of it.
    fn part_size(
        &self,
        ids: &[Arc<str>],
        asked: usize,
        error: &CallError,
        readers: &[Arc<Reader>],
    ) -> Option<usize> {
        let fewer = ids.len() < asked;
        let worthwhile = match error.context.code {
            Some(400 | 413 | 414) => !readers.is_empty(),
            Some(404 | 500) => readers.len() > 1 || (fewer && !readers.is_empty()),
            _ => false,
        };
        if !worthwhile || (ids.len() < 2 && !fewer) {
            return None;
        }
        let known = self.lock().batch_size;
        if known < ids.len() {
            // Learned since this call was put together.
            return Some(known);
        }
        let (size, calls) = if fewer { (ids.len(), 1) } else { (ids.len().div_ceil(2), HALVES) };
        // Whoever has some left pays, and all who gain are charged.
        if !readers.iter().any(|reader| reader.may_cost(calls)) {
            return None;
        }
        readers.iter().for_each(|reader| reader.costs(calls));
        Some(size)
    }

    /// A call for `refused` ids was refused, and its parts of `size` ids all succeeded.
    fn learn(&self, refused: usize, size: usize) {
        let mut state = self.lock();
        if size < state.batch_size {
            tracing::warn!(region = %self.region, refused, size, "smaller calls from now on");
            self.caller.notice(Notice::SmallerBatches { from: refused, to: size });
            state.batch_size = size;
        }
    }
}

/// How many calls a split makes.
const HALVES: u32 = 2;

/// Whether both errors say the same, in the API's words, and something other than that a call asks for too much.
fn is_alike(one: &CallError, other: &CallError) -> bool {
    let (one, other) = (&one.context, &other.context);
    let too_much = matches!(one.code, Some(413 | 414));
    !too_much && (one.code, &one.status, &one.message) == (other.code, &other.status, &other.message)
}
