//! The time that requests are signed with: the system's, corrected by the server's where a refusal shows that it is wrong.

use std::sync::{Mutex, MutexGuard, PoisonError};

use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

/// A refused request's clock may be this wrong before that is taken for the reason.
const TOLERANCE: Duration = Duration::MINUTE;
/// The largest correction: beyond it, one of the two clocks is broken.
const LARGEST: Duration = Duration::DAY;
/// How often the clock is corrected: it may be set while a plan runs, and a correction is wrong from then on. One that is
/// wrong again and again would cost a call for each.
const CORRECTIONS: u32 = 3;

/// A clock and its correction.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    correction: Duration,
    corrections: u32,
}

/// What a refused request says about the clock it was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The clock is right enough.
    Fine,
    /// It was wrong and is corrected; `by` how much, if this is news and it is still wrong itself.
    Corrected { by: Option<Duration> },
    /// It is wrong by this much and stays so.
    Wrong { by: Duration },
}

impl Clock {
    /// The correction that a request signed now is signed with.
    pub(crate) fn correction(&self) -> Duration {
        self.lock().correction
    }

    /// Compares the server's `date` with the time of a request that was signed with `correction`, and takes
    /// the server's time over if the clock is wrong, was not so too often, and `trusted` says that the date is
    /// the server's own.
    pub(crate) fn compare(&self, date: OffsetDateTime, correction: Duration, trusted: bool) -> Finding {
        let by = date - OffsetDateTime::now_utc();
        if (by - correction).abs() <= TOLERANCE {
            return Finding::Fine;
        }
        let mut known = self.lock();
        if known.correction != correction {
            // Another call found out while this one was under way.
            return Finding::Corrected { by: None };
        }
        if !trusted || by.abs() > LARGEST || known.corrections == CORRECTIONS {
            return Finding::Wrong { by };
        }
        *known = Known { correction: by, corrections: known.corrections + 1 };
        Finding::Corrected { by: (by.abs() > TOLERANCE).then_some(by) }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn server(ahead: Duration) -> OffsetDateTime {
        OffsetDateTime::now_utc() + ahead
    }

    #[test]
    fn http_dates_are_read() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(datetime!(1994-11-06 08:49:37 UTC)));
        assert_eq!(http_date("soon"), None);
    }

    #[test]
    fn a_wrong_clock_is_corrected() {
        let clock = Clock::default();
        assert_eq!(clock.compare(server(Duration::seconds(50)), Duration::ZERO, true), Finding::Fine);
        let ahead = Duration::minutes(10);
        assert!(matches!(
            clock.compare(server(ahead), Duration::ZERO, true),
            Finding::Corrected { by: Some(_) }
        ));
        assert!((clock.correction() - ahead).abs() < Duration::SECOND);
        // A call signed before the correction tries again too; one signed after it is refused for another
        // reason.
        assert_eq!(clock.compare(server(ahead), Duration::ZERO, true), Finding::Corrected { by: None });
        assert_eq!(clock.compare(server(ahead), clock.correction(), true), Finding::Fine);
    }

    #[test]
    fn a_clock_that_is_set_meanwhile_is_corrected_again_but_not_for_ever() {
        let clock = Clock::default();
        for ahead in [Duration::HOUR, Duration::ZERO, Duration::hours(-3)] {
            let finding = clock.compare(server(ahead), clock.correction(), true);
            let Finding::Corrected { by } = finding else { panic!("{finding:?}") };
            assert_eq!(by.is_some(), !ahead.is_zero(), "a clock that is right again is nothing to tell");
            assert!((clock.correction() - ahead).abs() < Duration::SECOND);
        }
        let finding = clock.compare(server(Duration::ZERO), clock.correction(), true);
        assert!(matches!(finding, Finding::Wrong { .. }), "{finding:?}");
    }

    #[test]
    fn an_untrusted_date_or_a_day_of_difference_corrects_nothing() {
        let clock = Clock::default();
        for (ahead, trusted) in [(Duration::minutes(-10), false), (Duration::days(2), true)] {
            assert!(matches!(clock.compare(server(ahead), Duration::ZERO, trusted), Finding::Wrong { .. }));
            assert_eq!(clock.correction(), Duration::ZERO);
        }
    }
}
