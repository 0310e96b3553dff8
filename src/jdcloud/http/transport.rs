//! The HTTP transport: sends a signed request and returns the complete response. Retries and parsing are done elsewhere.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use http::header::{HeaderMap, LOCATION};
use reqwest::{Url, redirect};

use super::proxy::{self, SelectedProxy};
use super::tls::{self, TlsProblem};
use crate::jdcloud::settings::{Endpoint, Environment, SettingsError};
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// The maximum size of a response after decompression. A response with all images of a region has some megabytes.
pub const MAX_BODY: usize = 64 * 1024 * 1024;

/// A GET request, ready to send.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    /// Its URL, with the signed encoding.
    pub url: Url,
    /// Its headers except `Host` and `User-Agent`.
    pub headers: HeaderMap,
}

/// A complete response.
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
    /// The value of the header `name`.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The target of a redirect.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header(LOCATION)
    }
}

/// Why there is no complete response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The host name cannot be resolved.
    #[error("the name {host} cannot be resolved: {reason}")]
    Dns {
        /// The name.
        host: UntrustedText,
        /// The resolver's reason.
        reason: UntrustedText,
    },
    /// The connection failed.
    #[error("no connection to {host}: {reason}")]
    Connect {
        /// Host and port.
        host: UntrustedText,
        /// The system's reason.
        reason: UntrustedText,
    },
    /// The server's certificate or its TLS is not acceptable.
    #[error("no trusted TLS connection to {host}: {problem}")]
    Tls {
        /// Host and port.
        host: UntrustedText,
        /// Why.
        problem: TlsProblem,
    },
    /// The server speaks plain HTTP instead of TLS, or the reverse.
    #[error("{host} {}", if *.tls { "does not speak TLS" } else { "does not speak plain HTTP" })]
    WrongScheme {
        /// Host and port.
        host: UntrustedText,
        /// Whether TLS was expected.
        tls: bool,
    },
    /// The HTTP client rejected the request.
    #[error("the request cannot be made: {reason}")]
    Unsendable {
        /// Why.
        reason: UntrustedText,
    },
    /// The proxy cannot be reached.
    #[error("the proxy {proxy} failed: {reason}")]
    Proxy {
        /// The proxy, without user name and password.
        proxy: UntrustedText,
        /// The environment variable that it is from.
        variable: &'static str,
        /// Why.
        reason: UntrustedText,
    },
    /// The proxy refused the connection to the server.
    #[error("the proxy {proxy} refused the connection to {host}")]
    ProxyRefusal {
        /// The proxy, without user name and password.
        proxy: UntrustedText,
        /// The environment variable that it is from.
        variable: &'static str,
        /// Host and port of the server.
        host: UntrustedText,
    },
    /// The proxy rejects the user name and password, or the lack of them. Repeated, that may lock an account.
    #[error("the proxy {proxy} requires another user name and password (HTTP 407)")]
    ProxyAuthentication {
        /// The proxy, without user name and password.
        proxy: UntrustedText,
        /// The environment variable that it is from.
        variable: &'static str,
    },
    /// The connection ended before the response was complete.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// Host and port.
        host: UntrustedText,
        /// Why.
        reason: UntrustedText,
    },
    /// The response is larger than [`MAX_BODY`].
    #[error("the response is larger than {} MiB", .limit / 1024 / 1024)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Sends requests. Dropping the future cancels the request; the caller has the timeout.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the complete response.
    ///
    /// # Errors
    /// If there is no complete response. A response of any status is `Ok`.
    async fn send(&self, request: SignedRequest) -> Result<RawResponse, TransportError>;

    /// Makes the next request use a new connection, because responses on the kept ones may belong to other requests.
    fn reset(&self) {}
}

/// HTTP/1.1 and HTTP/2 over TLS, with connections kept for the next request.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    /// Holds the kept connections.
    client: Mutex<reqwest::Client>,
    /// For new clients.
    tls: rustls::ClientConfig,
    user_agent: String,
    proxy: Option<SelectedProxy>,
    host: UntrustedText,
    is_https: bool,
    redactor: Arc<Redactor>,
}

