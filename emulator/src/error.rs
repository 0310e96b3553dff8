//! JD Cloud's error envelope, with the codes and sentences of the gateway's documentation.

use std::borrow::Cow;

use serde::Serialize;

/// The `error` object of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ApiError {
    /// The HTTP status, repeated.
    pub(crate) code: u16,
    /// The name of the error.
    pub(crate) status: Cow<'static, str>,
    /// For developers.
    pub(crate) message: Cow<'static, str>,
}

impl ApiError {
    /// Any error.
    pub(crate) fn new(
        code: u16,
        status: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, status: status.into(), message: message.into() }
    }

    /// 401: the signature is missing or wrong.
    pub(crate) fn access(message: &'static str) -> Self {
        Self::new(401, "ACCESS_ERROR", message)
    }

    /// 404 of the gateway: there is no API at this path.
    pub(crate) fn no_route() -> Self {
        Self::new(404, "NOT_FOUND", "no route and no API found with those values")
    }

    /// 400 of the service.
    pub(crate) fn invalid_argument(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// 404 of the service.
    pub(crate) fn image_not_found(id: &str) -> Self {
        Self::new(404, "NOT_FOUND", format!("Image '{id}' not found"))
    }

    /// What the documentation lists for a bare HTTP status.
    pub(crate) fn of_status(code: u16) -> Self {
        let (status, message) = match code {
            400 => ("INVALID_ARGUMENT", "Invalid parameter"),
            401 => ("ACCESS_ERROR", "Invalid authentication credentials"),
            403 => ("HTTP_FORBIDDEN", "Your IP address is not allowed"),
            404 => ("NOT_FOUND", "Not found"),
            413 => ("HTTP_REQUEST_ENTITY_TOO_LARGE", "Payload too large"),
            414 => ("HTTP_URI_TOO_LONG", "URI too long"),
            429 => ("HTTP_RATE_LIMIT_EXCEEDED", "minute rate limit exceeded, role:ak"),
            502 => ("HTTP_BAD_GATEWAY", "Bad gateway"),
            503 => ("HTTP_SERVICE_UNAVAILABLE", "Service unavailable"),
            504 => ("HTTP_SERVER_TIMING_OUT", "Server timing out"),
            _ => ("INTERNAL", "Internal server error"),
        };
        Self::new(code, status, message)
    }
}
