//! The environment variables that the client reads, as a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// Environment variables and the home directory.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The name of a variable whose value is not UTF-8.
    invalid: Option<String>,
    home: Option<PathBuf>,
}

impl Environment {
    /// An environment of these `variables` and this `home`.
    pub fn new<N, V>(variables: impl IntoIterator<Item = (N, V)>, home: Option<PathBuf>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, invalid: None, home }
    }

    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(std::env::vars_os(), std::env::home_dir())
    }

    fn of(variables: impl IntoIterator<Item = (OsString, OsString)>, home: Option<PathBuf>) -> Self {
        let mut environment = Self { home, ..Self::default() };
        let names = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        for (name, value) in names.filter(|(name, _)| is_read(name)) {
            match value.into_string() {
                Ok(value) => drop(environment.variables.insert(name, value)),
                Err(_) => environment.invalid = Some(name),
            }
        }
        environment
    }

    /// The name of a variable that cannot be used: another source in its place could be another account.
    pub(super) fn invalid(&self) -> Option<&str> {
        self.invalid.as_deref()
    }

    /// The value of `name`; an empty variable counts as unset.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The passwords in the URLs of proxies, both encoded and decoded.
    pub(super) fn proxy_passwords(&self) -> Vec<String> {
        let proxies = self.variables.iter().filter(|(name, _)| name.to_ascii_uppercase().ends_with("_PROXY"));
        let user_info = proxies.filter_map(|(_, url)| url.rsplit_once('@')).map(|(user_info, _)| user_info);
        let passwords = user_info.map(|user_info| {
            let user_info = user_info.split_once("://").map_or(user_info, |(_, user_info)| user_info);
            user_info.split_once(':').map_or(user_info, |(_, password)| password)
        });
        passwords.flat_map(|password| [password.to_owned(), percent_decoded(password)]).collect()
    }

    /// The user's home directory.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// `path` with a leading `~/` replaced by the home directory.
    pub(crate) fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => path.into(),
        }
    }
}

fn percent_decoded(text: &str) -> String {
    // Decoded as the query of a URL, in which a plus sign is a space.
    let query = format!("p={}", text.replace('+', "%2B").replace('&', "%26"));
    let decoded = reqwest::Url::parse("http://localhost").ok().and_then(|mut url| {
        url.set_query(Some(&query));
        url.query_pairs().next().map(|(_, value)| value.into_owned())
    });
    decoded.unwrap_or_else(|| text.to_owned())
}

fn is_read(name: &str) -> bool {
    name.starts_with("JDCLOUD_")
        || name.starts_with("SSL_CERT_")
        || name.to_ascii_uppercase().ends_with("_PROXY")
}

/// Shows the names only: the values contain keys.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.variables.keys().collect();
        f.debug_struct("Environment").field("variables", &names).field("home", &self.home).finish()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    /// It must not count as unset: the default profile could be that of another account.
    #[test]
    fn a_variable_that_is_not_utf8_is_named() {
        let of = |name: &str| {
            let value = OsString::from_vec(b"\xc9\xfa\xb2\xfa".to_vec());
            Environment::of([(name.into(), value), ("JDCLOUD_REGION".into(), "r".into())], None)
        };
        assert_eq!(of("JDCLOUD_PROFILE").invalid(), Some("JDCLOUD_PROFILE"));
        assert_eq!(of("NO_PROXY").invalid(), Some("NO_PROXY"));
        assert_eq!(of("LESSCHARSET").invalid(), None, "the provider does not read it");
        assert_eq!(of("JDCLOUD_PROFILE").variable("JDCLOUD_REGION"), Some("r"));
    }
}
