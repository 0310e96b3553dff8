//! How a scenario acts on well-signed calls, one after the other.
//!
//! Precedence: a reset, a call that hangs, the throttle, `fail_first`, `fail_share`; then what is wrong with the
//! question and what is wrong with the answer, which `service.rs` knows.

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
use crate::service::{self, Question, SignedCall};

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The connection is reset.
    Reset,
    /// Nothing, for ever.
    Hang,
    /// An answer; `bent` when the faults of its delivery apply as well.
    Answer { reply: Reply, bent: bool },
}

/// A scenario at work: it counts calls, keeps the throttle's window and rolls dice.
pub(crate) struct Faults {
    scenario: Scenario,
    random: Random,
    calls: u64,
    window: Option<(Instant, u32)>,
    /// What the call before asked.
    previous: Option<Question>,
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

    /// How long the answer to `question` takes, which is the next call.
    pub(crate) fn latency(&mut self, question: &Question) -> Duration {
        let jitter = self.random.up_to(self.scenario.jitter_ms);
        if !self.concern(question.operation.name()) {
            return Duration::ZERO;
        }
        let listing = if question.is_listing() { self.scenario.without_ids_latency_ms } else { 0 };
        Duration::from_millis(self.scenario.latency_ms.saturating_add(jitter).saturating_add(listing))
    }

    /// Decides about the next call.
    pub(crate) fn decide(&mut self, call: &SignedCall<'_>, catalogue: &Catalogue) -> Outcome {
        let question = call.question;
        let name = question.operation.name();
        let number = self.per_operation.entry(name).or_default();
        *number += 1;
        let number = *number;
        if !self.concern(name) {
            let reply = service::reply(call, question, catalogue, &Scenario::default(), number, false);
            return Outcome::Answer { reply, bent: false };
        }

        self.calls += 1;
        let previous = self.previous.replace(question.clone());
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
        let bent = scenario.only_first.is_none_or(|first| self.calls <= first);
        let reply = if let Some(left) = window_left {
            self.throttled(call, left)
        } else if self.calls <= scenario.fail_first {
            self.failed(call)
        } else if by_chance_reset {
            return Outcome::Reset;
        } else if unlucky {
            self.failed(call)
        } else if question.is_listing() && scenario.without_ids == WithoutIds::Hang {
            return Outcome::Hang;
        } else {
            let other = match scenario.answer_to {
                AnswerTo::WithoutQuery if bent => Some(question.without_query()),
                AnswerTo::PreviousCall if bent => previous,
                _ => None,
            };
            service::reply(call, other.as_ref().unwrap_or(question), catalogue, scenario, number, bent)
        };
        Outcome::Answer { reply, bent }
    }

    /// Whether calls of the operation with this name are the scenario's matter.
    fn concern(&self, name: &str) -> bool {
        let only = &self.scenario.only_operations;
        only.is_empty() || only.iter().any(|only| only == name)
    }

    /// Counts the call; how long the window still lasts, when it is full.
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

    fn throttled(&self, call: &SignedCall<'_>, window_left: Duration) -> Reply {
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

    fn failed(&self, call: &SignedCall<'_>) -> Reply {
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

    use super::{Faults, Question, Scenario};

    #[test]
    fn jitter_stays_in_its_bounds_and_repeats_with_its_seed() {
        let story = |seed| -> Vec<Duration> {
            let mut faults =
                Faults::new(Scenario { latency_ms: 10, jitter_ms: 5, seed, ..Scenario::default() });
            let question = Question::of("/v1/regions/cn-north-1/images", "").unwrap();
            (0..200).map(|_| faults.latency(&question)).collect()
        };
        let told = story(1);
        assert_eq!(told.iter().min(), Some(&Duration::from_millis(10)));
        assert_eq!(told.iter().max(), Some(&Duration::from_millis(15)));
        assert_eq!(told, story(1));
        assert_ne!(told, story(2));
    }
}
