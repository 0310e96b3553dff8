//! The envelope of every JD Cloud answer: `requestId` with `result` or `error`.
//!
//! Source: JD Cloud's API introduction; the gateway's error table. Says what an answer *is*; whether to ask
//! again is decided elsewhere.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use time::OffsetDateTime;

use crate::jdcloud::call::clock::http_date;
use crate::jdcloud::call::error::Failure;
use crate::jdcloud::http::transport::RawResponse;
use crate::jdcloud::settings::TokenEncoding;

/// A text of an answer, borrowed from its body where JSON's escapes allow it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// An object of an answer. A derived structure alone would take an array of its fields as well, and an array where an
/// object belongs would read as an object without any.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    #[serde(borrow)]
    request_id: Option<Text<'a>>,
    result: Option<T>,
    error: Option<Object<ErrorBody>>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<u16>,
    status: Option<String>,
    message: Option<String>,
}

/// What an answer says besides its result, for errors and logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResponseMeta {
    /// HTTP's status, or `error.code` under HTTP 200.
    pub(crate) code: Option<u16>,
    pub(crate) request_id: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) message: Option<String>,
}

/// The longest `message` kept; a message is a sentence.
const MAX_MESSAGE: usize = 1000;
/// How much of a body that is not JSON is kept, to recognize a proxy's page by.
const MAX_BEGINNING: usize = 200;

/// Opens `response`: what it says about itself, and its result or why there is none.
pub(crate) fn open<'a, T: Deserialize<'a>>(
    response: &'a RawResponse,
    token: Option<TokenEncoding>,
) -> (ResponseMeta, Result<Option<T>, Failure>) {
    let mut said = ResponseMeta { code: Some(response.status), ..ResponseMeta::default() };
    said.request_id = response.header("x-jdcloud-request-id").map(str::to_owned);
    if response.status == 200 {
        match parse::<Object<T>>(&response.body) {
            Ok(Envelope { request_id: Some(id), result, error: None }) => {
                said.request_id = Some(id.0.into_owned());
                return (said, Ok(result.map(|result| result.0)));
            }
            Ok(Envelope { request_id: None, error: None, .. }) => {
                let reason = "a JSON object without a requestId".to_owned();
                return (said, Err(Failure::Unexpected { reason }));
            }
            // An error under HTTP 200, perhaps beside a result of another shape, is read below.
            Ok(_) => {}
            Err(error) => {
                if !parse::<IgnoredAny>(&response.body).is_ok_and(|envelope| envelope.error.is_some()) {
                    return (said, Err(unreadable(response, &error)));
                }
            }
        }
    }
    if let Ok(Envelope { request_id, error, .. }) = parse::<IgnoredAny>(&response.body) {
        said.request_id = request_id.map(|id| id.0.into_owned()).or(said.request_id);
        if let Some(Object(ErrorBody { code, status, message })) = error {
            // HTTP's status says what happened, unless it claims success.
            said.code = if response.status == 200 { code } else { said.code };
            said.status = status;
            said.message = message.map(|message| shortened(&message, MAX_MESSAGE));
        }
    }
    let failure = failure(&said, response, token);
    (said, Err(failure))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> serde_json::Result<Envelope<'a, T>> {
    serde_json::from_slice::<Object<_>>(body).map(|envelope| envelope.0)
}

fn unreadable(response: &RawResponse, error: &serde_json::Error) -> Failure {
    let reason = in_words_of_json(&error.to_string());
    match error.classify() {
        Category::Data => Failure::Unexpected { reason },
        Category::Syntax | Category::Eof | Category::Io => Failure::NotJson {
            content_type: response.header(CONTENT_TYPE).map(str::to_owned),
            reason,
            cut_off: error.is_eof() && !response.body.is_empty(),
            beginning: beginning(&response.body),
        },
    }
}

/// The parser's message for readers who know JSON and not Rust.
fn in_words_of_json(message: &str) -> String {
    [
        ("a sequence", "an array"),
        ("sequence", "array"),
        ("type: map", "type: object"),
        ("u16", "a small number"),
    ]
    .into_iter()
    .fold(message.to_owned(), |message, (rust, json)| message.replace(rust, json))
}

