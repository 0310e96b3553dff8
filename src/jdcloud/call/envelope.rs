//! The envelope of every JD Cloud response: `requestId` with `result` or `error`.
//!
//! Source: JD Cloud's API introduction; the gateway's error table. An operation parses its own `result` with a
//! [`ResultReader`]. Retries are decided elsewhere.
//!
//! A response with status 200 is valid if it is an object with a `requestId` that is not empty and no `error`. A missing
//! `result` means "no rows" only if the object has no unknown field, which could be the result under another name, or a
//! gateway's own `{"code":500,"message":…}`. So does a `result` without rows only if no such error is beside it.

use std::time::Duration;

use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess};
use serde_json::error::Category;
use time::OffsetDateTime;

use super::json::{Beginning, ErrorCode, Fields, Key, Nullable, Object, Text, Undocumented, once, skip};
use crate::jdcloud::call::clock::http_date;
use crate::jdcloud::call::error::Failure;
use crate::jdcloud::http::transport::RawResponse;
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// Parses the `result` of one operation from the stream.
pub(crate) trait ResultReader<'de>: Sized {
    /// The default is the value of an absent or null `result`.
    type Output: Default;

    /// Parses the value of `result`, which is not null. A failure that a parser error cannot express is stored in `failure`
    /// before the parser error is returned; [`Failure::UnreadableRow`] gets its reason from that error.
    ///
    /// # Errors
    /// JSON of another form.
    fn read<D: Deserializer<'de>>(
        self,
        result: D,
        failure: &mut Option<Failure>,
    ) -> Result<Self::Output, D::Error>;

    /// Whether the result has no rows.
    fn is_empty(result: &Self::Output) -> bool;
}

/// The metadata of a response, for errors and logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResponseMeta {
    /// The HTTP status, or `error.code` in a response with status 200.
    pub(crate) code: Option<u16>,
    pub(crate) request_id: Option<UntrustedText>,
    pub(crate) status: Option<UntrustedText>,
    pub(crate) message: Option<UntrustedText>,
}

/// The maximum length of `requestId`; JD Cloud's have 32 characters.
const MAX_REQUEST_ID: usize = 1024;
/// How much of `error.status` and `error.message` is kept; they are a name and a sentence.
const MAX_ERROR_TEXT: usize = 4096;
/// How much of a body that is not JSON is kept, to recognize the page of a proxy.
const MAX_BEGINNING: usize = 200;

struct Envelope<T> {
    request_id: Option<String>,
    result: Option<T>,
    error: Option<ErrorBody>,
    unknown: Undocumented,
    /// The first of the fields in which a gateway reports its own error.
    own_error: Option<String>,
}

struct ErrorBody {
    code: Option<u16>,
    status: Option<String>,
    message: Option<String>,
}

struct EnvelopeFields<'a, R> {
    result: R,
    failure: &'a mut Option<Failure>,
}

/// A [`ResultReader`] as a seed of serde.
struct ResultSeed<'a, R> {
    reader: R,
    failure: &'a mut Option<Failure>,
}

impl<'de, R: ResultReader<'de>> DeserializeSeed<'de> for ResultSeed<'_, R> {
    type Value = R::Output;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.reader.read(deserializer, self.failure)
    }
}

enum EnvelopeField {
    RequestId,
    Result,
    Error,
    Unknown(String),
}

/// The fields in which gateways report their own errors.
const OWN_ERROR: [&str; 7] = ["code", "message", "msg", "errors", "success", "errorCode", "errorMessage"];

impl<'de, R: ResultReader<'de>> Fields<'de> for EnvelopeFields<'_, R> {
    type Value = Envelope<R::Output>;

    fn read<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let (mut request_id, mut result, mut error, mut own_error) = (None, None, None, None);
        let mut unknown = Undocumented::default();
        let mut reader = Some(self.result);
        let key = |name: &str| match name {
            "requestId" => EnvelopeField::RequestId,
            "result" => EnvelopeField::Result,
            "error" => EnvelopeField::Error,
            name => EnvelopeField::Unknown(Undocumented::name(name)),
        };
        while let Some(name) = fields.next_key_seed(Key(key))? {
            match name {
                EnvelopeField::RequestId => {
                    once(&mut fields, "requestId", &mut request_id, Nullable(Text { max: MAX_REQUEST_ID }))?;
                }
                EnvelopeField::Result => {
                    let reader = reader.take().ok_or_else(|| A::Error::duplicate_field("result"))?;
                    result =
                        fields.next_value_seed(Nullable(ResultSeed { reader, failure: self.failure }))?;
                }
                EnvelopeField::Error => {
                    once(&mut fields, "error", &mut error, Nullable(Object(ErrorFields)))?;
                }
                EnvelopeField::Unknown(name) => {
                    if OWN_ERROR.contains(&&*name) {
                        own_error.get_or_insert_with(|| name.clone());
                    }
                    unknown.skip(name, &mut fields)?;
                }
            }
        }
        let request_id = request_id.flatten().map(std::borrow::Cow::into_owned).filter(|id| !id.is_empty());
        Ok(Envelope { request_id, result, error: error.flatten(), unknown, own_error })
    }
}

