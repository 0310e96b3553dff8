//! The errors of a read. They carry data; the provider makes the messages.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::jdcloud::http::transport::TransportError;
use crate::jdcloud::image_constraints::constraint::RuleError;
use crate::jdcloud::settings::{SettingsError, Source, TokenEncoding};
use crate::jdcloud::untrusted::UntrustedText;

/// Why a read failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No call was made: a setting is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] Arc<CallError>),
    /// The client was stopped during the read.
    #[error("cancelled")]
    Cancelled,
}

/// A failure and its request.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{context}: {failure}")]
pub struct CallError {
    /// The failure.
    pub failure: Failure,
    /// The request and the response.
    pub context: Context,
}

impl CallError {
    /// One id of the request may be the reason. No response, one that is cut off or belongs to another request, or one whose
    /// status refuses every request, concerns all.
    pub(crate) fn may_concern_one_id(&self) -> bool {
        let concerns_all =
            matches!(self.failure, Failure::OtherRow { .. } | Failure::NotJson { cut_off: true, .. });
        let refuses_all = |code| matches!(code, 401 | 403 | 407 | 408 | 429 | 503);
        let code = self.context.code.or(self.context.http_status);
        !concerns_all && code.is_some_and(|code| !refuses_all(code))
    }

    /// One id of the request may be the reason, or a control, whose image the user may not be allowed to read, or
    /// whose row names another image.
    pub(crate) fn may_concern_a_control(&self) -> bool {
        self.may_concern_one_id()
            || self.context.code == Some(403)
            || matches!(self.failure, Failure::OtherRow { .. })
    }

    /// JD Cloud itself, and not a server in between, responded with 404.
    pub(crate) fn is_not_found(&self) -> bool {
        self.failure == Failure::NotFound && self.context.request_id.is_some()
    }

