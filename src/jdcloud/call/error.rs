//! What can go wrong with a read. Errors carry data; the provider words the messages.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::jdcloud::http::transport::TransportError;
use crate::jdcloud::image_constraints::constraint::RuleError;
use crate::jdcloud::settings::{SettingsError, Source, TokenEncoding};
use crate::jdcloud::untrusted::UntrustedText;

/// Why a read has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No call was made: a setting is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A call was made, or tried.
    #[error(transparent)]
    Call(#[from] Arc<CallError>),
    /// The client was stopped while the read was under way.
    #[error("cancelled")]
    Cancelled,
}

/// A failure and what was being asked when it happened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{context}: {failure}")]
pub struct CallError {
    /// What went wrong.
    pub failure: Failure,
    /// What was asked, and what came back.
    pub context: Context,
}

/// What went wrong with a call.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// 401: JD Cloud does not know the access key.
    #[error("JD Cloud does not know this access key")]
    UnknownAccessKey,
    /// 401: the signature does not match, most often for a wrong secret key.
    #[error("the signature does not match: the secret key is not this access key's")]
    SignatureMismatch,
    /// 401: our clock is wrong, and could not or must not be corrected.
    #[error("the request was refused and this machine's clock is {} {}", span(.by.unsigned_abs()), if .by.is_positive() { "slow" } else { "fast" })]
    ClockSkew {
        /// The server's time less ours.
        by: time::Duration,
        /// The server's time.
        server: OffsetDateTime,
    },
    /// 401 for any other reason.
    #[error("JD Cloud did not accept the credentials")]
    Unauthenticated,
    /// 403: the key may not be used from this address.
    #[error("the key may not be used from this IP address")]
    ForbiddenAddress,
    /// 403: the key lacks a permission.
    #[error("the key lacks the permission for this call")]
    PermissionDenied,
    /// 404: no such API, region or image.
    #[error("not found")]
    NotFound,
    /// 429: too many calls.
    #[error("throttled")]
    Throttled {
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// 429 `QUOTA_EXCEEDED`: waiting does not help.
    #[error("a quota is used up")]
    QuotaExceeded,
    /// 500, 502, 503, 504.
    #[error("JD Cloud failed")]
    Server {
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// Any other error of the API.
    #[error("JD Cloud refused the call")]
    Refused,
    /// A redirect: a signed request must not follow it.
    #[error("redirected to {}", or(.location, "an unknown place"))]
    Redirect {
        /// Where to.
        location: Option<UntrustedText>,
    },
    /// A success other than 200, or a status below it: no answer of the API has one.
    #[error("unexpected HTTP status {status}")]
    UnexpectedStatus {
        /// The status.
        status: u16,
    },
    /// 200 with something other than JSON.
    #[error("the answer is not JSON ({}): {reason}", or(.content_type, "no content type"))]
    NotJson {
        /// `Content-Type`.
        content_type: Option<UntrustedText>,
        /// What the parser says.
        reason: UntrustedText,
        /// Whether it is the beginning of JSON, and ends too early.
        cut_off: bool,
        /// The first characters of the body, where they are text.
        beginning: Option<UntrustedText>,
    },
    /// 200 with JSON that is not an answer of JD Cloud's.
    #[error("unexpected response: {reason}")]
    Unexpected {
        /// What is wrong with it.
        reason: UntrustedText,
    },
    /// A row that was not asked for: the answer belongs to another request.
    #[error("the answer has a row for {got}, and the request was for {asked}")]
    OtherRow {
        /// What was asked for; the first of the sample is the one most like the other.
        asked: RequestSummary,
        /// The id of the row.
        got: UntrustedText,
    },
    /// An answer with a row that has no single meaning.
    #[error("malformed response: row {row}{}: {problem}", of(.id))]
    MalformedRow {
        /// The row, from 1.
        row: usize,
        /// What it is about, if it says so.
        id: Option<UntrustedText>,
        /// What is wrong with it.
        problem: RowProblem,
    },
    /// A list with fewer rows than it says it has, also when it was read again.
    #[error("the list has {total} rows and only {rows} were returned")]
    IncompleteList {
        /// How many different rows came.
        rows: usize,
        /// The greatest `totalCount`.
        total: u64,
    },
    /// No answer came, or only a part of one.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// One attempt took longer than `request_timeout`.
    #[error("no complete answer within {}", span(*.limit))]
    AttemptTimeout {
        /// `request_timeout`.
        limit: Duration,
    },
    /// The read took longer than `read_timeout`.
    #[error("the read took longer than {}{}", span(*.limit), before(.last))]
    ReadTimeout {
        /// `read_timeout`.
        limit: Duration,
        /// What went wrong before that.
        last: Option<Box<Failure>>,
    },
    /// The request cannot be made: no randomness, keys that no header can carry, or a URL that no client sends.
    #[error("{reason}")]
    Unsendable {
        /// Why.
        reason: UntrustedText,
    },
    /// A part of the client failed, by a mistake of its own.
    #[error("the request ended without a response; this is a bug")]
    Lost,
}

/// What is wrong with a row of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// It does not say what it is about.
    #[error("it has no {field}")]
    NoId {
        /// The field that says so.
        field: &'static str,
    },
    /// Another row with the same id says something else.
    #[error("it contradicts another row with the same id")]
    Contradiction,
    /// It lacks a documented field and has one that is not documented, which may be the same under another name.
    #[error("it has an undocumented field in the place of a documented one")]
    UndocumentedField,
    /// Its constraint makes no rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// What was asked, and what came back.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The API's name for the operation.
    pub operation: &'static str,
    /// What its requests name, in the singular.
    pub asks_about: &'static str,
    /// What its answers list, in the plural.
    pub lists: &'static str,
    /// The base URL.
    pub endpoint: UntrustedText,
    /// The region.
    pub region: UntrustedText,
    /// Where the key pair is from.
    pub credentials: Option<Source>,
    /// How the security token was sent, if there is one.
    pub token: Option<TokenEncoding>,
    /// What was asked for.
    pub asked: RequestSummary,
    /// HTTP status, if an answer came.
    pub http_status: Option<u16>,
    /// The status that counts: HTTP's, or `error.code` under HTTP 200.
    pub code: Option<u16>,
    /// JD Cloud's `error.status`, such as `HTTP_FORBIDDEN`.
    pub status: Option<UntrustedText>,
    /// JD Cloud's `error.message`.
    pub message: Option<UntrustedText>,
    /// JD Cloud's `requestId`, for a support ticket.
    pub request_id: Option<UntrustedText>,
    /// How often the call was sent.
    pub attempts: u32,
    /// How long it took, waiting included.
    pub elapsed: Duration,
    /// What was left of `read_timeout`, if JD Cloud asked for a longer wait and the call was given up for that.
    pub time_left: Option<Duration>,
}