/// What `body` begins with, where that is text that a person may recognize.
fn beginning(body: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(&body[..body.len().min(4 * MAX_BEGINNING)]);
    let noise =
        start.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace()));
    // One character may have been cut in two.
    (noise.count() <= 1 && !start.trim().is_empty()).then(|| shortened(&start, MAX_BEGINNING))
}

/// At most `max` characters of `text`, on one line.
fn shortened(text: &str, max: usize) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut shortened: String = text.trim().chars().take(max).map(printable).collect();
    if text.trim().chars().count() > max {
        shortened.push('…');
    }
    shortened
}

/// What the status that counts means, told apart by the gateway's messages where one status covers several
/// causes.
fn failure(said: &ResponseMeta, response: &RawResponse, token: Option<TokenEncoding>) -> Failure {
    let says = |words: &str| said.message.as_ref().is_some_and(|m| m.to_lowercase().contains(words));
    let retry_after = || {
        // Both dates are the server's, so that our clock doesn't matter.
        let now = response.header(DATE).and_then(http_date).unwrap_or_else(OffsetDateTime::now_utc);
        retry_after(response.header(RETRY_AFTER)?, now)
    };
    let Some(code) = said.code else {
        return Failure::Unexpected { reason: "HTTP 200 with an error that has no code".to_owned() };
    };
    match code {
        0..=299 => Failure::Unexpected { reason: format!("status {code} and no result") },
        300..=399 => Failure::Redirect { location: response.location().map(str::to_owned) },
        401 if says("sign result is not same") => Failure::SignatureMismatch { token },
        401 if says("invalid accesskey") => Failure::UnknownAccessKey,
        401 => Failure::Unauthenticated { token },
        403 if says("ip address") => Failure::ForbiddenAddress,
        403 => Failure::PermissionDenied,
        404 => Failure::NotFound,
        429 if said.status.as_deref() == Some("QUOTA_EXCEEDED") => Failure::QuotaExceeded,
        429 => Failure::Throttled { retry_after: retry_after() },
        500 | 502 | 503 | 504 => Failure::Server { retry_after: retry_after() },
        _ => Failure::Refused,
    }
}

