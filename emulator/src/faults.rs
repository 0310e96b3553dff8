//! How a scenario acts on requests whose signature is valid, in the order of their arrival.
//!
//! Precedence: a reset, a call that hangs, the throttle, `fail_first`, `fail_share`; then what is wrong with the
//! request and what is wrong with the answer, which `service.rs` knows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use time::OffsetDateTime;

use crate::catalogue::Catalogue;
use crate::clock::http_date;
use crate::error::ApiError;
use crate::random::Random;
use crate::reply::Reply;
use crate::scenario::{AnswerTo, FailBody, RetryAfter, Scenario, ShareForm, ThrottleForm, WithoutIds};
use crate::service::{self, ApiRequest, SignedRequest};

/// How a request ends.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The connection is reset.
    Reset,
    /// No response, and the connection stays open.
    Hang,
    /// An answer; `faulty` when the faults of its delivery apply as well.
    Answer { reply: Reply, faulty: bool },
}

/// A scenario with its state: the number of calls, the throttle's window and the random generator.
pub(crate) struct Faults {
    scenario: Scenario,
    random: Random,
    calls: u64,
    window: Option<(Instant, u32)>,
    /// The preceding request.
    previous: Option<ApiRequest>,
    /// Calls by the name of their operation.
    per_operation: BTreeMap<&'static str, u64>,
}

impl Faults {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let random = Random::new(scenario.seed);
        Self { random, calls: 0, window: None, previous: None, per_operation: BTreeMap::new(), scenario }
    }

    pub(crate) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// How long the answer to `request` takes, which is the next call.
    pub(crate) fn latency(&mut self, request: &ApiRequest) -> Duration {
        let jitter = self.random.up_to(self.scenario.jitter_ms);
        if !self.applies_to(request.operation.name()) {
            return Duration::ZERO;
        }
        let listing = if request.is_listing() { self.scenario.without_ids_latency_ms } else { 0 };
        Duration::from_millis(self.scenario.latency_ms.saturating_add(jitter).saturating_add(listing))
    }

    /// Decides how the next request ends.
    pub(crate) fn decide(&mut self, call: &SignedRequest<'_>, catalogue: &Catalogue) -> Outcome {
        let request = call.request;
        let name = request.operation.name();
        let number = self.per_operation.entry(name).or_default();
        *number += 1;
        let number = *number;
        if !self.applies_to(name) {
            let reply = service::reply(call, request, catalogue, &Scenario::default(), number, false);
            return Outcome::Answer { reply, faulty: false };
        }

        self.calls += 1;
        let previous = self.previous.replace(request.clone());
        let unlucky = self.scenario.fail_share > 0.0 && self.random.share() < self.scenario.fail_share;
        let window_left = self.throttle();
        let scenario = &self.scenario;
        let by_chance_reset = unlucky && scenario.fail_share_form == ShareForm::Reset;
        if self.calls <= scenario.reset_first {
            return Outcome::Reset;
        }
        if self.calls <= scenario.hang_first {
            return Outcome::Hang;
        }
        let faulty = scenario.only_first.is_none_or(|first| self.calls <= first);
        let reply = if let Some(left) = window_left {
            self.throttled(call, left)
        } else if self.calls <= scenario.fail_first {
            self.failed(call)
        } else if by_chance_reset {
            return Outcome::Reset;
        } else if unlucky {
            self.failed(call)
        } else if request.is_listing() && scenario.without_ids == WithoutIds::Hang {
            return Outcome::Hang;
        } else {
            let other = match scenario.answer_to {
                AnswerTo::WithoutQuery if faulty => Some(request.without_query()),
                AnswerTo::PreviousCall if faulty => previous,
                _ => None,
            };
            service::reply(call, other.as_ref().unwrap_or(request), catalogue, scenario, number, faulty)
        };
        Outcome::Answer { reply, faulty }
    }

    /// Whether the scenario applies to the operation with this name.
    fn applies_to(&self, name: &str) -> bool {
        let only = &self.scenario.only_operations;
        only.is_empty() || only.iter().any(|only| only == name)
    }

    /// Counts the call. If the window is full, returns how long it lasts.
    fn throttle(&mut self) -> Option<Duration> {
        let limit = self.scenario.throttle_per_minute?;
        let length = Duration::from_millis(self.scenario.throttle_window_ms);
        let now = Instant::now();
        let (start, count) = match self.window {
            Some((start, count)) if now - start < length => (start, count.saturating_add(1)),
            _ => (now, 1),
        };
        self.window = Some((start, count));
        (count > limit).then(|| length.saturating_sub(now - start))
    }

    fn throttled(&self, call: &SignedRequest<'_>, window_left: Duration) -> Reply {
        let id = call.request_id;
        let limited = ApiError::of_status(429);
        let reply = match self.scenario.throttle_form {
            ThrottleForm::RateLimit => Reply::error(&limited, id),
            ThrottleForm::Quota => Reply::error(&ApiError::new(429, "QUOTA_EXCEEDED", "Quota exceeded"), id),
            ThrottleForm::InsideOk => Reply::error_under(200, &limited, id),
            ThrottleForm::Text => Reply::text(429, "Too Many Requests\n"),
        };
        self.with_retry_after(reply, call.now, window_left)
    }

    fn failed(&self, call: &SignedRequest<'_>) -> Reply {
        let Scenario { fail_status, fail_error, fail_body, .. } = &self.scenario;
        let mut error = ApiError::of_status(*fail_status);
        if let Some(status) = fail_error {
            error = ApiError::new(*fail_status, status.clone(), format!("{status} (scenario)"));
        }
        let reply = match fail_body {
            FailBody::Envelope => Reply::error(&error, call.request_id),
            FailBody::Html => Reply::page(*fail_status),
            FailBody::Empty => Reply::empty(*fail_status),
        };
        if matches!(fail_status, 429 | 503) {
            self.with_retry_after(reply, call.now, Duration::from_secs(1))
        } else {
            reply
        }
    }

    fn with_retry_after(&self, reply: Reply, now: OffsetDateTime, left: Duration) -> Reply {
        let seconds = self.scenario.retry_after_s.unwrap_or(left.as_millis().div_ceil(1000) as u64);
        match self.scenario.retry_after {
            RetryAfter::None => reply,
            RetryAfter::Seconds => reply.with(RETRY_AFTER, seconds.to_string()),
            RetryAfter::Date => reply.with(RETRY_AFTER, http_date(now + Duration::from_secs(seconds))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ApiRequest, Faults, Scenario};

    #[test]
    fn jitter_stays_in_its_bounds_and_repeats_with_its_seed() {
        let story = |seed| -> Vec<Duration> {
            let mut faults =
                Faults::new(Scenario { latency_ms: 10, jitter_ms: 5, seed, ..Scenario::default() });
            let request = ApiRequest::of("/v1/regions/cn-north-1/images", "").unwrap();
            (0..200).map(|_| faults.latency(&request)).collect()
        };
        let told = story(1);
        assert_eq!(told.iter().min(), Some(&Duration::from_millis(10)));
        assert_eq!(told.iter().max(), Some(&Duration::from_millis(15)));
        assert_eq!(told, story(1));
        assert_ne!(told, story(2));
    }
}
