//! The arguments a connection is configured with.

use std::time::Duration;

use secrecy::SecretString;

use super::SettingsError;

/// One argument: left out, given, or given and not known yet.
///
/// `Unknown` is a value that depends on something not applied yet. It counts as given: nothing else takes its
/// place, because that could be another account; only what needs it fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Argument<T> {
    /// Not written.
    #[default]
    Absent,
    /// Written, with this value.
    Known(T),
    /// Written, with a value that is not known yet.
    Unknown,
}

impl<T> Argument<T> {
    /// Whether it was written, known or not.
    #[must_use]
    pub const fn is_written(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// Whether it was written and its value is not known yet.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl Argument<String> {
    /// The text of the argument `name`, if it was written.
    pub(super) fn written(&self, name: &'static str) -> Result<Option<&str>, SettingsError> {
        match self {
            Self::Absent => Ok(None),
            Self::Known(text) if text.is_empty() => Err(SettingsError::EmptyArgument { argument: name }),
            Self::Known(text) => Ok(Some(text)),
            Self::Unknown => Err(SettingsError::UnknownArguments { arguments: vec![name] }),
        }
    }
}

/// Everything a connection can be told. Fields are named as their arguments are.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Access key id of the API key pair.
    pub access_key: Argument<SecretString>,
    /// Secret of the API key pair.
    pub secret_key: Argument<SecretString>,
    /// Token that goes with temporary credentials.
    pub security_token: Argument<SecretString>,
    /// Region of reads that name none.
    pub region: Argument<String>,
    /// Section of the JD Cloud CLI's file.
    pub profile: Argument<String>,
    /// Path of the JD Cloud CLI's file, by default `~/.jdc/config`.
    pub config_file: Argument<String>,
    /// Base URL of the VM API.
    pub vm_endpoint: Argument<String>,
    /// Extra trusted roots: the path of a PEM file, or PEM text.
    pub ca_bundle: Argument<String>,
    /// The longest that one attempt may take.
    pub request_timeout: Argument<Duration>,
    /// The longest that one read may take, retries and waiting included.
    pub read_timeout: Argument<Duration>,
    /// How often one call is tried again.
    pub max_retries: Argument<u32>,
    /// How many requests may be on the wire at once.
    pub max_concurrent_requests: Argument<u32>,
    /// How many ids one call asks for, 1 to 350.
    pub batch_size: Argument<u32>,
    /// Whether many small reads may be answered by one call for the whole region.
    pub read_ahead: Argument<bool>,
}
