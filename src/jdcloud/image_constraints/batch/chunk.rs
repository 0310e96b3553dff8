//! The ids of one call: at most a batch, and a URL that the gateway takes.

use std::sync::Arc;

use crate::jdcloud::signing::query::encoded_len;

/// The gateway's limit for a URL (`HTTP_URI_TOO_LONG`, "8k").
const MAX_URL: usize = 8 * 1024;

/// Ids for one call.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) ids: Vec<Arc<str>>,
    /// How many other ids the request will ask for.
    others: usize,
    max_ids: usize,
    url: usize,
}

impl Chunk {
    /// A chunk of up to `max_ids` ids for a URL that is `bare_url` long without them.
    pub(super) fn new(max_ids: usize, bare_url: usize) -> Self {
        Self { ids: Vec::new(), others: 0, max_ids, url: bare_url }
    }

    /// Chunks of `ids`, for requests of up to `max_ids` with `others`.
    pub(super) fn split(ids: &[Arc<str>], max_ids: usize, bare_url: usize, others: &[Arc<str>]) -> Vec<Self> {
        let mut chunks: Vec<Self> = Vec::new();
        for id in ids {
            if !chunks.last_mut().is_some_and(|chunk| chunk.push(id)) {
                let mut chunk = Self::new(max_ids, bare_url).beside(others);
                chunk.push(id);
                chunks.push(chunk);
            }
        }
        chunks
    }

    /// Leaves room for `others` in the request.
    pub(super) fn beside(mut self, others: &[Arc<str>]) -> Self {
        others.iter().for_each(|id| _ = self.push(id));
        self.others = std::mem::take(&mut self.ids).len();
        self
    }

    /// Takes `id` if it fits. An id too long for any URL goes alone: the API's refusal names it.
    pub(super) fn push(&mut self, id: &Arc<str>) -> bool {
        // `&ids.12=`, or `?ids.1=`.
        let digits = (self.others + self.ids.len() + 1).ilog10() as usize + 1;
        let url = self.url + "&ids.=".len() + digits + encoded_len(id);
        let fits = self.ids.is_empty() || (!self.is_full() && url <= MAX_URL);
        if fits {
            self.ids.push(Arc::clone(id));
            self.url = url;
        }
        fits
    }

    pub(super) fn is_full(&self) -> bool {
        self.others + self.ids.len() >= self.max_ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jdcloud::image_constraints::api::query;

    #[test]
    fn a_chunk_ends_at_its_number_of_ids_or_at_8_kib() {
        let bare = "https://vm.jdcloud-api.com/v1/regions/cn-north-1/imageConstraints";
        for (id, expected) in [("img-m5s0abcd29", 350), ("镜像-m5s0abcd29", 216), (&"x".repeat(9000), 1)] {
            let id: Arc<str> = (*id).into();
            let mut chunk = Chunk::new(350, bare.len());
            while chunk.push(&id) {}
            assert_eq!(chunk.ids.len(), expected, "{id}");
            let url = format!("{bare}?{}", query(&chunk.ids));
            assert_eq!(url.len(), chunk.url);
            assert!(url.len() <= MAX_URL || expected == 1);
        }
    }
}
