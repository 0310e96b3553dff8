//! The proxy of the requests, from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use crate::jdcloud::settings::{Endpoint, Environment, SettingsError};
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// The proxy of all requests of a client.
#[derive(Debug)]
pub(crate) struct SelectedProxy {
    pub(crate) proxy: Proxy,
    /// The environment variable that it is from.
    pub(crate) variable: &'static str,
    /// Scheme, host and port, without user name and password.
    pub(crate) shown: UntrustedText,
    pub(crate) is_https: bool,
}

/// The proxy for requests to `endpoint`.
///
/// # Errors
/// A variable that is not the URL of an HTTP or HTTPS proxy.
pub(crate) fn of(
    endpoint: &Endpoint,
    environment: &Environment,
    redactor: &Redactor,
) -> Result<Option<SelectedProxy>, SettingsError> {
    // Requests to this machine never use a proxy.
    if endpoint.is_loopback() {
        return Ok(None);
    }
    let names: [&'static str; 4] = if endpoint.is_https() {
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    } else {
        ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
    };
    let found = names.into_iter().find_map(|name| Some((name, environment.variable(name)?)));
    let Some((variable, value)) = found else { return Ok(None) };
    if is_exempt(endpoint, environment) {
        return Ok(None);
    }
    let invalid = |reason| SettingsError::Proxy { variable, reason };
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&with_scheme).map_err(|_| invalid("it is not a valid URL"))?;
    let host = url.host_str().ok_or_else(|| invalid("the URL has no host"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("only http and https proxies are supported"));
    }
    // Otherwise, the beginning of a password would be the port.
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid(
            "the URL goes on after the host and port; in a password, / is written %2F, ? is written %3F, and # is \
             written %23",
        ));
    }
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let shown = redactor.text(format!("{}://{host}{port}", url.scheme()));
    let is_https = url.scheme() == "https";
    let proxy = Proxy::all(url).map_err(|_| invalid("it is not a valid URL"))?;
    Ok(Some(SelectedProxy { proxy, variable, shown, is_https }))
}

/// Whether `NO_PROXY` names the endpoint's host, its domain or its network.
fn is_exempt(endpoint: &Endpoint, environment: &Environment) -> bool {
    let Some(no) = environment.variable("NO_PROXY").or_else(|| environment.variable("no_proxy")) else {
        return false;
    };
    // Also in forms that Terraform takes: with the endpoint's port, and *.example.com.
    let port = format!(":{}", endpoint.port());
    let entry = |entry: &str| {
        let entry = entry.trim();
        let entry = entry.strip_suffix(&port).unwrap_or(entry);
        entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry).to_owned()
    };
    let no = no.split(',').map(entry).collect::<Vec<_>>().join(",");
    // Only whether a proxy would be used matters, not which.
    let matcher = Matcher::builder().all("http://proxy.invalid").no(no).build();
    endpoint.to_string().parse().is_ok_and(|uri| matcher.intercept(&uri).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(endpoint: &str, variables: &[(&str, &str)]) -> Option<String> {
        let environment = Environment::new(variables.iter().copied(), None);
        let endpoint = Endpoint::parse(endpoint).unwrap();
        let chosen = of(&endpoint, &environment, &Redactor::default()).unwrap();
        chosen.map(|chosen| chosen.shown.to_string())
    }

    #[test]
    fn the_proxy_is_selected_from_the_environment() {
        let https = "https://vm.jdcloud-api.com";
        let proxy = ("HTTPS_PROXY", "http://me:secret@proxy.corp:3128");
        for (endpoint, variables, expected) in [
            (https, vec![], None),
            (https, vec![proxy], Some("http://proxy.corp:3128")),
            (https, vec![("https_proxy", "proxy.corp:3128")], Some("http://proxy.corp:3128")),
            (https, vec![("HTTP_PROXY", "http://proxy.corp")], None),
            (https, vec![("ALL_PROXY", "http://proxy.corp")], Some("http://proxy.corp")),
            (https, vec![proxy, ("NO_PROXY", ".jdcloud-api.com")], None),
            (https, vec![proxy, ("NO_PROXY", "x, *.jdcloud-api.com")], None),
            (https, vec![proxy, ("NO_PROXY", "vm.jdcloud-api.com:443")], None),
            (https, vec![proxy, ("NO_PROXY", "*.jdcloud-api.com:443,x")], None),
            (https, vec![proxy, ("NO_PROXY", "*")], None),
            (https, vec![proxy, ("NO_PROXY", "vm.jdcloud-api.com:8443")], Some("http://proxy.corp:3128")),
            (https, vec![proxy, ("no_proxy", "*")], None),
            (https, vec![proxy, ("NO_PROXY", "example.com")], Some("http://proxy.corp:3128")),
            ("http://127.0.0.1:1", vec![("HTTP_PROXY", "http://proxy.corp")], None),
            ("https://localhost:1", vec![proxy], None),
            ("http://vm.internal.cn-north-1.jdcloud-api.com", vec![proxy], None),
        ] {
            assert_eq!(chosen(endpoint, &variables).as_deref(), expected, "{endpoint} {variables:?}");
        }
    }

    #[test]
    fn unsupported_proxies_are_an_error() {
        for value in [
            "socks5://proxy.corp:1080",
            "http://",
            "http://me:1/2@proxy.corp:3128",
            "http://me:1#2@proxy.corp",
            "http://me:1?2@proxy.corp",
        ] {
            let environment = Environment::new([("HTTPS_PROXY", value)], None);
            let endpoint = Endpoint::parse("https://vm.jdcloud-api.com").unwrap();
            let error = of(&endpoint, &environment, &Redactor::default()).unwrap_err();
            assert!(matches!(error, SettingsError::Proxy { variable: "HTTPS_PROXY", .. }), "{value}");
        }
    }
}
