//! The time that requests are signed with: the system's time, corrected from the `Date` header of a refusal.

use std::sync::{Mutex, MutexGuard, PoisonError};

use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

/// A smaller difference is not the reason of a refusal.
const TOLERANCE: Duration = Duration::MINUTE;
/// The largest correction: with a larger difference, one of the clocks is not credible.
const LARGEST: Duration = Duration::DAY;
/// The maximum number of corrections. More than one is needed if the clock is set while a plan runs; the limit bounds the
/// extra calls.
const CORRECTIONS: u32 = 3;

/// The correction of the system's clock.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    state: Mutex<ClockState>,
}

#[derive(Debug, Default)]
struct ClockState {
    correction: Duration,
    corrections: u32,
}

/// The result of comparing the clock with the `Date` header of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The clock is not the reason of the refusal.
    Correct,
    /// It was wrong and is corrected; `by` is the correction if it is new and not zero.
    Corrected { by: Option<Duration> },
    /// It is wrong by this much and is not corrected.
    Wrong { by: Duration },
}

impl Clock {
    /// The current correction.
    pub(crate) fn correction(&self) -> Duration {
        self.lock().correction
    }

    /// Compares the server's `date` with the time of a request that was signed with `correction`. Corrects the clock if it
    /// is wrong, the date is `trusted`, and the clock was not corrected too often.
    pub(crate) fn compare(&self, date: OffsetDateTime, correction: Duration, trusted: bool) -> Finding {
        let by = date - OffsetDateTime::now_utc();
        if (by - correction).abs() <= TOLERANCE {
            return Finding::Correct;
        }
        let mut state = self.lock();
        if state.correction != correction {
            // Another call has corrected it in the meantime.
            return Finding::Corrected { by: None };
        }
        if !trusted || by.abs() > LARGEST || state.corrections == CORRECTIONS {
            return Finding::Wrong { by };
        }
        *state = ClockState { correction: by, corrections: state.corrections + 1 };
        Finding::Corrected { by: (by.abs() > TOLERANCE).then_some(by) }
    }

    fn lock(&self) -> MutexGuard<'_, ClockState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!(clock.compare(server(Duration::seconds(50)), Duration::ZERO, true), Finding::Correct);
        let ahead = Duration::minutes(10);
        assert!(matches!(
            clock.compare(server(ahead), Duration::ZERO, true),
            Finding::Corrected { by: Some(_) }
        ));
        assert!((clock.correction() - ahead).abs() < Duration::SECOND);
        // A call signed before the correction is retried, too; one signed after it was refused for another reason.
        assert_eq!(clock.compare(server(ahead), Duration::ZERO, true), Finding::Corrected { by: None });
        assert_eq!(clock.compare(server(ahead), clock.correction(), true), Finding::Correct);
    }

    #[test]
    fn a_clock_that_is_set_during_a_plan_is_corrected_three_times_at_most() {
        let clock = Clock::default();
        for ahead in [Duration::HOUR, Duration::ZERO, Duration::hours(-3)] {
            let finding = clock.compare(server(ahead), clock.correction(), true);
            let Finding::Corrected { by } = finding else { panic!("{finding:?}") };
            assert_eq!(by.is_some(), !ahead.is_zero(), "a clock that is correct again needs no notice");
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
