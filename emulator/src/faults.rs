//! How a scenario acts on well-signed calls, one after the other.
//!
//! Precedence: a reset, a call that hangs, the throttle, `fail_first`, `fail_share`; then what is wrong with the
//! question; then what is wrong with the answer.

use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use time::OffsetDateTime;

use crate::catalogue::Catalogue;
use crate::clock::http_date;
use crate::error::ApiError;
use crate::random::Random;
use crate::reply::Reply;
use crate::rows;
use crate::scenario::{
    Answer, FailBody, RetryAfter, Scenario, ShareForm, ThrottleForm, UnknownRegion, WithoutIds,
};

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

/// A well-signed call.
pub(crate) struct Question<'a> {
    pub(crate) region: &'a str,
    pub(crate) ids: Result<&'a [String], String>,
    /// For the redirect.
    pub(crate) target: &'a str,
    pub(crate) request_id: &'a str,
    /// By the server's clock.
    pub(crate) now: OffsetDateTime,
}

/// A scenario at work: it counts calls, keeps the throttle's window and rolls dice.
pub(crate) struct Faults {
    scenario: Scenario,
    random: Random,
    calls: u64,
    window: Option<(Instant, u32)>,
}

impl Faults {
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self { random: Random::new(scenario.seed), calls: 0, window: None, scenario }
    }

    pub(crate) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// How long the next answer takes.
    pub(crate) fn latency(&mut self) -> Duration {
        let jitter = self.random.up_to(self.scenario.jitter_ms);
        Duration::from_millis(self.scenario.latency_ms.saturating_add(jitter))
    }

    /// Decides about the next call.
    pub(crate) fn decide(&mut self, question: &Question<'_>, catalogue: &Catalogue) -> Outcome {
        self.calls += 1;
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
            self.throttled(question, left)
        } else if self.calls <= scenario.fail_first {
            self.failed(question)
        } else if by_chance_reset {
            return Outcome::Reset;
        } else if unlucky {
            self.failed(question)
        } else {
            match refusal(question, scenario) {
                Some(error) => Reply::error(&error, question.request_id),
                None => answer(question, catalogue, scenario, bent),
            }
        };
        Outcome::Answer { reply, bent }
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

    fn throttled(&self, question: &Question<'_>, window_left: Duration) -> Reply {
        let id = question.request_id;
        let limited = ApiError::of_status(429);
        let reply = match self.scenario.throttle_form {
            ThrottleForm::RateLimit => Reply::error(&limited, id),
            ThrottleForm::Quota => Reply::error(&ApiError::new(429, "QUOTA_EXCEEDED", "Quota exceeded"), id),
            ThrottleForm::InsideOk => Reply::error_under(200, &limited, id),
            ThrottleForm::Text => Reply::text(429, "Too Many Requests\n"),
        };
        self.with_retry_after(reply, question.now, window_left)
    }

    fn failed(&self, question: &Question<'_>) -> Reply {
        let Scenario { fail_status, fail_error, fail_body, .. } = &self.scenario;
        let mut error = ApiError::of_status(*fail_status);
        if let Some(status) = fail_error {
            error = ApiError::new(*fail_status, status.clone(), format!("{status} (scenario)"));
        }
        let reply = match fail_body {
            FailBody::Envelope => Reply::error(&error, question.request_id),
            FailBody::Html => Reply::page(*fail_status),
            FailBody::Empty => Reply::empty(*fail_status),
        };
        if matches!(fail_status, 429 | 503) {
            self.with_retry_after(reply, question.now, Duration::from_secs(1))
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

/// What is wrong with the question, if anything.
fn refusal(question: &Question<'_>, scenario: &Scenario) -> Option<ApiError> {
    let ids = match &question.ids {
        Ok(ids) => *ids,
        Err(sentence) => return Some(ApiError::invalid_argument(sentence.clone())),
    };
    if ids.is_empty() && scenario.without_ids == WithoutIds::Refused {
        return Some(ApiError::invalid_argument("Parameter ids missing"));
    }
    if scenario.max_ids.is_some_and(|limit| ids.len() > limit) {
        return Some(ApiError::of_status(scenario.max_ids_status));
    }
    let poison = ids.iter().find(|id| scenario.poisoned_ids.contains(id))?;
    Some(match scenario.poisoned_status {
        400 => ApiError::invalid_argument(format!("Invalid image id '{poison}'")),
        404 => ApiError::new(404, "NOT_FOUND", format!("Image '{poison}' not found")),
        other => ApiError::of_status(other),
    })
}

/// The answer to a question in order.
fn answer(question: &Question<'_>, catalogue: &Catalogue, scenario: &Scenario, bent: bool) -> Reply {
    let ids = question.ids.as_deref().unwrap_or_default();
    let found = match ids {
        [] => catalogue.rows(question.region),
        ids => catalogue.rows_of(question.region, ids),
    };
    let Some(mut rows) = found.or((scenario.unknown_region == UnknownRegion::Empty).then(Vec::new)) else {
        // Not documented for this call; the gateway knows 404 only for paths.
        let message = format!("Region '{}' not found", question.region);
        return Reply::error(&ApiError::new(404, "NOT_FOUND", message), question.request_id);
    };
    match scenario.without_ids {
        WithoutIds::Empty if ids.is_empty() => rows.clear(),
        WithoutIds::Subset if ids.is_empty() => rows.truncate(rows.len().div_ceil(2)),
        _ => {}
    }
    if !bent {
        return Reply::json(200, rows::body(question.request_id, &rows, &Scenario::default()));
    }

    let forbidden = |status: &'static str, message: &'static str| {
        Reply::error(&ApiError::new(403, status, message), question.request_id)
    };
    match scenario.answer {
        Answer::Html => return Reply::page(200),
        Answer::EmptyObject => return Reply::json(200, "{}".to_owned()),
        Answer::ForbiddenIp => return forbidden("HTTP_FORBIDDEN", "Your IP address is not allowed"),
        Answer::PermissionDenied => return forbidden("PERMISSION_DENIED", "Permission denied"),
        Answer::Redirect => return Reply::redirect(&format!("/elsewhere{}", question.target)),
        Answer::Normal | Answer::NoRequestId | Answer::ResultNull | Answer::ResultAbsent => {}
    }
    let mut body = rows::body(question.request_id, &rows, scenario);
    let mut padding = 0;
    if let Some(mb) = scenario.huge_body_mb {
        // A string whose end is the last two bytes, so that the filling goes into it.
        body.truncate(body.len() - 1);
        body += r#","padding":""}"#;
        padding = u64::from(mb) * 1024 * 1024;
    }
    Reply { padding, ..Reply::json(200, body) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Faults, Scenario};

    #[test]
    fn jitter_stays_in_its_bounds_and_repeats_with_its_seed() {
        let story = |seed| -> Vec<Duration> {
            let mut faults =
                Faults::new(Scenario { latency_ms: 10, jitter_ms: 5, seed, ..Scenario::default() });
            (0..200).map(|_| faults.latency()).collect()
        };
        let told = story(1);
        assert_eq!(told.iter().min(), Some(&Duration::from_millis(10)));
        assert_eq!(told.iter().max(), Some(&Duration::from_millis(15)));
        assert_eq!(told, story(1));
        assert_ne!(told, story(2));
    }
}
