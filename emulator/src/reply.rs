//! A response before it is sent: status, headers, body, and the size of the padding.

use bytes::Bytes;
use http::HeaderName;
use http::header::{CONTENT_TYPE, LOCATION};
use serde::Serialize;

use crate::error::ApiError;

/// As JD Cloud sends it, with the charset.
const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
/// A page as a captive portal or a failing proxy sends it.
const PAGE: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>";

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
    /// The number of padding bytes to insert before the last two bytes of the body.
    pub(crate) padding: u64,
    /// `error.status`, for the journal.
    pub(crate) error: Option<String>,
}

impl Reply {
    /// JSON under `status`.
    pub(crate) fn json(status: u16, body: String) -> Self {
        Self::typed(status, JSON, body)
    }

    /// An error in JD Cloud's envelope, under its own HTTP status.
    pub(crate) fn error(error: &ApiError, request_id: &str) -> Self {
        Self::error_under(error.code, error, request_id)
    }

    /// An error in JD Cloud's envelope, under any HTTP status.
    pub(crate) fn error_under(http_status: u16, error: &ApiError, request_id: &str) -> Self {
        #[derive(Serialize)]
        struct Envelope<'a> {
            #[serde(rename = "requestId")]
            request_id: &'a str,
            error: &'a ApiError,
        }
        let body = serde_json::to_string(&Envelope { request_id, error }).unwrap_or_default();
        Self { error: Some(error.status.to_string()), ..Self::json(http_status, body) }
    }

    /// A web page instead of JSON.
    pub(crate) fn page(status: u16) -> Self {
        Self::typed(status, HTML, PAGE.to_owned())
    }

    /// A line of text instead of JSON.
    pub(crate) fn text(status: u16, text: impl Into<String>) -> Self {
        Self::typed(status, "text/plain", text.into())
    }

    /// A status without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), padding: 0, error: None }
    }

    /// 302 to `location`.
    pub(crate) fn redirect(location: &str) -> Self {
        Self::page(302).with(LOCATION, location)
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn typed(status: u16, content_type: &str, body: String) -> Self {
        Self { body: body.into(), ..Self::empty(status) }.with(CONTENT_TYPE, content_type)
    }
}
