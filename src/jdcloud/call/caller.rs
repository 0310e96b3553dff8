//! One call of an API: sign, send, parse the response, and retry.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::Retryable as _;
use hashbrown::HashMap;
use http::header::DATE;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use super::retry;
use crate::jdcloud::call::clock::{Clock, Finding, http_date};
use crate::jdcloud::call::envelope::ResponseMeta;
use crate::jdcloud::call::error::{CallError, Context, Failure, RequestSummary};
use crate::jdcloud::call::notice::{Notice, Notices};
use crate::jdcloud::call::waiter::{Retries, Waiter};
use crate::jdcloud::http::transport::{RawResponse, SignedRequest, Transport, TransportError};
use crate::jdcloud::settings::{Credentials, Endpoint, Limits, Region};
use crate::jdcloud::signing::query::encode_path;
use crate::jdcloud::signing::random;
use crate::jdcloud::signing::signer::{Unsigned, Version};
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// What all calls of a connection share.
pub(crate) struct Caller {
    pub(crate) limits: Limits,
    pub(crate) notices: Notices,
    endpoint: Endpoint,
    credentials: Credentials,
    redactor: Arc<Redactor>,
    transport: Arc<dyn Transport>,
    clock: Clock,
    budgets: Mutex<HashMap<Region, Arc<retry::Budget>>>,
    /// `max_concurrent_requests`; a call that waits for its next attempt holds no slot.
    slots: Semaphore,
    /// Until when the account is throttled, by `Retry-After`.
    throttled_until: Mutex<Option<Instant>>,
    signature: Mutex<SignatureState>,
}

/// Which version of the signature the gateway accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SignatureState {
    /// No call has succeeded yet, or failed because of its signature.
    Untried,
    /// This version is accepted.
    Accepted(Version),
    /// No version is accepted, so the secret key is wrong.
    Refused,
}

/// An operation of the API that lists something in a region.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Its name in the API, for errors and logs.
    pub(crate) name: &'static str,
    /// The product in the credential scope.
    pub(crate) service: &'static str,
    /// The last segment of its path.
    pub(crate) collection: &'static str,
    /// What its ids identify, in the singular, for errors.
    pub(crate) asks_about: &'static str,
    /// What its responses list, in the plural, for errors.
    pub(crate) lists: &'static str,
}

impl Operation {
    /// The path in `region`, which needs no escaping.
    pub(crate) fn path(&self, region: &Region) -> String {
        format!("/v1/regions/{region}/{}", self.collection)
    }
}

/// A request before it is signed.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) region: &'a Region,
    /// In canonical form.
    pub(crate) query: String,
    pub(crate) summary: RequestSummary,
}

/// The metadata and the result of a response.
pub(crate) type Parsed<T> = (ResponseMeta, Result<T, Failure>);

/// Parses a response; on another thread if it is large.
pub(crate) trait ParseResponse<T>:
    Fn(&RawResponse, &Redactor) -> Parsed<T> + Clone + Send + Sync + 'static
{
}

impl<T, F: Fn(&RawResponse, &Redactor) -> Parsed<T> + Clone + Send + Sync + 'static> ParseResponse<T> for F {}

/// The largest response that is parsed on the event loop, which takes about a millisecond.
const MAX_PARSED_INLINE: usize = 256 * 1024;

/// Slightly less than the maximum of the HTTP client. JD Cloud's gateway accepts 8 KiB.
const MAX_URL: usize = 60_000;

/// The result of one attempt, and the metadata of its response.
struct Attempt<T> {
    result: Result<T, Failure>,
    http_status: Option<u16>,
    meta: ResponseMeta,
    /// The `Date` header.
    date: Option<OffsetDateTime>,
    /// The clock correction that the request was signed with.
    correction: time::Duration,
}

impl<T> Attempt<T> {
    /// Whether the response shows that JD Cloud accepted the signature. A firewall's refusal, or a failure, does not.
    fn is_authenticated(&self) -> bool {
        self.result.is_ok()
            || self.meta.request_id.is_some() && matches!(self.meta.code, Some(403 | 404 | 429))
    }
}

