//! The gateway: from a request to its response.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, DATE, HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Incoming;
use time::OffsetDateTime;

use crate::admin;
use crate::clock;
use crate::connection::Connection;
use crate::delivery::Delivery;
use crate::error::ApiError;
use crate::faults::Outcome;
use crate::journal::{Call, InFlight};
use crate::reply::Reply;
use crate::scenario::Scenario;
use crate::service::{ApiRequest, SignedRequest};
use crate::signature::{Received, header};
use crate::state::{Shared, State};

/// The largest request body that is read. A catalogue can have hundreds of megabytes.
const BODY_LIMIT: usize = 256 * 1024 * 1024;

/// What is decided about a request on arrival.
struct Decision {
    outcome: Outcome,
    wait: Duration,
    context: ResponseContext,
}

/// What the response depends on, as of the request's arrival.
struct ResponseContext {
    scenario: Scenario,
    request_id: String,
    now: OffsetDateTime,
}

/// Answers one request.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Delivery>, Infallible> {
    let (mut parts, body) = request.into_parts();
    // HTTP/2 has no Host header; clients sign the value of `:authority`.
    if let (Some(authority), false) = (parts.uri.authority(), parts.headers.contains_key(HOST))
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(HOST, host);
    }
    let body = Limited::new(body, BODY_LIMIT).collect().await.map(Collected::to_bytes).unwrap_or_default();
    if let Some(reply) = admin::answer(&shared, &parts, &body) {
        return Ok(sent(&reply, Delivery::plain(reply.body.clone()), clock::now(0)));
    }

    let request = ApiRequest::of(parts.uri.path(), parts.uri.query().unwrap_or_default());
    let in_flight = shared.journal.arrived(record(&parts, request.as_ref(), connection.number));
    let decision = decide(&mut shared.state(), &parts, request.as_ref(), &body);
    if !decision.wait.is_zero() {
        tokio::time::sleep(decision.wait).await;
    }
    match decision.outcome {
        Outcome::Hang => pending().await,
        Outcome::Reset => {
            connection.reset();
            pending().await
        }
        Outcome::Answer { reply, faulty } => Ok(respond(&parts, reply, faulty, &decision.context, in_flight)),
    }
}

fn decide(state: &mut State, parts: &Parts, request: Option<&ApiRequest>, body: &[u8]) -> Decision {
    let scenario = state.faults.scenario().clone();
    let now = clock::now(scenario.clock_skew_s);
    let wait = request.map(|request| state.faults.latency(request)).unwrap_or_default();
    let request_id = format!("{:016x}{:016x}", state.request_ids.bits(), state.request_ids.bits());
    let target = target(parts);

    let authenticated = if target.len() > scenario.max_url_bytes {
        Err(ApiError::of_status(414))
    } else {
        let request = request.filter(|_| parts.method == Method::GET);
        request.ok_or_else(ApiError::no_route).and_then(|request| {
            let received = Received {
                method: parts.method.as_str(),
                path: parts.uri.path(),
                query: &request.query,
                headers: &parts.headers,
                body,
            };
            state.authenticator.authenticate(&received, &request.region, now)?;
            Ok(request)
        })
    };
    let outcome = match authenticated {
        Err(error) => Outcome::Answer { reply: Reply::error(&error, &request_id), faulty: false },
        Ok(request) => {
            let headers = &parts.headers;
            let call = SignedRequest { request, target, headers, request_id: &request_id, now };
            state.faults.decide(&call, &state.catalogue)
        }
    };
    Decision { outcome, wait, context: ResponseContext { scenario, request_id, now } }
}

fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

fn record(parts: &Parts, request: Option<&ApiRequest>, connection: u64) -> Call {
    let text = |name: &HeaderName| header(&parts.headers, name.as_str()).unwrap_or_default();
    let headers = parts.headers.keys().map(|name| (name.as_str().to_owned(), text(name)));
    Call {
        connection,
        received_ms: clock::unix_ms(),
        http_version: format!("{:?}", parts.version),
        method: parts.method.to_string(),
        target: target(parts).to_owned(),
        region: request.map(|request| request.region.clone()),
        operation: request.map(|request| request.operation.name().to_owned()),
        ids: request.map(|request| request.ids.clone()).unwrap_or_default(),
        user_agent: header(&parts.headers, USER_AGENT.as_str()),
        // A user may send real credentials to the emulator. The secret key is never sent, but the token is.
        headers: headers.filter(|(name, _)| name != "x-jdcloud-security-token").collect(),
        ..Call::default()
    }
}

/// Sends `reply`, with the faults of its delivery if `faulty`.
fn respond(
    parts: &Parts,
    mut reply: Reply,
    faulty: bool,
    context: &ResponseContext,
    in_flight: InFlight,
) -> Response<Delivery> {
    in_flight.answered(reply.status, reply.error.clone(), reply.body.len());
    let healthy = Scenario::default();
    let scenario = if faulty { &context.scenario } else { &healthy };
    let accepted = parts.headers.get(ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok());
    let gzip = accepted.is_some_and(|accepted| accepted.contains("gzip"))
        && !context.scenario.no_gzip
        && !reply.body.is_empty();
    if gzip {
        reply = reply.with(CONTENT_ENCODING, "gzip");
    }
    if context.scenario.close_connections && parts.version == Version::HTTP_11 {
        reply = reply.with(CONNECTION, "close");
    }
    // First, so that a raw answer can replace it.
    reply.headers.insert(0, (HeaderName::from_static("x-jdcloud-request-id"), context.request_id.clone()));
    let delivery = Delivery::with_faults(&reply, scenario, gzip, in_flight);
    sent(&reply, delivery, context.now)
}

fn sent(reply: &Reply, delivery: Delivery, now: OffsetDateTime) -> Response<Delivery> {
    let length = delivery.length();
    let mut response = Response::new(delivery);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    for (name, value) in reply.headers.iter().chain([&(DATE, clock::http_date(now))]) {
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value.clone())) {
            headers.insert(name.clone(), value);
        }
    }
    response
}