/// `Retry-After` in seconds or as a date.
fn retry_after(value: &str, now: OffsetDateTime) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // A date that is past asks for no wait.
        Err(_) => http_date(value.trim()).map(|date| (date - now).try_into().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use time::macros::datetime;

    use super::*;

    fn response(status: u16, body: &str) -> RawResponse {
        RawResponse { status, headers: HeaderMap::new(), body: body.into() }
    }

    fn failure_of(status: u16, body: &str) -> Failure {
        open::<IgnoredAny>(&response(status, body), None).1.err().unwrap()
    }

    #[test]
    fn a_success_is_an_object_with_a_request_id_and_no_error() {
        for body in [
            r#"{"requestId":"r","result":{}}"#,
            r#"{"requestId":"r"}"#,
            r#" {"requestId":"r","result":null,"error":null,"new":1}"#,
        ] {
            let response = response(200, body);
            let (said, result) = open::<IgnoredAny>(&response, None);
            assert!(result.is_ok(), "{body}");
            assert_eq!(said.request_id.as_deref(), Some("r"));
        }
    }

    #[test]
    fn an_array_where_an_object_belongs_is_no_object_without_fields() {
        #[derive(Debug, Deserialize)]
        struct Inner {
            #[allow(dead_code)]
            field: Option<u8>,
        }
        for body in
            [r#"{"requestId":"r","result":[null]}"#, r#"{"requestId":"r","result":[]}"#, "[null,null,null]"]
        {
            let response = response(200, body);
            let (_, result) = open::<Inner>(&response, None);
            let Err(Failure::Unexpected { reason }) = result else { panic!("{body}: {result:?}") };
            assert!(reason.contains("expected an object") && !reason.contains("struct"), "{reason}");
        }
    }

    #[test]
    fn anything_else_under_200_passes_no_rule() {
        for body in [
            "{}",
            "[]",
            "null",
            "7",
            r#""r""#,
            r#"{"requestId":7}"#,
            r#"{"requestId":null}"#,
            r#"[null,"r"]"#,
            r#"{"requestId":"r","error":{}}"#,
        ] {
            assert!(matches!(failure_of(200, body), Failure::Unexpected { .. }), "{body}");
        }
        for body in ["", "<html>Log in</html>", r#"{"requestId":"r","#, "\u{0}\u{1}"] {
            assert!(matches!(failure_of(200, body), Failure::NotJson { .. }), "{body}");
        }
        assert!(matches!(failure_of(204, ""), Failure::Unexpected { .. }));
    }

    #[test]
    fn an_error_counts_whatever_its_result_looks_like() {
        #[derive(Debug, Deserialize)]
        struct Inner {}
        for status in [200, 429] {
            let body = r#"{"requestId":"r","result":[],"error":{"code":429,"status":"RATE_LIMIT"}}"#;
            let response = response(status, body);
            let (said, result) = open::<Inner>(&response, None);
            assert_eq!(result.unwrap_err(), Failure::Throttled { retry_after: None });
            let told = (said.code, said.request_id.as_deref(), said.status.as_deref());
            assert_eq!(told, (Some(429), Some("r"), Some("RATE_LIMIT")), "{status}");
        }
    }

    #[test]
    fn gateway_errors_are_told_apart() {
        let error = |code: u16, status: &str, message: &str| {
            format!(
                r#"{{"requestId":"r","error":{{"code":{code},"status":"{status}","message":"{message}"}}}}"#
            )
        };
        for (code, status, message, expected) in [
            (401, "ACCESS_ERROR", "Invalid accessKey", Failure::UnknownAccessKey),
            (401, "ACCESS_ERROR", "sign result is not same[gw]", Failure::SignatureMismatch { token: None }),
            (
                401,
                "ACCESS_ERROR",
                "lack of header authorization[gw]",
                Failure::Unauthenticated { token: None },
            ),
            (403, "HTTP_FORBIDDEN", "Your IP address is not allowed", Failure::ForbiddenAddress),
            (403, "PERMISSION_DENIED", "no", Failure::PermissionDenied),
            (404, "NOT_FOUND", "Image 'img-x' not found", Failure::NotFound),
            (429, "QUOTA_EXCEEDED", "", Failure::QuotaExceeded),
            (429, "RATE_LIMIT", "", Failure::Throttled { retry_after: None }),
            (503, "UNAVAILABLE", "", Failure::Server { retry_after: None }),
            (400, "INVALID_ARGUMENT", "", Failure::Refused),
            (501, "NOT_IMPLEMENTED", "", Failure::Refused),
        ] {
            let body = error(code, status, message);
            assert_eq!(failure_of(code, &body), expected, "{body}");
            assert_eq!(failure_of(200, &body), expected, "under 200: {body}");
        }
        let told = response(403, &error(403, "HTTP_FORBIDDEN", "no"));
        let (said, _) = open::<IgnoredAny>(&told, None);
        assert_eq!(
            (said.request_id.as_deref(), said.status.as_deref(), said.message.as_deref()),
            (Some("r"), Some("HTTP_FORBIDDEN"), Some("no"))
        );
    }

    #[test]
    fn errors_without_json_are_known_by_their_http_status() {
        assert_eq!(failure_of(429, "<html>slow down</html>"), Failure::Throttled { retry_after: None });
        assert_eq!(failure_of(502, ""), Failure::Server { retry_after: None });
        let mut redirect = response(302, "");
        redirect.headers.insert("location", HeaderValue::from_static("https://login"));
        let (_, result) = open::<IgnoredAny>(&redirect, None);
        assert_eq!(result.err(), Some(Failure::Redirect { location: Some("https://login".to_owned()) }));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = datetime!(1994-11-06 08:49:07 UTC);
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        let mut throttled = response(429, "");
        throttled.headers.insert(HeaderName::from_static("retry-after"), HeaderValue::from_static("3"));
        let (_, result) = open::<IgnoredAny>(&throttled, None);
        assert_eq!(result.err(), Some(Failure::Throttled { retry_after: Some(Duration::from_secs(3)) }));
    }
}
