//! When a failed call is retried, and after which wait.
//!
//! Retried: connection errors, timeouts, responses that are cut off, 500, 502, 503, 504 and every 429 but
//! `QUOTA_EXCEEDED`. Not retried: any other 4xx, that of a proxy included, untrusted certificates, invalid responses.
//! Waits grow exponentially with full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"); `Retry-After`
//! takes precedence; JD Cloud limits requests per minute, so a 429 without it waits 5 to 60 seconds.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::ExponentialBuilder;

use crate::jdcloud::call::error::Failure;
use crate::jdcloud::http::transport::TransportError;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
const THROTTLED_WAIT: Duration = Duration::from_secs(5);
const LONGEST_THROTTLED_WAIT: Duration = Duration::from_secs(60);

/// The waits without jitter, one for each retry.
pub(crate) fn backoff(max_retries: u32) -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_factor(2.0)
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_max_times(max_retries as usize)
}

/// Whether a retry may succeed.
pub(crate) fn is_retryable(failure: &Failure) -> bool {
    match failure {
        Failure::Throttled { .. }
        | Failure::Server { .. }
        | Failure::AttemptTimeout { .. }
        | Failure::NotJson { cut_off: true, .. } => true,
        Failure::Transport(error) => match error {
            TransportError::Dns { .. }
            | TransportError::Connect { .. }
            | TransportError::Proxy { .. }
            | TransportError::ProxyRefusal { .. }
            | TransportError::Broken { .. } => true,
            TransportError::Tls { .. }
            | TransportError::WrongScheme { .. }
            | TransportError::ProxyAuthentication { .. }
            | TransportError::Unsendable { .. }
            | TransportError::TooLarge { .. } => false,
        },
        _ => false,
    }
}

/// The wait after `failure`, where `step` is the wait of the backoff and `jitter` a random number in 0..1.
pub(crate) fn wait(failure: &Failure, step: Duration, jitter: f64) -> Duration {
    match failure {
        Failure::Throttled { retry_after: Some(after) } | Failure::Server { retry_after: Some(after) } => {
            // Not all at once, where it is zero.
            step.mul_f64(jitter).max(*after)
        }
        Failure::Throttled { retry_after: None } => {
            // 5..10 s, 5..20 s, 5..40 s, then 5..60 s.
            let scale = THROTTLED_WAIT.as_secs_f64() / FIRST_WAIT.as_secs_f64();
            let longest = step.mul_f64(2.0 * scale).min(LONGEST_THROTTLED_WAIT);
            THROTTLED_WAIT + longest.saturating_sub(THROTTLED_WAIT).mul_f64(jitter)
        }
        _ => step.mul_f64(jitter),
    }
}

/// The retry budget that the reads of a region share, so that they do not overload a failing API.
#[derive(Debug)]
pub(crate) struct Budget {
    tokens: AtomicU32,
}

impl Budget {
    /// As in the standard mode of the AWS SDKs: 100 retries, and one more for every five calls that succeed.
    const CAPACITY: u32 = 500;
    const RETRY: u32 = 5;
    const SUCCESS: u32 = 1;

    /// Takes the tokens of one retry, if there are enough.
    pub(crate) fn take(&self) -> bool {
        let retry = |tokens: u32| tokens.checked_sub(Self::RETRY);
        self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, retry).is_ok()
    }

    /// Returns a token for a call that succeeded.
    pub(crate) fn refill(&self) {
        let success = |tokens: u32| Some((tokens + Self::SUCCESS).min(Self::CAPACITY));
        // `success` is never `None`.
        let _ = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, success);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { tokens: AtomicU32::new(Self::CAPACITY) }
    }
}

#[cfg(test)]
mod tests {
    use backon::BackoffBuilder as _;

    use super::*;
    use crate::jdcloud::TlsProblem;

    const SERVER: Failure = Failure::Server { retry_after: None };
    const THROTTLED: Failure = Failure::Throttled { retry_after: None };

    #[test]
    fn waits_double_up_to_a_limit_with_full_jitter() {
        let steps: Vec<_> = backoff(8).build().map(|step| step.as_secs_f64()).collect();
        assert_eq!(steps, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]);
        for (jitter, expected) in [(0.0, 0.0), (0.5, 4.0), (1.0, 8.0)] {
            assert_eq!(wait(&SERVER, Duration::from_secs(8), jitter).as_secs_f64(), expected);
        }
        assert_eq!(backoff(0).build().count(), 0);
    }

    #[test]
    fn throttled_calls_wait_for_retry_after_or_5_to_60_seconds() {
        let steps: Vec<_> = backoff(5).build().collect();
        let range =
            |jitter| steps.iter().map(|step| wait(&THROTTLED, *step, jitter).as_secs()).collect::<Vec<_>>();
        assert_eq!(range(0.0), [5; 5]);
        assert_eq!(range(1.0), [10, 20, 40, 60, 60]);
        let after = Some(Duration::from_secs(90));
        for failure in [Failure::Throttled { retry_after: after }, Failure::Server { retry_after: after }] {
            assert_eq!(Some(wait(&failure, steps[0], 0.0)), after);
        }
    }

    #[test]
    fn only_transient_failures_are_retryable() {
        let host = || "h".into();
        let reason = || "h".into();
        for failure in [
            SERVER,
            THROTTLED,
            Failure::AttemptTimeout { limit: Duration::ZERO },
            Failure::NotJson { content_type: None, reason: reason(), cut_off: true, beginning: None },
            TransportError::Dns { host: host(), reason: reason() }.into(),
            TransportError::Connect { host: host(), reason: reason() }.into(),
            TransportError::Broken { host: host(), reason: reason() }.into(),
            TransportError::Proxy { proxy: host(), variable: "HTTPS_PROXY", reason: reason() }.into(),
        ] {
            assert!(is_retryable(&failure), "{failure:?}");
        }
        for failure in [
            Failure::QuotaExceeded,
            Failure::Refused,
            Failure::NotFound,
            Failure::PermissionDenied,
            Failure::UnknownAccessKey,
            Failure::Unexpected { reason: reason() },
            Failure::NotJson { content_type: None, reason: reason(), cut_off: false, beginning: None },
            TransportError::Tls { host: host(), problem: TlsProblem::OtherHost }.into(),
            TransportError::TooLarge { limit: 1 }.into(),
            TransportError::ProxyAuthentication { proxy: host(), variable: "HTTPS_PROXY" }.into(),
        ] {
            assert!(!is_retryable(&failure), "{failure:?}");
        }
    }

    #[test]
    fn the_budget_is_limited_and_refilled_by_successes() {
        let budget = Budget::default();
        assert_eq!((0..1000).filter(|_| budget.take()).count(), 100);
        (0..5).for_each(|_| budget.refill());
        assert!(budget.take() && !budget.take());
    }
}
