//! What users should know about the calls of a read that succeeded.

use std::sync::{Mutex, PoisonError};

/// A problem that a read worked around and that users should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// This machine's clock is wrong; requests are signed with the server's time.
    ClockCorrected {
        /// The server's time minus this machine's time.
        by: time::Duration,
    },
    /// The API refused the signature JDCLOUD2-HMAC-SHA256 and accepted JDCLOUD3-HMAC-SHA256.
    SignatureVersion3,
    /// The API refused requests for `from` ids and accepts requests for `to`.
    SmallerBatches {
        /// The refused size.
        from: usize,
        /// The accepted size.
        to: usize,
    },
    /// Responses to larger requests were incomplete without an error; the provider requests at most `limit` ids at once.
    IncompleteResponses {
        /// The size without incomplete responses.
        limit: usize,
        /// Earlier reads may have got incomplete responses that were not noticed.
        earlier: bool,
    },
}

/// The notices of a connection.
#[derive(Default)]
pub(crate) struct Notices(Mutex<State>);

#[derive(Default)]
struct State {
    all: Vec<Notice>,
    /// How many of them were reported.
    reported: usize,
}

impl Notices {
    /// Keeps `notice` for the next read that succeeds, unless an equal one was kept before.
    pub(crate) fn add(&self, notice: Notice) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !notices.all.contains(&notice) {
            notices.all.push(notice);
        }
    }

    /// Those that were not reported yet.
    pub(crate) fn take(&self) -> Vec<Notice> {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = notices.all[notices.reported..].to_vec();
        notices.reported = notices.all.len();
        pending
    }
}
