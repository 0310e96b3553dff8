//! The wire: sends a signed request, brings back the whole answer. Knows no retries and no meaning.

use std::error::Error as StdError;
use std::io;

use async_trait::async_trait;
use http::header::{HeaderMap, LOCATION};
use reqwest::{Url, redirect};

use super::{proxy, tls};
use crate::jdcloud::settings::{Endpoint, Environment, SettingsError};

/// The longest answer taken, after decompression. Every image of a region is some megabytes.
pub const MAX_BODY: usize = 64 * 1024 * 1024;

/// A GET request, ready to send.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    /// Its URL, encoded as it was signed.
    pub url: Url,
    /// Its headers but `Host` and `User-Agent`.
    pub headers: HeaderMap,
}

/// A complete answer.
#[derive(Debug, Clone, Default)]
pub struct RawResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The decompressed body.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// The text of header `name`.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where a redirect points.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header(LOCATION)
    }
}

/// Why no complete answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The host's name has no address.
    #[error("the name {host} cannot be resolved: {reason}")]
    Dns {
        /// The name.
        host: String,
        /// The resolver's reason.
        reason: String,
    },
    /// No connection.
    #[error("no connection to {host}: {reason}")]
    Connect {
        /// Host and port.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// The server's certificate or its TLS is not acceptable.
    #[error("no trusted TLS connection to {host}: {reason}")]
    Tls {
        /// Host and port.
        host: String,
        /// The certificate's or the protocol's reason.
        reason: String,
    },
    /// The proxy cannot be reached or refuses.
    #[error("the proxy {proxy} fails: {reason}")]
    Proxy {
        /// The proxy, without user name and password.
        proxy: String,
        /// Why.
        reason: String,
    },
    /// The connection broke before the answer was complete.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// Host and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// The answer is longer than [`MAX_BODY`].
    #[error("the answer is longer than {} MiB", .limit / 1024 / 1024)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Sends one request. The caller bounds the time: a dropped future gives the request up.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// Whatever kept a complete answer from coming; an answer of any status is `Ok`.
    async fn send(&self, request: SignedRequest) -> Result<RawResponse, TransportError>;
}

/// HTTP/1.1 and HTTP/2 over TLS, with connections kept for the next request.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    client: reqwest::Client,
    host: String,
    proxy: Option<String>,
}

impl HttpTransport {
    /// A transport to `endpoint`. Reads the trusted roots, connects to nobody.
    ///
    /// # Errors
    /// Roots or proxy variables that cannot be used.
    pub(crate) fn new(
        endpoint: &Endpoint,
        ca_bundle: Option<&str>,
        environment: &Environment,
        user_agent: &str,
    ) -> Result<Self, SettingsError> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(endpoint, ca_bundle, environment)?)
            .user_agent(user_agent)
            .referer(false)
            // Whoever a redirect points to would get a signed request.
            .redirect(redirect::Policy::none())
            // A repeated nonce is refused: only a newly signed request may be sent again.
            .retry(reqwest::retry::never())
            // Proxies are ours to decide, from the environment that we were given.
            .no_proxy();
        let proxy = proxy::of(endpoint, environment)?;
        let shown = proxy.as_ref().map(|proxy| proxy.shown.clone());
        let builder = match proxy {
            Some(proxy) => builder.proxy(proxy.proxy),
            None => builder,
        };
        let client = builder.build().map_err(|error| SettingsError::Setup { reason: reason(&error) })?;
        Ok(Self { client, host: endpoint.host().to_owned(), proxy: shown })
    }

    fn error(&self, error: reqwest::Error) -> TransportError {
        let error = error.without_url();
        let host = self.host.clone();
        if let Some(tls) = tls_error(&error) {
            return TransportError::Tls { host, reason: tls::explain(tls) };
        }
        let reason = reason(&error);
        match &self.proxy {
            Some(proxy) if error.is_connect() => TransportError::Proxy { proxy: proxy.clone(), reason },
            _ if error.is_dns() => TransportError::Dns { host, reason },
            _ if error.is_connect() => TransportError::Connect { host, reason },
            _ => TransportError::Broken { host, reason },
        }
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: SignedRequest) -> Result<RawResponse, TransportError> {
        let request = self.client.get(request.url).headers(request.headers);
        let mut response = request.send().await.map_err(|error| self.error(error))?;
        if let (407, Some(proxy)) = (response.status().as_u16(), &self.proxy) {
            let reason = "it wants a user name and password (HTTP 407)".to_owned();
            return Err(TransportError::Proxy { proxy: proxy.clone(), reason });
        }
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.error(error))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(TransportError::TooLarge { limit: MAX_BODY });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(RawResponse { status, headers, body })
    }
}

/// The TLS library's own error in the chain; it hides inside an `io::Error`, which passes over it.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let inside = |error: &'a (dyn StdError + 'static)| -> Option<&'a rustls::Error> {
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().and_then(|inner| tls_error(inner)),
            None => error.downcast_ref(),
        }
    };
    chain(Some(error)).find_map(inside)
}

fn chain<'a>(
    first: Option<&'a (dyn StdError + 'static)>,
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = first;
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The innermost reason of `error`: what the system said. The libraries' words around it help nobody.
fn reason(error: &(dyn StdError + 'static)) -> String {
    chain(Some(error)).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests;
