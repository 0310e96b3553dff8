//! How many ids a request may ask for.
//!
//! Starts at `batch_size`. A refusal for the number of ids makes requests smaller; successes make them larger again,
//! step by step, so that a passing failure does not cost a request for each id until the plan ends.

/// The size of requests, learned from refusals and forgotten with successes.
#[derive(Debug, Default)]
pub(super) struct BatchSize {
    most: usize,
    /// The size that works.
    pub(super) known: usize,
    successes: u32,
    /// How many full requests have to succeed before a larger one is tried.
    patience: u32,
    /// The most ids of a request that succeeded.
    largest: usize,
}

impl BatchSize {
    /// Doubled by each refusal, so that a real limit costs few attempts to exceed it.
    const PATIENCE: u32 = 8;

    pub(super) fn new(configured: usize) -> Self {
        Self { most: configured, known: configured, patience: Self::PATIENCE, ..Self::default() }
    }

    /// The size of the next full request, which may try a larger one.
    pub(super) fn next(&self) -> usize {
        if self.successes < self.patience { self.known } else { self.known.saturating_mul(2).min(self.most) }
    }

    /// A request for `refused` ids was refused, and then requests for `size` of them succeeded: for its parts, or for its ids
    /// without controls. Tells whether that makes requests smaller.
    pub(super) fn learn(&mut self, refused: usize, size: usize) -> bool {
        if refused <= self.largest || size > self.known {
            // Not for the number of its ids, or requests are smaller already.
            return false;
        }
        let is_smaller = size < self.known;
        (self.known, self.successes, self.patience) = (size, 0, self.patience.saturating_mul(2));
        is_smaller
    }

    /// Responses to requests for more than `size` ids are incomplete. This is never forgotten.
    pub(super) fn cap(&mut self, size: usize) {
        self.most = self.most.min(size);
        self.known = self.known.min(self.most);
    }

    /// The cap, where a request for `asked` ids began before it was known.
    pub(super) fn exceeded(&self, asked: usize) -> Option<usize> {
        (asked > self.most).then_some(self.most)
    }

    /// A request for `ids` ids succeeded.
    pub(super) fn record_success(&mut self, ids: usize) {
        self.largest = self.largest.max(ids);
        if ids > self.known {
            (self.known, self.successes) = (ids.min(self.most), 0);
        } else if ids == self.known {
            self.successes += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_forgotten_step_by_step_and_a_real_limit_is_exceeded_ever_less_often() {
        let mut size = BatchSize::new(100);
        assert!(size.learn(2, 1) && !size.learn(3, 2));
        let mut requests = 0;
        while size.known < 100 {
            let ids = size.next();
            size.record_success(ids);
            requests += 1;
        }
        assert!(requests < 7 * 18, "from 1 to 100 in seven steps took {requests} requests");

        let mut size = BatchSize::new(100);
        let (mut attempts, mut asked) = (0, 0);
        while asked < 100_000 {
            let ids = size.next();
            if ids > 50 {
                attempts += 1;
                size.learn(ids, 50);
            } else {
                size.record_success(ids);
                asked += ids;
            }
        }
        assert!(attempts <= 9, "{attempts} attempts to exceed a real limit in {asked} ids");
    }

    #[test]
    fn a_cap_is_never_exceeded_again() {
        let mut size = BatchSize::new(100);
        size.cap(3);
        size.learn(2, 1);
        for _ in 0..1000 {
            let ids = size.next();
            size.record_success(ids);
        }
        assert_eq!(size.next(), 3);
    }
}
