//! One call of an API: sign, send, open the envelope.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::clock::Clock;
use super::envelope::Said;
use super::error::{Asked, CallError, Context, Failure};
use super::query::encode_path;
use super::random;
use super::settings::{Credentials, Endpoint, Limits, Region, TokenEncoding};
use super::signer::Unsigned;
use super::transport::{RawResponse, SignedRequest, Transport};

/// What every call of a connection shares.
pub(crate) struct Caller {
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    pub(crate) limits: Limits,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Clock,
    /// `max_concurrent_requests`.
    pub(crate) slots: Semaphore,
}

/// A call, before it is signed.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) operation: &'static str,
    pub(crate) service: &'static str,
    pub(crate) region: &'a Region,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) asked: Asked,
}

/// Makes what an answer means of the answer.
pub(crate) type Opened<T> = (Said, Result<T, Failure>);

impl Caller {
    /// Makes the call `request`; `open` reads its answer. What comes with the answer is for errors in its parts.
    pub(crate) async fn call<T>(
        &self,
        request: &Request<'_>,
        open: impl Fn(&RawResponse, Option<TokenEncoding>) -> Opened<T>,
    ) -> Result<(T, Context), Arc<CallError>> {
        let started = Instant::now();
        let mut context = Context {
            operation: request.operation,
            endpoint: self.endpoint.to_string(),
            region: request.region.to_string(),
            asked: request.asked.clone(),
            ..Context::default()
        };
        context.attempts += 1;
        let result = self.attempt(request, &mut context, open).await;
        context.elapsed = started.elapsed();
        match result {
            Ok(value) => Ok((value, context)),
            Err(failure) => Err(Arc::new(CallError { failure, context })),
        }
    }

    /// Sends `request` once, newly signed.
    async fn attempt<T>(
        &self,
        request: &Request<'_>,
        context: &mut Context,
        open: impl Fn(&RawResponse, Option<TokenEncoding>) -> Opened<T>,
    ) -> Result<T, Failure> {
        // Closed by nobody: an error cannot happen, and would only lift the limit.
        let _slot = self.slots.acquire().await;
        let started = Instant::now();
        let signed = self.sign(request)?;
        let limit = self.limits.request_timeout;
        let sent = timeout(limit, self.transport.send(signed)).await;
        let answered = sent.map_err(|_| Failure::AttemptTimeout { limit }).and_then(|sent| Ok(sent?));
        let (status, (said, result)) = match answered {
            Ok(response) => (Some(response.status), open(&response, self.credentials.token_encoding())),
            Err(failure) => (None, (Said::default(), Err(failure))),
        };
        log(context, status, &said, result.as_ref().err(), started.elapsed());
        context.http_status = status;
        (context.request_id, context.status, context.message) = (said.request_id, said.status, said.message);
        result
    }

    fn sign(&self, request: &Request<'_>) -> Result<SignedRequest, Failure> {
        let unsendable = |reason: String| Failure::Unsendable { reason };
        let path = encode_path(&request.path);
        let unsigned = Unsigned {
            host: self.endpoint.host(),
            service: request.service,
            region: request.region.as_str(),
            path: &path,
            query: &request.query,
        };
        let nonce = random::nonce().map_err(|error| unsendable(error.to_string()))?;
        let signed = unsigned
            .sign(&self.credentials, self.clock.now(), &nonce)
            .map_err(|error| unsendable(error.to_string()))?;
        tracing::trace!(canonical_request = signed.canonical_request, "request signed");
        Ok(SignedRequest { url: self.endpoint.join(&path, &request.query), headers: signed.headers })
    }
}

/// The one line that every call leaves in the debug log.
fn log(context: &Context, status: Option<u16>, said: &Said, failure: Option<&Failure>, took: Duration) {
    tracing::debug!(
        operation = context.operation,
        region = context.region,
        ids = context.asked.count,
        attempt = context.attempts,
        http_status = status,
        status = said.status,
        request_id = said.request_id,
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        failure = failure.map(tracing::field::display),
        "call",
    );
}
