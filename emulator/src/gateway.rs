//! The gateway: from a request on the wire to the answer that leaves.

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
use crate::service::{Question, SignedCall};
use crate::signature::{Received, header};
use crate::state::{Shared, State};

/// The largest request body read; only a catalogue comes near.
const BODY_LIMIT: usize = 256 * 1024 * 1024;

/// Everything decided about a call at its arrival.
struct Decision {
    outcome: Outcome,
    wait: Duration,
    terms: Terms,
}

/// What an answer needs to leave, as it was when the call arrived.
struct Terms {
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
    // HTTP/2 has no Host header; clients sign what it would be.
    if let (Some(authority), false) = (parts.uri.authority(), parts.headers.contains_key(HOST))
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(HOST, host);
    }
    let body = Limited::new(body, BODY_LIMIT).collect().await.map(Collected::to_bytes).unwrap_or_default();
    if let Some(reply) = admin::answer(&shared, &parts, &body) {
        return Ok(sent(&reply, Delivery::plain(reply.body.clone()), clock::now(0)));
    }

    let question = Question::of(parts.uri.path(), parts.uri.query().unwrap_or_default());
    let in_flight = shared.journal.arrived(record(&parts, question.as_ref(), connection.number));
    let decision = decide(&mut shared.state(), &parts, question.as_ref(), &body);
    if !decision.wait.is_zero() {
        tokio::time::sleep(decision.wait).await;
    }
    match decision.outcome {
        Outcome::Hang => pending().await,
        Outcome::Reset => {
            connection.reset();
            pending().await
        }
        Outcome::Answer { reply, bent } => Ok(respond(&parts, reply, bent, &decision.terms, in_flight)),
    }
}

fn decide(state: &mut State, parts: &Parts, question: Option<&Question>, body: &[u8]) -> Decision {
    let scenario = state.faults.scenario().clone();
    let now = clock::now(scenario.clock_skew_s);
    let wait = question.map(|question| state.faults.latency(question)).unwrap_or_default();
    let request_id = format!("{:016x}{:016x}", state.request_ids.bits(), state.request_ids.bits());
    let target = target(parts);

    let admitted = if target.len() > scenario.max_url_bytes {
        Err(ApiError::of_status(414))
    } else {
        let question = question.filter(|_| parts.method == Method::GET);
        question.ok_or_else(ApiError::no_route).and_then(|question| {
            let received = Received {
                method: parts.method.as_str(),
                path: parts.uri.path(),
                query: &question.query,
                headers: &parts.headers,
                body,
            };
            state.gatekeeper.admit(&received, &question.region, now)?;
            Ok(question)
        })
    };
    let outcome = match admitted {
        Err(error) => Outcome::Answer { reply: Reply::error(&error, &request_id), bent: false },
        Ok(question) => {
            let headers = &parts.headers;
            let call = SignedCall { question, target, headers, request_id: &request_id, now };
            state.faults.decide(&call, &state.catalogue)
        }
    };
    Decision { outcome, wait, terms: Terms { scenario, request_id, now } }
}

fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

fn record(parts: &Parts, question: Option<&Question>, connection: u64) -> Call {
    let text = |name: &HeaderName| header(&parts.headers, name.as_str()).unwrap_or_default();
    let headers = parts.headers.keys().map(|name| (name.as_str().to_owned(), text(name)));
    Call {
        connection,
        received_ms: clock::unix_ms(),
        http_version: format!("{:?}", parts.version),
        method: parts.method.to_string(),
        target: target(parts).to_owned(),
        region: question.map(|question| question.region.clone()),
        operation: question.map(|question| question.operation.name().to_owned()),
        ids: question.map(|question| question.ids.clone()).unwrap_or_default(),
        user_agent: header(&parts.headers, USER_AGENT.as_str()),
        // Somebody may point real credentials here; the key never travels, but the token does.
        headers: headers.filter(|(name, _)| name != "x-jdcloud-security-token").collect(),
        ..Call::default()
    }
}

/// Sends `reply`, with the faults of its delivery if `bent`.
fn respond(
    parts: &Parts,
    mut reply: Reply,
    bent: bool,
    terms: &Terms,
    in_flight: InFlight,
) -> Response<Delivery> {
    in_flight.answered(reply.status, reply.error.clone(), reply.body.len());
    let healthy = Scenario::default();
    let scenario = if bent { &terms.scenario } else { &healthy };
    let accepted = parts.headers.get(ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok());
    let gzip = accepted.is_some_and(|accepted| accepted.contains("gzip"))
        && !terms.scenario.no_gzip
        && !reply.body.is_empty();
    if gzip {
        reply = reply.with(CONTENT_ENCODING, "gzip");
    }
    if terms.scenario.close_connections && parts.version == Version::HTTP_11 {
        reply = reply.with(CONNECTION, "close");
    }
    // First, so that an answer written by hand can send another one.
    reply.headers.insert(0, (HeaderName::from_static("x-jdcloud-request-id"), terms.request_id.clone()));
    let delivery = Delivery::bent(&reply, scenario, gzip, in_flight);
    sent(&reply, delivery, terms.now)
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