impl Caller {
    pub(crate) fn new(
        endpoint: Endpoint,
        credentials: Credentials,
        redactor: Arc<Redactor>,
        limits: Limits,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self {
            endpoint,
            credentials,
            redactor,
            transport,
            limits,
            notices: Notices::default(),
            clock: Clock::default(),
            budgets: Mutex::default(),
            slots: Semaphore::new(limits.max_concurrent_requests),
            throttled_until: Mutex::default(),
            signature: Mutex::new(SignatureState::Untried),
        }
    }

    /// The retry budget of `region`, which its reads share.
    fn budget(&self, region: &Region) -> Arc<retry::Budget> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(budgets.entry(region.clone()).or_default())
    }

    /// `text` from a response, safe to show.
    pub(crate) fn untrusted(&self, text: &str) -> UntrustedText {
        self.redactor.text(text)
    }

    /// The length of the URL of a request for `path` without a query.
    pub(crate) fn url_length(&self, path: &str) -> usize {
        self.endpoint.join(&encode_path(path), "").as_str().len()
    }

    /// The error context of a call before it is made.
    pub(crate) fn context(&self, operation: &Operation, region: &Region, summary: RequestSummary) -> Context {
        Context {
            operation: operation.name,
            asks_about: operation.asks_about,
            lists: operation.lists,
            endpoint: self.redactor.text(self.endpoint.to_string()),
            endpoint_source: Some(self.endpoint.origin().clone()),
            region: self.redactor.text(region.as_str()),
            credentials: Some(self.credentials.origin().clone()),
            token: self.credentials.token_encoding(),
            asked: summary,
            ..Context::default()
        }
    }

    /// The error of a read that took too long, with its last failure.
    pub(crate) fn out_of_time(
        &self,
        operation: &Operation,
        region: &Region,
        asked: RequestSummary,
        waiter: &Waiter,
    ) -> Arc<CallError> {
        let limit = self.limits.read_timeout;
        let (last, context) = match waiter.last_failure() {
            Some(CallError { failure, context }) => (Some(Box::new(failure)), context),
            None => (None, self.context(operation, region, RequestSummary::default())),
        };
        let context = Context { asked, elapsed: limit, ..context };
        Arc::new(CallError { failure: Failure::ReadTimeout { limit, last }, context })
    }

    /// Sends `request`, with retries within `limits`, and parses its response with `parse`. The context is for errors in
    /// parts of the result.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        request: &Request<'_>,
        limits: &Retries<'_>,
        parse: impl ParseResponse<T>,
    ) -> Result<(T, Context), CallError> {
        let started = Instant::now();
        let (attempts, retries) = (AtomicU32::new(0), AtomicU32::new(0));
        let context = |attempt: &Attempt<T>| Context {
            http_status: attempt.http_status,
            code: attempt.meta.code,
            status: attempt.meta.status.clone(),
            message: attempt.meta.message.clone(),
            request_id: attempt.meta.request_id.clone(),
            attempts: attempts.load(Ordering::Relaxed),
            elapsed: started.elapsed(),
            is_shared: limits.is_shared(),
            ..self.context(request.operation, request.region, request.summary.clone())
        };
        let attempt = || async {
            let mut version = self.version();
            let mut attempt = self.attempt(request, limits, version, &attempts, &parse).await;
            while self.corrects_clock(&mut attempt) {
                attempt = self.attempt(request, limits, version, &attempts, &parse).await;
            }
            if self.may_be_the_signature(&attempt) {
                match self.signature() {
                    SignatureState::Untried => {
                        let other = self.attempt(request, limits, Version::V3, &attempts, &parse).await;
                        if other.is_authenticated() {
                            (version, attempt) = (Version::V3, other);
                        } else if other.meta.code == Some(401) {
                            self.record_signature(SignatureState::Refused);
                        }
                        // Otherwise, the error is that of the documented version.
                    }
                    // Another call has found it since this one was signed.
                    SignatureState::Accepted(accepted) if accepted != version => {
                        version = accepted;
                        attempt = self.attempt(request, limits, version, &attempts, &parse).await;
                    }
                    SignatureState::Accepted(_) | SignatureState::Refused => {}
                }
            }
            if matches!(attempt.result, Err(Failure::OtherRow { .. })) {
                // The connection may be out of step, so that the response belongs to another request.
                self.transport.reset();
                attempt = self.attempt(request, limits, version, &attempts, &parse).await;
            }
            if attempt.result.is_ok() {
                self.record_signature(SignatureState::Accepted(version));
            }
            let context = context(&attempt);
            match attempt.result {
                Ok(value) => Ok((value, context)),
                Err(failure) => Err(CallError { failure, context }),
            }
        };
        let budget = self.budget(request.region);
        // The remaining time of the read, if `Retry-After` is longer.
        let time_left = Mutex::new(None);
        let called = attempt
            .retry(retry::backoff(self.limits.max_retries))
            .sleep(tokio::time::sleep)
            .when(|error| {
                retry::is_retryable(&error.failure) && retries.load(Ordering::Relaxed) < limits.retries(error)
            })
            .adjust(|error, step| {
                let wait = retry::wait(&error.failure, step?, random::fraction());
                // The error now is more useful than a timeout later.
                let left = limits.deadline().saturating_duration_since(Instant::now());
                if wait >= left {
                    *time_left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
                }
                // Throttled retries wait long enough by themselves.
                let is_throttled = matches!(error.failure, Failure::Throttled { .. });
                (wait < left && (is_throttled || budget.take())).then_some(wait)
            })
            .notify(|error: &CallError, wait| {
                let (next, all) = (error.context.attempts + 1, limits.retries(error).saturating_add(1));
                tracing::warn!(
                    operation = request.operation.name,
                    region = request.region.as_str(),
                    "{}, retrying in {:.1}s, attempt {next} of {all}",
                    error.failure,
                    wait.as_secs_f64()
                );
                retries.fetch_add(1, Ordering::Relaxed);
                limits.record_failure(error);
            })
            .await;
        if called.is_ok() {
            budget.refill();
        }
        called.map_err(|error| {
            let time_left = time_left.into_inner().unwrap_or_else(PoisonError::into_inner);
            CallError { context: Context { time_left, ..error.context }, ..error }
        })
    }

    /// Signs `request` and sends it once.
    async fn attempt<T: Send + 'static>(
        &self,
        request: &Request<'_>,
        limits: &Retries<'_>,
        version: Version,
        attempts: &AtomicU32,
        parse: &impl ParseResponse<T>,
    ) -> Attempt<T> {
        // The semaphore is never closed, so this does not fail.
        let _slot = self.slots.acquire().await;
        while let Some(until) = self.throttled_until(limits) {
            sleep_until(until).await;
        }
        let started = Instant::now();
        let correction = self.clock.correction();
        let limit = self.limits.request_timeout;
        let sent = match self.sign(request, version, correction) {
            Ok(signed) => {
                attempts.fetch_add(1, Ordering::Relaxed);
                let sent = match timeout(limit, self.transport.send(signed)).await {
                    Ok(response) => response.map_err(Failure::from),
                    Err(_) => Err(Failure::AttemptTimeout { limit }),
                };
                if matches!(
                    sent,
                    Err(Failure::AttemptTimeout { .. } | Failure::Transport(TransportError::Broken { .. }))
                ) {
                    // With HTTP/2, the next attempt would use the same connection, which may be stuck; with HTTP/1.1, another
                    // kept one, which may be closed as well.
                    self.transport.reset();
                }
                sent
            }
            Err(failure) => Err(failure),
        };
        let attempt = match sent {
            Ok(response) => {
                let date = response.header(DATE).and_then(http_date);
                let http_status = Some(response.status);
                let (meta, result) = self.parse(response, parse).await;
                Attempt { result, http_status, meta, date, correction }
            }
            Err(failure) => Attempt {
                result: Err(failure),
                http_status: None,
                meta: ResponseMeta::default(),
                date: None,
                correction,
            },
        };
        if let Err(Failure::Throttled { retry_after: Some(after) }) = attempt.result {
            let until = Instant::now().checked_add(after);
            *self.throttled_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
        log(request, attempts.load(Ordering::Relaxed), &attempt, started.elapsed());
        attempt
    }

    /// Until when requests of this account would be throttled, if the reads wait as long.
    fn throttled_until(&self, limits: &Retries<'_>) -> Option<Instant> {
        let until = *self.throttled_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.filter(|until| *until > Instant::now() && *until < limits.deadline())
    }

    /// Parses `response`, on another thread if it is large.
    async fn parse<T: Send + 'static>(
        &self,
        response: RawResponse,
        parse: &impl ParseResponse<T>,
    ) -> Parsed<T> {
        if response.body.len() <= MAX_PARSED_INLINE {
            return parse(&response, &self.redactor);
        }
        let (parse, redactor) = (parse.clone(), Arc::clone(&self.redactor));
        match tokio::task::spawn_blocking(move || parse(&response, &redactor)).await {
            Ok(parsed) => parsed,
            Err(error) => match error.try_into_panic() {
                // Continue the panic on this task.
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// The version of the signature for the next request.
    fn version(&self) -> Version {
        match self.signature() {
            SignatureState::Accepted(version) => version,
            SignatureState::Untried | SignatureState::Refused => Version::V2,
        }
    }

    /// Whether another version of the signature may succeed: the cause is not the clock, the access key or the token.
    fn may_be_the_signature<T>(&self, attempt: &Attempt<T>) -> bool {
        match attempt.result {
            Err(Failure::SignatureMismatch) => true,
            Err(Failure::Unauthenticated) => self.credentials.token_encoding().is_none(),
            _ => false,
        }
    }

    fn signature(&self) -> SignatureState {
        *self.signature.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the first finding about the signature; later ones do not change it.
    fn record_signature(&self, found: SignatureState) {
        let mut signature = self.signature.lock().unwrap_or_else(PoisonError::into_inner);
        if *signature == SignatureState::Untried {
            *signature = found;
            if found == SignatureState::Accepted(Version::V3) {
                tracing::warn!("the gateway refused version 2 of the signature and accepted version 3");
                self.notices.add(Notice::SignatureVersion3);
            }
        }
    }

    fn sign(
        &self,
        request: &Request<'_>,
        version: Version,
        correction: time::Duration,
    ) -> Result<SignedRequest, Failure> {
        let unsendable = |reason: String| Failure::Unsendable { reason: self.redactor.text(reason) };
        let path = request.operation.path(request.region);
        let path = encode_path(&path);
        let unsigned = Unsigned {
            host: self.endpoint.host(),
            service: request.operation.service,
            region: request.region.as_str(),
            path: &path,
            query: &request.query,
        };
        let nonce = random::nonce().map_err(|error| unsendable(error.to_string()))?;
        let signed = unsigned
            .sign(version, &self.credentials, OffsetDateTime::now_utc() + correction, &nonce)
            .map_err(|error| unsendable(error.to_string()))?;
        tracing::trace!(canonical_request = signed.canonical_request, "request signed");
        let url = self.endpoint.join(&path, &request.query);
        if url.as_str().len() > MAX_URL {
            return Err(unsendable(format!("its URL is longer than {MAX_URL} bytes")));
        }
        Ok(SignedRequest { url, headers: signed.headers })
    }

    /// Whether the attempt was refused because of a wrong clock that is corrected now. If it cannot be corrected, that is
    /// the failure.
    fn corrects_clock<T>(&self, attempt: &mut Attempt<T>) -> bool {
        let refused = attempt.meta.code == Some(401);
        let (Some(server), true) = (attempt.date, refused) else { return false };
        // Over plain HTTP, the `Date` header could be forged.
        let trusted = self.endpoint.is_https() || self.endpoint.is_loopback();
        match self.clock.compare(server, attempt.correction, trusted) {
            Finding::Correct => false,
            Finding::Corrected { by } => {
                if let Some(by) = by {
                    tracing::warn!(seconds = by.whole_seconds(), "clock corrected from the Date header");
                    self.notices.add(Notice::ClockCorrected { by });
                }
                true
            }
            Finding::Wrong { by } => {
                // An unknown key is refused whatever the time.
                if !matches!(attempt.result, Err(Failure::UnknownAccessKey)) {
                    attempt.result = Err(Failure::ClockSkew { by, server });
                }
                false
            }
        }
    }
}

/// Logs an attempt, in one line.
fn log<T>(request: &Request<'_>, number: u32, attempt: &Attempt<T>, took: Duration) {
    tracing::debug!(
        operation = request.operation.name,
        region = request.region.as_str(),
        ids = request.summary.count,
        attempt = number,
        http_status = attempt.http_status,
        status = attempt.meta.status.as_ref().map(tracing::field::display),
        request_id = attempt.meta.request_id.as_ref().map(tracing::field::display),
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        failure = attempt.result.as_ref().err().map(tracing::field::display),
        "call",
    );
}

#[cfg(test)]
mod tests;
