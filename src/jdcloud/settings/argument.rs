//! The arguments that configure a connection.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::SettingsError;
use crate::jdcloud::untrusted::Redactor;

/// One argument: absent, known or unknown.
///
/// `Unknown` is a value that depends on something not applied yet. No other source replaces it, because that could
/// select another account; a read that needs it fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Argument<T> {
    /// Not set.
    #[default]
    Absent,
    /// Set to this value.
    Known(T),
    /// Set to a value that is not known yet.
    Unknown,
}

impl<T> Argument<T> {
    /// Whether it is set, known or not.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// Whether it is set to a value that is not known yet.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl Argument<String> {
    /// The text of the argument `name`, if it is set.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, SettingsError> {
        match self {
            Self::Absent => Ok(None),
            Self::Known(text) if text.is_empty() => Err(SettingsError::EmptyArgument { argument: name }),
            Self::Known(text) => Ok(Some(text)),
            Self::Unknown => Err(SettingsError::UnknownArguments { arguments: vec![name] }),
        }
    }
}

/// The arguments of a connection. The fields have the names of the arguments.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Access key id of the API key pair.
    pub access_key: Argument<SecretString>,
    /// Secret of the API key pair.
    pub secret_key: Argument<SecretString>,
    /// Token of temporary credentials.
    pub security_token: Argument<SecretString>,
    /// Default region.
    pub region: Argument<String>,
    /// Section of the JD Cloud CLI's file.
    pub profile: Argument<String>,
    /// Path of the JD Cloud CLI's file, by default `~/.jdc/config`.
    pub config_file: Argument<String>,
    /// Base URL of the VM API.
    pub vm_endpoint: Argument<String>,
    /// Extra trusted roots: the path of a PEM file, or PEM text.
    pub ca_bundle: Argument<String>,
    /// Timeout of one attempt.
    pub request_timeout: Argument<Duration>,
    /// Timeout of one read, retries and waiting included.
    pub read_timeout: Argument<Duration>,
    /// The maximum number of retries of one call.
    pub max_retries: Argument<u32>,
    /// The maximum number of concurrent requests.
    pub max_concurrent_requests: Argument<u32>,
    /// The maximum number of ids in one request, 1 to 350.
    pub batch_size: Argument<u32>,
    /// Whether one request for the whole region may replace many small ones.
    pub read_ahead: Argument<bool>,
}

impl Settings {
    /// `text` without the secrets among these arguments, which a user may have given to another argument.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        self.redactor().mask_secrets(text)
    }

    pub(super) fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        for argument in [&self.secret_key, &self.security_token] {
            if let Argument::Known(secret) = argument {
                redactor.add(secret.expose_secret());
            }
        }
        redactor
    }
}
