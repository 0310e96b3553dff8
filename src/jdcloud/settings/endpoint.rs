//! The base URL of the API.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::Source;
use super::region::is_region;

/// The default endpoint of the VM API.
pub(super) const DEFAULT: &str = "https://vm.jdcloud-api.com";

/// A checked base URL: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    host: String,
    origin: Source,
}

/// Why a text is not a valid endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointProblem {
    /// Not a URL, usually because the scheme is missing.
    #[error("is not a URL such as https://vm.jdcloud-api.com")]
    NotUrl,
    /// Neither http nor https.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// A user name or password, which logs would show.
    #[error("must not contain a user name or password")]
    UserInfo,
    /// A path; the API's paths are fixed.
    #[error("must end after the host and port: no path, no query, no fragment")]
    Path,
    /// Plain HTTP to a host outside of JD Cloud and this machine.
    #[error(
        "is plain http, which is allowed only for this machine and for JD Cloud's internal hosts \
         (*.internal.<region>.jdcloud-api.com): requests and responses would not be protected. Use https://"
    )]
    PlainHttp,
}

impl Endpoint {
    /// Parses `text` as an endpoint.
    ///
    /// # Errors
    /// See [`EndpointProblem`].
    pub fn parse(text: &str) -> Result<Self, EndpointProblem> {
        let url = Url::parse(text).map_err(|_| EndpointProblem::NotUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            // `vm.jdcloud-api.com:443` is a URL with the scheme `vm.jdcloud-api.com`.
            let problem =
                if text.contains("://") { EndpointProblem::Scheme } else { EndpointProblem::NotUrl };
            return Err(problem);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointProblem::UserInfo);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointProblem::Path);
        }
        let name = url.host_str().ok_or(EndpointProblem::NotUrl)?;
        // `Url` drops the default port of the scheme, as the HTTP client does in the Host header.
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let endpoint = Self { host, url, origin: Source::Default };
        if endpoint.is_https() || endpoint.is_loopback() || endpoint.is_internal() {
            Ok(endpoint)
        } else {
            Err(EndpointProblem::PlainHttp)
        }
    }

    pub(super) fn with_origin(self, origin: Source) -> Self {
        Self { origin, ..self }
    }

    /// Its source.
    pub(crate) fn origin(&self) -> &Source {
        &self.origin
    }

    /// The Host header of its requests.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The URL of `path` (which begins with `/`) and `query`, both encoded.
    pub(crate) fn join(&self, path: &str, query: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        url
    }

    /// The port of its requests.
    pub(crate) fn port(&self) -> u16 {
        // Its scheme is http or https.
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Whether its requests use TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = self.url.host_str().unwrap_or_default();
        let address: Result<IpAddr, _> = name.trim_matches(['[', ']']).parse();
        address.map_or_else(|_| name == "localhost" || name.ends_with(".localhost"), |ip| ip.is_loopback())
    }

    /// Whether it is one of the hosts inside a VPC, which support plain HTTP only.
    fn is_internal(&self) -> bool {
        let name = self.url.host_str().unwrap_or_default();
        let region = name.strip_suffix(".jdcloud-api.com").and_then(|rest| rest.split_once(".internal."));
        region.is_some_and(|(product, region)| !product.is_empty() && is_region(region))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.host)
    }
}

/// `text` without the part before an `@`, which may be a password.
pub(super) fn without_user_info(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("…@{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_a_scheme_a_host_and_a_port() {
        for (text, host) in [
            ("https://vm.jdcloud-api.com", "vm.jdcloud-api.com"),
            ("https://vm.jdcloud-api.com:443/", "vm.jdcloud-api.com"),
            ("https://VM.example.com:8443", "vm.example.com:8443"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:80", "[::1]"),
            ("http://localhost:1", "localhost:1"),
            ("http://vm.internal.cn-north-1.jdcloud-api.com", "vm.internal.cn-north-1.jdcloud-api.com"),
        ] {
            assert_eq!(Endpoint::parse(text).map(|e| e.host().to_owned()), Ok(host.to_owned()), "{text}");
        }
    }

    #[test]
    fn invalid_endpoints_are_rejected_with_the_reason() {
        use EndpointProblem::{NotUrl, Path, PlainHttp, Scheme, UserInfo};
        for (text, problem) in [
            ("", NotUrl),
            ("vm.jdcloud-api.com", NotUrl),
            ("vm.jdcloud-api.com:443", NotUrl),
            ("https://", NotUrl),
            ("ftp://vm.jdcloud-api.com", Scheme),
            ("https://me:secret@vm.jdcloud-api.com", UserInfo),
            ("https://vm.jdcloud-api.com/v1", Path),
            ("https://vm.jdcloud-api.com?x=1", Path),
            ("https://vm.jdcloud-api.com#x", Path),
            ("http://vm.jdcloud-api.com", PlainHttp),
            ("http://10.0.0.1", PlainHttp),
            ("http://evil.internal.cn-north-1.jdcloud-api.com.example.com", PlainHttp),
            ("http://vm.internal.CN_north.jdcloud-api.com", PlainHttp),
            ("http://localhost.example.com", PlainHttp),
        ] {
            assert_eq!(Endpoint::parse(text), Err(problem), "{text}");
        }
        assert_eq!(without_user_info("https://me:p@ss@host"), "…@host");
    }

    #[test]
    fn an_encoded_query_is_not_changed() {
        let endpoint = Endpoint::parse(DEFAULT).unwrap();
        let query = "ids.1=a%20b%2A%26%27%28~";
        assert_eq!(endpoint.join("/v1/x", query).as_str(), format!("{DEFAULT}/v1/x?{query}"));
    }
}