struct ErrorFields;

impl<'de> Fields<'de> for ErrorFields {
    type Value = ErrorBody;

    fn read<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let (mut code, mut status, mut message) = (None, None, None);
        let names = |name: &str| ["code", "status", "message"].into_iter().find(|known| *known == name);
        let words = || Nullable(Beginning { max: MAX_ERROR_TEXT });
        while let Some(name) = fields.next_key_seed(Key(names))? {
            match name {
                Some(name @ "code") => once(&mut fields, name, &mut code, ErrorCode)?,
                Some(name @ "status") => once(&mut fields, name, &mut status, words())?,
                Some(name) => once(&mut fields, name, &mut message, words())?,
                None => drop(skip(&mut fields)?),
            }
        }
        Ok(ErrorBody { code: code.flatten(), status: status.flatten(), message: message.flatten() })
    }
}

/// Skips a result of any form.
#[derive(Clone, Copy)]
pub(crate) struct Ignored;

impl<'de> ResultReader<'de> for Ignored {
    type Output = ();

    fn read<D: Deserializer<'de>>(self, result: D, _: &mut Option<Failure>) -> Result<(), D::Error> {
        result.deserialize_ignored_any(IgnoredAny).map(drop)
    }

    fn is_empty((): &()) -> bool {
        false
    }
}

/// The metadata of `response`, and its result, parsed by `reader`, or the failure.
pub(crate) fn open<'a, R: ResultReader<'a>>(
    response: &'a RawResponse,
    redactor: &Redactor,
    reader: R,
) -> (ResponseMeta, Result<R::Output, Failure>) {
    let header = response.header("x-jdcloud-request-id").map(|id| redactor.text(id));
    let mut meta =
        ResponseMeta { code: Some(response.status), request_id: header, ..ResponseMeta::default() };
    let mut identify = |envelope_id: &Option<String>| {
        if let Some(id) = envelope_id {
            meta.request_id = Some(redactor.text(id));
        }
    };
    let body = &response.body[..];
    if response.status == 200 {
        let mut failure = None;
        match parse(body, reader, &mut failure) {
            Ok(Envelope { error: Some(error), request_id, .. }) => {
                identify(&request_id);
                return refused(meta, Some(error), response, redactor);
            }
            Ok(Envelope { request_id: None, .. }) => {
                let reason = "a JSON object without a requestId".into();
                return (meta, Err(Failure::Unexpected { reason }));
            }
            Ok(Envelope { request_id, result, unknown, own_error, .. }) => {
                identify(&request_id);
                let result = match (result, unknown.any(), own_error) {
                    (Some(result), _, Some(field)) if R::is_empty(&result) => {
                        let reason = format!(
                            "the result has no rows, and the field \"{field}\" beside it may be an error"
                        );
                        Err(Failure::Unexpected { reason: redactor.text(reason) })
                    }
                    (Some(result), _, _) => Ok(result),
                    (None, None, _) => Ok(R::Output::default()),
                    (None, Some(field), _) => Err(undocumented("the response", "result", &field, redactor)),
                };
                return (meta, result);
            }
            Err(error) => {
                // The parser stopped early. The rest may have an error, and the requestId.
                let rest = parse(body, Ignored, &mut None);
                if let Ok(Envelope { request_id, error, .. }) = rest {
                    identify(&request_id);
                    if error.is_some() {
                        return refused(meta, error, response, redactor);
                    }
                }
                let of_parser = || unreadable(response, &error, redactor);
                let failure = match failure {
                    None => of_parser(),
                    Some(Failure::UnreadableRow { row, .. }) => match of_parser() {
                        Failure::Unexpected { reason } => Failure::UnreadableRow { row, reason },
                        // The response is no JSON from there on.
                        other => other,
                    },
                    Some(failure) => failure,
                };
                return (meta, Err(failure));
            }
        }
    }
    let error = match parse(body, Ignored, &mut None) {
        Ok(Envelope { request_id, error, .. }) => {
            identify(&request_id);
            error
        }
        // A server in between refuses in its own words. The gateway itself may answer 413 and 414 in HTML.
        Err(error) if error.is_syntax() && matches!(response.status, 400..=412 | 415..=428 | 430..=499) => {
            return (meta, Err(unreadable(response, &error, redactor)));
        }
        Err(_) => None,
    };
    refused(meta, error, response, redactor)
}