impl HttpTransport {
    /// A transport to `endpoint`. Reads the root certificates, which blocks; opens no connection.
    ///
    /// # Errors
    /// Invalid root certificates or proxy variables.
    pub(crate) fn new(
        endpoint: &Endpoint,
        ca_bundle: Option<&str>,
        environment: &Environment,
        user_agent: &str,
        redactor: Arc<Redactor>,
    ) -> Result<Self, SettingsError> {
        let proxy = proxy::of(endpoint, environment, &redactor)?;
        let uses_tls = endpoint.is_https() || proxy.as_ref().is_some_and(|proxy| proxy.is_https);
        let tls = tls::config(uses_tls, ca_bundle, environment, &redactor)?;
        let client = client(&tls, user_agent, proxy.as_ref())
            .map_err(|error| SettingsError::Setup { reason: redactor.text(reason(&error)) })?;
        Ok(Self {
            client: Mutex::new(client),
            tls,
            user_agent: user_agent.to_owned(),
            proxy,
            host: redactor.text(endpoint.host()),
            is_https: endpoint.is_https(),
            redactor,
        })
    }

    fn client(&self) -> MutexGuard<'_, reqwest::Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, error: reqwest::Error) -> TransportError {
        let error = error.without_url();
        let host = self.host.clone();
        if error.is_builder() {
            return TransportError::Unsendable { reason: self.redactor.text(reason(&error)) };
        }
        let wrong_scheme = match tls_error(&error) {
            Some(rustls::Error::InvalidMessage(_)) => true,
            Some(tls) => {
                let host = match &self.proxy {
                    Some(proxy) if proxy.is_https => self.redactor.text(format!("{host} or {}", proxy.shown)),
                    _ => host,
                };
                return TransportError::Tls { host, problem: TlsProblem::of(tls, &self.redactor) };
            }
            None => !self.is_https && is_not_http(&error),
        };
        if wrong_scheme && self.proxy.is_none() {
            return TransportError::WrongScheme { host, tls: self.is_https };
        }
        let reason = self.redactor.text(reason(&error));
        match &self.proxy {
            Some(proxy) if error.is_connect() => match reason.to_string() {
                tunnel if tunnel.contains(TUNNEL_407) => proxy.authentication(),
                tunnel if tunnel.contains(TUNNEL_REFUSED) => proxy.refusal(host),
                _ => proxy.error(reason),
            },
            _ if error.is_dns() => TransportError::Dns { host, reason },
            _ if error.is_connect() => TransportError::Connect { host, reason },
            _ => TransportError::Broken { host, reason },
        }
    }
}

/// The HTTP client's words for a proxy that answers CONNECT with 407.
const TUNNEL_407: &str = "proxy authorization required";

/// And for one that answers with another error.
const TUNNEL_REFUSED: &str = "tunnel error: unsuccessful";

impl SelectedProxy {
    fn authentication(&self) -> TransportError {
        TransportError::ProxyAuthentication { proxy: self.shown.clone(), variable: self.variable }
    }

    fn refusal(&self, host: UntrustedText) -> TransportError {
        TransportError::ProxyRefusal { proxy: self.shown.clone(), variable: self.variable, host }
    }

    fn error(&self, reason: UntrustedText) -> TransportError {
        TransportError::Proxy { proxy: self.shown.clone(), variable: self.variable, reason }
    }
}

/// A client without connections.
fn client(
    tls: &rustls::ClientConfig,
    user_agent: &str,
    proxy: Option<&SelectedProxy>,
) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .user_agent(user_agent)
        .referer(false)
        // Otherwise, the target of a redirect would receive a signed request.
        .redirect(redirect::Policy::none())
        // A repeated nonce is refused, so a retry needs a new signature.
        .retry(reqwest::retry::never())
        // The proxy is selected from the environment of this client, not from that of the process.
        .no_proxy();
    match proxy {
        Some(proxy) => builder.proxy(proxy.proxy.clone()),
        None => builder,
    }
    .build()
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: SignedRequest) -> Result<RawResponse, TransportError> {
        let request = self.client().get(request.url).headers(request.headers);
        let mut response = request.send().await.map_err(|error| self.error(error))?;
        if let (407, Some(proxy)) = (response.status().as_u16(), &self.proxy) {
            return Err(proxy.authentication());
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

    fn reset(&self) {
        match client(&self.tls, &self.user_agent, self.proxy.as_ref()) {
            Ok(new) => *self.client() = new,
            // This succeeded before with the same arguments. Keep the old client.
            Err(error) => {
                let error = self.redactor.text(reason(&error));
                tracing::warn!(%error, "the HTTP client cannot be replaced");
            }
        }
    }
}

/// Whether the server's first bytes are not HTTP, such as a TLS alert.
fn is_not_http(error: &reqwest::Error) -> bool {
    chain(Some(error)).filter_map(|error| error.downcast_ref::<hyper::Error>()).any(hyper::Error::is_parse)
}

/// The error of the TLS library in the chain. It is inside an `io::Error`, whose `source` skips it.
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

/// The innermost reason of `error`, usually the system's message.
fn reason(error: &(dyn StdError + 'static)) -> String {
    chain(Some(error)).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests;
