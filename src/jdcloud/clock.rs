//! The time that requests are signed with: the system's, corrected at most once by the server's.

use std::sync::Mutex;
use std::sync::PoisonError;

use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

/// A clock and its correction.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    correction: Mutex<Option<Duration>>,
}

impl Clock {
    /// The corrected time now.
    pub(crate) fn now(&self) -> OffsetDateTime {
        let correction = self.correction.lock().unwrap_or_else(PoisonError::into_inner);
        OffsetDateTime::now_utc() + correction.unwrap_or_default()
    }
}

/// The time in an HTTP header such as `Date`: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn http_dates_are_read() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(datetime!(1994-11-06 08:49:37 UTC)));
        assert_eq!(http_date("soon"), None);
    }
}
