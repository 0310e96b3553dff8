//! The limits of a read, with their defaults and ranges.

use std::time::Duration;

use super::{Argument, Settings, SettingsError};
use crate::jdcloud::untrusted::Redactor;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Timeouts, retries, concurrency and batch size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) request_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) max_retries: u32,
    pub(crate) max_concurrent_requests: usize,
    pub(crate) batch_size: usize,
    pub(crate) read_ahead: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // The JD Cloud CLI's own timeout.
            request_timeout: Duration::from_secs(20),
            read_timeout: Duration::from_secs(300),
            max_retries: 5,
            max_concurrent_requests: 8,
            batch_size: 100,
            read_ahead: true,
        }
    }
}

impl Limits {
    /// The limits in `settings`, all of which must be known.
    pub(super) fn of(settings: &Settings) -> Result<Self, SettingsError> {
        let default = Self::default();
        let redactor = Redactor::default();
        let duration = |argument, given: &Argument<Duration>, default| match given {
            Argument::Known(given) if given.is_zero() || *given > DAY => Err(SettingsError::OutOfRange {
                argument,
                expected: "more than 0s and at most 24h",
                given: redactor.text(format!("\"{}s\"", given.as_secs())),
            }),
            given => Ok(known(given, default)),
        };
        let count = |argument, given: &Argument<u32>, default, max: u32, expected| match given {
            Argument::Known(given) if *given < 1 || *given > max => {
                Err(SettingsError::OutOfRange { argument, expected, given: redactor.text(given.to_string()) })
            }
            Argument::Known(given) => Ok(*given as usize),
            _ => Ok(default),
        };
        Ok(Self {
            request_timeout: duration("request_timeout", &settings.request_timeout, default.request_timeout)?,
            read_timeout: duration("read_timeout", &settings.read_timeout, default.read_timeout)?,
            max_retries: known(&settings.max_retries, default.max_retries),
            max_concurrent_requests: count(
                "max_concurrent_requests",
                &settings.max_concurrent_requests,
                default.max_concurrent_requests,
                1000,
                "between 1 and 1000",
            )?,
            // A request for 350 ids of the current length has a URL of just under 8 KiB, the gateway's limit.
            batch_size: count(
                "batch_size",
                &settings.batch_size,
                default.batch_size,
                350,
                "between 1 and 350",
            )?,
            read_ahead: known(&settings.read_ahead, default.read_ahead),
        })
    }
}

fn known<T: Copy>(argument: &Argument<T>, default: T) -> T {
    match argument {
        Argument::Known(value) => *value,
        _ => default,
    }
}