/// The failure of an object in the response that lacks `expected` and has an unknown `field`, which may be the same
/// under another name.
pub(crate) fn undocumented(object: &str, expected: &str, field: &str, redactor: &Redactor) -> Failure {
    let reason = format!("{object} has no \"{expected}\", but has the undocumented field \"{field}\"");
    Failure::Unexpected { reason: redactor.text(reason) }
}

fn parse<'a, R: ResultReader<'a>>(
    body: &'a [u8],
    result: R,
    failure: &mut Option<Failure>,
) -> serde_json::Result<Envelope<R::Output>> {
    let mut parser = serde_json::Deserializer::from_slice(body);
    let envelope = Object(EnvelopeFields { result, failure }).deserialize(&mut parser)?;
    parser.end()?;
    Ok(envelope)
}

/// The failure of a response without a result.
fn refused<T>(
    mut meta: ResponseMeta,
    error: Option<ErrorBody>,
    response: &RawResponse,
    redactor: &Redactor,
) -> (ResponseMeta, Result<T, Failure>) {
    let error = error.unwrap_or(ErrorBody { code: None, status: None, message: None });
    if response.status == 200 {
        // The HTTP status takes precedence, unless it is a success.
        meta.code = error.code;
    }
    let failure = failure(meta.code, &error, response, redactor);
    meta.status = error.status.map(|status| redactor.text(status));
    meta.message = error.message.map(|message| redactor.text(message));
    (meta, Err(failure))
}

fn unreadable(response: &RawResponse, error: &serde_json::Error, redactor: &Redactor) -> Failure {
    let reason = redactor.text(with_json_terms(&error.to_string()));
    match error.classify() {
        Category::Data => Failure::Unexpected { reason },
        Category::Syntax | Category::Eof | Category::Io => Failure::NotJson {
            content_type: response.header(CONTENT_TYPE).map(|content_type| redactor.text(content_type)),
            reason,
            cut_off: error.is_eof(),
            beginning: beginning(&response.body, redactor),
        },
    }
}

/// The parser's message in the terms of JSON instead of serde's. It quotes no string of the response, see `json.rs`.
fn with_json_terms(message: &str) -> String {
    message.replace("sequence", "array").replace("type: map", "type: object")
}

/// The beginning of `body` if it is readable text.
fn beginning(body: &[u8], redactor: &Redactor) -> Option<UntrustedText> {
    // More than is shown, so that a secret at the cut is recognized.
    let start = String::from_utf8_lossy(&body[..body.len().min(2 * MAX_ERROR_TEXT)]);
    let noise = start
        .chars()
        .take(4 * MAX_BEGINNING)
        .filter(|c| *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace()));
    // One character may have been cut in two.
    (noise.count() <= 1 && !start.trim().is_empty()).then(|| redactor.beginning(start.trim(), MAX_BEGINNING))
}

/// The failure of a status code. If one code has several causes, the gateway's message distinguishes them.
fn failure(code: Option<u16>, error: &ErrorBody, response: &RawResponse, redactor: &Redactor) -> Failure {
    let message_contains =
        |words: &str| error.message.as_ref().is_some_and(|m| m.to_lowercase().contains(words));
    let retry_after = || {
        // Both dates are the server's, so this machine's clock does not matter.
        let now = response.header(DATE).and_then(http_date).unwrap_or_else(OffsetDateTime::now_utc);
        retry_after(response.header(RETRY_AFTER)?, now)
    };
    let Some(code) = code else {
        return Failure::Unexpected { reason: "HTTP 200 with an error that has no code".into() };
    };
    match code {
        0..=299 if response.status == 200 => {
            Failure::Unexpected { reason: redactor.text(format!("an error whose code is {code}")) }
        }
        0..=299 => Failure::UnexpectedStatus { status: code },
        300..=399 => {
            Failure::Redirect { location: response.location().map(|location| redactor.text(location)) }
        }
        401 if message_contains("sign result is not same") => Failure::SignatureMismatch,
        401 if message_contains("invalid accesskey") => Failure::UnknownAccessKey,
        401 => Failure::Unauthenticated,
        403 if message_contains("ip address") => Failure::ForbiddenAddress,
        // No policy allows a call that JD Cloud does not offer.
        403 if message_contains("api is disabled") => Failure::Refused,
        403 => Failure::PermissionDenied,
        404 => Failure::NotFound,
        429 if error.status.as_deref() == Some("QUOTA_EXCEEDED") => Failure::QuotaExceeded,
        429 => Failure::Throttled { retry_after: retry_after() },
        500 | 502 | 503 | 504 => Failure::Server { retry_after: retry_after() },
        _ => Failure::Refused,
    }
}