    /// The server failed, for which one of the requested ids may be the reason. With 503 it is overloaded instead.
    pub(crate) fn is_server_error(&self) -> bool {
        matches!(self.context.code, Some(500 | 502 | 504))
    }
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// 401: the access key does not exist.
    #[error("the access key does not exist at JD Cloud, or is disabled")]
    UnknownAccessKey,
    /// 401: the signature does not match, usually because of a wrong secret key.
    #[error("the signature does not match: the secret key does not belong to the access key")]
    SignatureMismatch,
    /// 401: this machine's clock is wrong, and was not corrected.
    #[error("the request was refused and this machine's clock is {} {}", span(.by.unsigned_abs()), if .by.is_positive() { "slow" } else { "fast" })]
    ClockSkew {
        /// The server's time minus this machine's time.
        by: time::Duration,
        /// The server's time.
        server: OffsetDateTime,
    },
    /// 401 with any other message.
    #[error("JD Cloud did not accept the credentials")]
    Unauthenticated,
    /// 403: the key may not be used from this address.
    #[error("the access key may not be used from this IP address")]
    ForbiddenAddress,
    /// 403: the key does not have the permission.
    #[error("the access key does not have the permission for this call")]
    PermissionDenied,
    /// 404: the API, the region or the image does not exist.
    #[error("not found")]
    NotFound,
    /// 429: too many requests.
    #[error("throttled")]
    Throttled {
        /// The `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// 429 `QUOTA_EXCEEDED`: waiting does not help.
    #[error("a quota is exceeded")]
    QuotaExceeded,
    /// 500, 502, 503, 504.
    #[error("JD Cloud failed")]
    Server {
        /// The `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// Any other error of the API.
    #[error("JD Cloud refused the call")]
    Refused,
    /// A redirect, which must not be followed with a signed request.
    #[error("redirected to {}", or(.location, "an unknown address"))]
    Redirect {
        /// Where to.
        location: Option<UntrustedText>,
    },
    /// A status of 299 or less other than 200, which the API does not use.
    #[error("unexpected HTTP status {status}")]
    UnexpectedStatus {
        /// The status.
        status: u16,
    },
    /// A response that is not JSON: with 200, or a 4xx that another server may have sent.
    #[error("the response is not JSON ({}): {reason}", or(.content_type, "no content type"))]
    NotJson {
        /// `Content-Type`.
        content_type: Option<UntrustedText>,
        /// The message of the parser.
        reason: UntrustedText,
        /// Whether it is JSON that ends too early.
        cut_off: bool,
        /// The first characters of the body, if they are text.
        beginning: Option<UntrustedText>,
    },
    /// 200 with JSON that is not a valid response of JD Cloud.
    #[error("unexpected response: {reason}")]
    Unexpected {
        /// The problem.
        reason: UntrustedText,
    },
    /// 200 with a row of another form than documented.
    #[error("unexpected response: row {row}: {reason}")]
    UnreadableRow {
        /// The row, from 1.
        row: usize,
        /// The message of the parser.
        reason: UntrustedText,
    },
    /// A row that was not requested: the response belongs to another request.
    #[error("the response has a row for {got}, but the request was for {asked}")]
    OtherRow {
        /// The request; the first id of the sample is the most similar one.
        asked: RequestSummary,
        /// The id of the row.
        got: UntrustedText,
    },
    /// A row that is not valid or not unambiguous.
    #[error("malformed response: row {row}{}: {problem}", of(.id))]
    MalformedRow {
        /// The row, from 1.
        row: usize,
        /// Its id, if it has one.
        id: Option<UntrustedText>,
        /// The problem.
        problem: RowProblem,
    },
    /// A list with fewer rows than its total, also when it was read again.
    #[error("the list has {total} rows and only {rows} were returned")]
    IncompleteList {
        /// The number of different rows.
        rows: usize,
        /// The greatest `totalCount`.
        total: u64,
    },
    /// No response, or an incomplete one.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// One attempt took longer than `request_timeout`.
    #[error("no complete response within {}", span(*.limit))]
    AttemptTimeout {
        /// `request_timeout`.
        limit: Duration,
    },
    /// The read took longer than `read_timeout`.
    #[error("the read took longer than {}{}", span(*.limit), before(.last))]
    ReadTimeout {
        /// `read_timeout`.
        limit: Duration,
        /// The last failure before that.
        last: Option<Box<Failure>>,
    },
    /// The request cannot be made: no randomness, keys that are not valid in a header, or a URL that is too long.
    #[error("{reason}")]
    Unsendable {
        /// Why.
        reason: UntrustedText,
    },
    /// A task of the client ended without a result: a bug.
    #[error("the request ended without a response; this is a bug")]
    Lost,
}

/// Why a row of a response is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// It has no id.
    #[error("it has no {field}")]
    NoId {
        /// The field of the id.
        field: &'static str,
    },
    /// It differs from another row with the same id.
    #[error("it contradicts another row with the same id")]
    Contradiction,
    /// It has two different entries for one zone.
    #[error("it contradicts itself in a zone")]
    ZoneContradiction,
    /// It lacks a documented field and has one that is not documented, which may be the same under another name.
    #[error("it lacks a documented field and has an undocumented one")]
    UndocumentedField,
    /// Its constraint is not valid.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// The request and the response of a call.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The API's name for the operation.
    pub operation: &'static str,
    /// What its ids identify, in the singular.
    pub asks_about: &'static str,
    /// What its responses list, in the plural.
    pub lists: &'static str,
    /// The base URL.
    pub endpoint: UntrustedText,
    /// Its source.
    pub endpoint_source: Option<Source>,
    /// The region.
    pub region: UntrustedText,
    /// The source of the key pair.
    pub credentials: Option<Source>,
    /// The encoding of the security token, if any.
    pub token: Option<TokenEncoding>,
    /// The request.
    pub asked: RequestSummary,
    /// Several reads wait for the response.
    pub is_shared: bool,
    /// HTTP status, if there was a response.
    pub http_status: Option<u16>,
    /// The HTTP status, or `error.code` in a response with status 200.
    pub code: Option<u16>,
    /// JD Cloud's `error.status`, such as `HTTP_FORBIDDEN`.
    pub status: Option<UntrustedText>,
    /// JD Cloud's `error.message`.
    pub message: Option<UntrustedText>,
    /// JD Cloud's `requestId`, for a support ticket.
    pub request_id: Option<UntrustedText>,
    /// The number of attempts.
    pub attempts: u32,
    /// The elapsed time, waiting included.
    pub elapsed: Duration,
    /// The remaining time of the read, if the call ended because `Retry-After` is longer.
    pub time_left: Option<Duration>,
}

/// What a call requests: the number of ids, and a few of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestSummary {
    /// The number of ids; `None` for a call without ids.
    pub count: Option<usize>,
    /// The first ids.
    pub sample: Vec<Arc<str>>,
    /// The query of a call without ids, if it has one.
    pub query: Option<Arc<str>>,
}

impl Context {
    /// Whether JD Cloud's message names `id`.
    pub(crate) fn names(&self, id: &str) -> bool {
        let is_in_id = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let message = self.message.as_ref().map(ToString::to_string).unwrap_or_default();
        message.split(|c| !is_in_id(c)).any(|word| word.trim_matches('.') == id)
    }
}

impl RequestSummary {
    /// Enough to recognize a call.
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

/// `text`, or `otherwise`.
fn or(text: &Option<UntrustedText>, otherwise: &'static str) -> UntrustedText {
    text.clone().unwrap_or_else(|| otherwise.into())
}

fn of(id: &Option<UntrustedText>) -> String {
    id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default()
}

fn before(failure: &Option<Box<Failure>>) -> String {
    failure.as_ref().map(|failure| format!("; last failure: {failure}")).unwrap_or_default()
}

/// A duration in a suitable unit: `250ms`, `20s`, `5m`, `3h`.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{}ms", duration.as_millis()),
        seconds @ 1..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds => format!("{}h", seconds / 3600),
    }
}