/// What a call asks for: how many ids, and a few of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestSummary {
    /// How many; `None` for a call without ids.
    pub count: Option<usize>,
    /// The first few.
    pub sample: Vec<Arc<str>>,
    /// The query of a call without ids, if it has one.
    pub query: Option<Arc<str>>,
}

impl RequestSummary {
    /// Enough to recognize a call by.
    const SAMPLE: usize = 3;

    /// A call for these ids.
    pub(crate) fn ids(ids: &[Arc<str>]) -> Self {
        let sample = ids.iter().take(Self::SAMPLE).cloned().collect();
        Self { count: Some(ids.len()), sample, query: None }
    }
}

impl fmt::Display for RequestSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.count, &self.query) {
            (None, None) => write!(f, "everything"),
            (None, Some(query)) => write!(f, "{query}"),
            (Some(count), _) => {
                let more = if count > self.sample.len() { ", …" } else { "" };
                write!(f, "{count} ({}{more})", self.sample.join(", "))
            }
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {} in {} at {}", self.operation, self.asked, self.region, self.endpoint)?;
        if let Some(status) = self.http_status {
            write!(f, ", HTTP {status}")?;
        }
        if let Some(status) = &self.status {
            write!(f, " {status}")?;
        }
        if let Some(message) = &self.message {
            write!(f, " {message:?}")?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, ", requestId {request_id}")?;
        }
        if self.attempts > 0 {
            write!(f, ", {} attempt(s) in {}", self.attempts, span(self.elapsed))?;
        }
        Ok(())
    }
}

/// `text`, or what stands in its place.
fn or(text: &Option<UntrustedText>, otherwise: &'static str) -> UntrustedText {
    text.clone().unwrap_or_else(|| otherwise.into())
}

fn of(id: &Option<UntrustedText>) -> String {
    id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default()
}

fn before(failure: &Option<Box<Failure>>) -> String {
    failure.as_ref().map(|failure| format!("; before that: {failure}")).unwrap_or_default()
}

/// A duration in the largest unit that says it well: `250ms`, `20s`, `5m`, `3h`.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{}ms", duration.as_millis()),
        seconds @ 1..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds => format!("{}h", seconds / 3600),
    }
}