/// `Retry-After` in seconds or as a date.
fn retry_after(value: &str, now: OffsetDateTime) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // A date in the past requires no wait.
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

    fn opened(response: &RawResponse) -> (ResponseMeta, Result<(), Failure>) {
        open(response, &Redactor::default(), Ignored)
    }

    fn failure_of(status: u16, body: &str) -> Failure {
        opened(&response(status, body)).1.unwrap_err()
    }

    fn shown(text: &Option<UntrustedText>) -> Option<String> {
        text.as_ref().map(ToString::to_string)
    }

    /// A result that must be an object, as for an operation.
    struct Inner;

    impl<'de> Fields<'de> for Inner {
        type Value = ();

        fn read<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
            while fields.next_key_seed(Key(|_: &str| ()))?.is_some() {
                skip(&mut fields)?;
            }
            Ok(())
        }
    }

    impl<'de> ResultReader<'de> for Inner {
        type Output = ();

        fn read<D: Deserializer<'de>>(self, result: D, _: &mut Option<Failure>) -> Result<(), D::Error> {
            Object(self).deserialize(result)
        }

        fn is_empty((): &()) -> bool {
            false
        }
    }

    #[test]
    fn a_success_is_an_object_with_a_request_id_and_no_error() {
        for (body, why) in [
            (r#"{"requestId":"r","result":{}}"#, "as documented"),
            (r#"{"requestId":"r"}"#, "an absent result has no rows"),
            (r#"{"requestId":"r","result":null}"#, "so does null"),
            (r#" {"requestId":"r","result":null,"error":null}"#, "a null error is no error"),
            (r#"{"new":{"x":[1]},"requestId":"r","result":{}}"#, "a new field beside the result is ignored"),
        ] {
            let (meta, result) = opened(&response(200, body));
            assert_eq!(result, Ok(()), "{why}: {body}");
            assert_eq!(shown(&meta.request_id).as_deref(), Some("r"));
        }
    }

    #[test]
    fn any_other_response_with_status_200_is_an_error() {
        for (body, reason) in [
            ("{}", "without a requestId"),
            (r#"{"requestId":""}"#, "without a requestId"),
            (r#"{"requestId":null}"#, "without a requestId"),
            (r#"{"result":{}}"#, "without a requestId"),
            (r#"{"requestId":7}"#, "expected a string"),
            ("[]", "expected an object"),
            ("null", "expected an object"),
            ("7", "expected an object"),
            (r#""r""#, "expected an object"),
            (r#"[null,"r"]"#, "array"),
            (r#"{"requestId":"r","error":{}}"#, "no code"),
            (r#"{"requestId":"r","error":{"code":0}}"#, "whose code is 0"),
            (r#"{"requestId":"r","error":{"code":"x"}}"#, "no code"),
            (r#"{"requestId":"r","error":{"code":-1}}"#, "no code"),
            // A gateway's own error, and results under another name.
            (r#"{"requestId":"r","code":500,"message":"internal error"}"#, "undocumented field \"code\""),
            (r#"{"requestId":"r","results":{}}"#, "undocumented field \"results\""),
            (r#"{"requestId":"r","result":null,"data":{}}"#, "undocumented field \"data\""),
            // A duplicate field is ambiguous.
            (r#"{"requestId":"r","requestId":"s"}"#, "duplicate"),
            (r#"{"requestId":"r","result":{},"result":null}"#, "duplicate"),
        ] {
            let failure = failure_of(200, body);
            let Failure::Unexpected { reason: said } = &failure else { panic!("{body}: {failure:?}") };
            assert!(said.to_string().contains(reason), "{body}: {said}");
        }
        for body in ["", "<html>Log in</html>", r#"{"requestId":"r","#, r#"{"requestId":"r"}}"#, "\u{0}\u{1}"]
        {
            assert!(matches!(failure_of(200, body), Failure::NotJson { .. }), "{body}");
        }
        for status in [101, 201, 204, 206] {
            for body in ["", r#"{"requestId":"r","result":{}}"#] {
                assert_eq!(failure_of(status, body), Failure::UnexpectedStatus { status });
            }
        }
    }

    #[test]
    fn a_result_that_is_not_an_object_is_an_error() {
        for result in ["[null]", "[]", "\"\"", "7", "true"] {
            let body = format!(r#"{{"requestId":"r","result":{result}}}"#);
            let response = response(200, &body);
            let (meta, result) = open(&response, &Redactor::default(), Inner);
            let Err(Failure::Unexpected { reason }) = result else { panic!("{body}: {result:?}") };
            let reason = reason.to_string();
            assert!(reason.contains("expected an object") && !reason.contains("struct"), "{reason}");
            // The requestId is found before and after the invalid part.
            assert_eq!(shown(&meta.request_id).as_deref(), Some("r"));
        }
    }

    #[test]
    fn long_strings_in_unexpected_places_are_not_quoted() {
        let long = "\u{1b}[2JApply complete!".repeat(10_000);
        let long = serde_json::to_string(&long).unwrap();
        for body in [
            long.clone(),
            format!(r#"{{"requestId":"r","result":{long}}}"#),
            format!(r#"{{"requestId":"r","error":{long}}}"#),
            format!(r#"{{"requestId":"r","error":{{"code":{long}}}}}"#),
            format!(r#"{{"requestId":{long}}}"#),
            format!(r#"{{"requestId":"r",{long}:1}}"#),
            format!(r#"{{"requestId":"r","error":{{"code":400,"status":{long},"message":{long}}}}}"#),
        ] {
            let response = response(200, &body);
            let (meta, result) = open(&response, &Redactor::default(), Inner);
            let text = format!("{meta:?} {:?} {0}", result.unwrap_err());
            assert!(text.len() < 3_000 && !text.contains('\u{1b}'), "{text}");
        }
    }

    #[test]
    fn an_error_takes_precedence_over_any_result() {
        for body in [
            r#"{"requestId":"r","error":{"code":429,"status":"RATE_LIMIT"},"result":{}}"#,
            r#"{"requestId":"r","result":[1],"error":{"code":429,"status":"RATE_LIMIT"}}"#,
            r#"{"requestId":"r","result":"x","error":{"code":429,"status":"RATE_LIMIT","new":[]}}"#,
        ] {
            for status in [200, 429] {
                let response = response(status, body);
                let (meta, result) = open(&response, &Redactor::default(), Inner);
                assert_eq!(result.unwrap_err(), Failure::Throttled { retry_after: None });
                let found = (meta.code, shown(&meta.request_id), shown(&meta.status));
                assert_eq!(found, (Some(429), Some("r".into()), Some("RATE_LIMIT".into())), "{status}");
            }
        }
    }

    #[test]
    fn gateway_errors_are_distinguished() {
        let error = |code: u16, status: &str, message: &str| {
            format!(
                r#"{{"requestId":"r","error":{{"code":{code},"status":"{status}","message":"{message}"}}}}"#
            )
        };
        for (code, status, message, expected) in [
            (401, "ACCESS_ERROR", "Invalid accessKey", Failure::UnknownAccessKey),
            (401, "ACCESS_ERROR", "sign result is not same[gw]", Failure::SignatureMismatch),
            (401, "ACCESS_ERROR", "lack of header authorization[gw]", Failure::Unauthenticated),
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
        let forbidden = response(403, &error(403, "HTTP_FORBIDDEN", "no"));
        let (meta, _) = opened(&forbidden);
        let found = [&meta.request_id, &meta.status, &meta.message].map(shown);
        assert_eq!(found, ["r", "HTTP_FORBIDDEN", "no"].map(|text| Some(text.to_owned())));
    }

    #[test]
    fn errors_without_json_are_classified_by_http_status() {
        assert_eq!(failure_of(429, "<html>slow down</html>"), Failure::Throttled { retry_after: None });
        assert_eq!(failure_of(502, ""), Failure::Server { retry_after: None });
        assert_eq!(failure_of(403, ""), Failure::PermissionDenied);
        for status in [400, 401, 403, 404, 431] {
            let failure = failure_of(status, "<html>blocked</html>");
            assert!(matches!(failure, Failure::NotJson { cut_off: false, .. }), "{status}: {failure:?}");
        }
        let mut redirect = response(302, "");
        redirect.headers.insert("location", HeaderValue::from_static("https://login"));
        let location = Some("https://login".into());
        assert_eq!(opened(&redirect).1, Err(Failure::Redirect { location }));
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
        let retry_after = Some(Duration::from_secs(3));
        assert_eq!(opened(&throttled).1, Err(Failure::Throttled { retry_after }));
    }
}
