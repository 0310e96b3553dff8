//! The values that fields of a scenario choose from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The response to a throttled call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThrottleForm {
    /// 429 `HTTP_RATE_LIMIT_EXCEEDED`.
    RateLimit,
    /// 429 `QUOTA_EXCEEDED`: waiting does not help.
    Quota,
    /// 429 in the envelope of an HTTP 200.
    InsideOk,
    /// 429 with a text that is not JSON.
    Text,
}

/// Whether answers 429 and 503 carry `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    /// They do not.
    None,
    /// In seconds.
    Seconds,
    /// As an HTTP date, by the server's clock.
    Date,
}

/// The body of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailBody {
    /// JD Cloud's error envelope.
    Envelope,
    /// A web page, as a proxy sends it.
    Html,
    /// Nothing.
    Empty,
}

/// How a random share of the calls fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareForm {
    /// With `fail_status`, `fail_error` and `fail_body`.
    Status,
    /// By a connection reset.
    Reset,
}

/// The ids that a silent limit leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SilentIds {
    /// The first ones of the call.
    First,
    /// The last ones of the call.
    Last,
    /// Those that sort first.
    Smallest,
}

/// The answer to a call that names no ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutIds {
    /// Every public and third-party image that has a row.
    Everything,
    /// 400.
    Refused,
    /// No rows.
    Empty,
    /// The first half of the rows, rounded up.
    Subset,
    /// Every public and third-party image, each in a row that holds its `imageId` and no constraint.
    BareRows,
    /// The same with a constraint that excludes no instance types.
    RowsWithoutTypes,
    /// No answer, and the connection stays open.
    Hang,
}

/// The call whose answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerTo {
    /// The call that it is sent to.
    ThisCall,
    /// The same call without its query, as a cache that ignores queries would answer.
    WithoutQuery,
    /// The preceding call, as a desynchronised proxy would answer. The first call gets its own answer.
    PreviousCall,
}

/// The answer for a region that is not in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownRegion {
    /// 404.
    NotFound,
    /// 200 without rows.
    Empty,
}

/// What is sent instead of the good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The good answer.
    Normal,
    /// 200 with a web page, as a captive portal answers.
    Html,
    /// 200 `{}`.
    EmptyObject,
    /// Rows, but no `requestId`.
    NoRequestId,
    /// `"result": null`.
    ResultNull,
    /// No `result`.
    ResultAbsent,
    /// 403 `HTTP_FORBIDDEN`.
    ForbiddenIp,
    /// 403 `PERMISSION_DENIED`.
    PermissionDenied,
    /// 302 to the same path below `/elsewhere`.
    Redirect,
}

/// What is wrong with the first row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MalformedRow {
    /// No `imageId`.
    NoImageId,
    /// `"constraintsType": ""`.
    EmptyType,
    /// `"constraintsType": null`.
    NullType,
    /// `includes` with a null list.
    IncludesNull,
}

/// What is wrong with the pages of `describeImages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paging {
    /// Nothing.
    Normal,
    /// `totalCount` is greater by one than in the call before.
    GrowingTotal,
    /// `totalCount` is smaller by one than in the call before.
    ShrinkingTotal,
    /// Each page starts with the last image of the page before, as if an image had been added meanwhile.
    Overlap,
    /// Pages after the first are empty, whatever `totalCount` says.
    EmptyEarly,
    /// Every page is the first one.
    FirstPage,
}

/// A response given literally; `scripted.rs` describes its placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers by name. `Content-Type` is JSON unless it is given here.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Default for RawAnswer {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new(), body: String::new() }
    }
}

impl RawAnswer {
    /// An answer with this status and body.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }
}
