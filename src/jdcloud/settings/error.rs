//! Errors of the settings, found before any call.

use std::time::Duration;

use super::endpoint::EndpointProblem;
use super::source::{Source, SourceTried, joined};
use crate::jdcloud::untrusted::UntrustedText;

/// A setting that is missing, contradictory or unusable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SettingsError {
    /// Arguments that this read needs are not known yet.
    #[error("{} is not known yet", joined(.arguments))]
    UnknownArguments {
        /// Their names.
        arguments: Vec<&'static str>,
    },
    /// An argument has a value outside of its range.
    #[error("{argument} must be {expected}, not {given}")]
    OutOfRange {
        /// Its name.
        argument: &'static str,
        /// The valid values.
        expected: &'static str,
        /// Its value.
        given: UntrustedText,
    },
    /// An argument is an empty string. That does not count as absent: the next source could select another account.
    #[error("{argument} is an empty string")]
    EmptyArgument {
        /// Its name.
        argument: &'static str,
    },
    /// One key of a pair without the other, or a token without its key pair.
    #[error("{origin}: {} is set, but {} is not", joined(.present), joined(.missing))]
    HalfKeyPair {
        /// The source.
        origin: Source,
        /// The names that are set.
        present: Vec<&'static str>,
        /// The names that are not set.
        missing: Vec<&'static str>,
    },
    /// A key or token with characters that are not valid in an HTTP header, such as a line feed.
    #[error("{origin}: {name} contains characters that are not valid in a key")]
    UnusableKey {
        /// The source.
        origin: Source,
        /// Its name.
        name: &'static str,
    },
    /// `JDCLOUD_SECURITY_TOKEN_ENCODING` has an invalid value.
    #[error("JDCLOUD_SECURITY_TOKEN_ENCODING must be base64 or raw, not {given:?}")]
    TokenEncoding {
        /// The value.
        given: UntrustedText,
    },
    /// No source has a key pair.
    #[error("no credentials found; sources tried: {}", listed(.tried))]
    NoCredentials {
        /// All sources, in the order in which they were tried.
        tried: Vec<SourceTried>,
    },
    /// No source has a region.
    #[error("no region found; sources tried: {}", listed(.tried))]
    NoRegion {
        /// All sources, in the order in which they were tried.
        tried: Vec<SourceTried>,
    },
    /// An invalid region name.
    #[error(
        "{region:?} ({origin}) is not a valid region name: expected lower-case words joined by hyphens, such as cn-north-1"
    )]
    InvalidRegion {
        /// The name.
        region: UntrustedText,
        /// Its source.
        origin: Source,
    },
    /// An invalid endpoint.
    #[error("endpoint {endpoint:?} ({origin}) {problem}")]
    InvalidEndpoint {
        /// The endpoint, without user name and password.
        endpoint: UntrustedText,
        /// Its source.
        origin: Source,
        /// Why.
        problem: EndpointProblem,
    },
    /// A profile that is named explicitly does not exist, or is set in the provider block and has no keys.
    #[error("{0}")]
    NoProfile(SourceTried),
    /// The CLI's file cannot be read.
    #[error("{file} cannot be read: {reason}")]
    UnreadableFile {
        /// The argument that names the file, if any.
        argument: Option<&'static str>,
        /// The file.
        file: UntrustedText,
        /// The system's reason.
        reason: UntrustedText,
    },
    /// The CLI's file is not INI.
    #[error("{file} line {line}: {reason}")]
    MalformedFile {
        /// The file.
        file: UntrustedText,
        /// The line, from 1.
        line: usize,
        /// The problem, without the text of the line, which may contain a key.
        reason: &'static str,
    },
    /// `ca_bundle` contains no usable certificate.
    #[error("ca_bundle {bundle}: {reason}")]
    CaBundle {
        /// The file, or "(PEM text)".
        bundle: UntrustedText,
        /// Why.
        reason: UntrustedText,
    },
    /// The files of the settings were not read in time, for example because the file system does not respond.
    #[error("the configuration files were not read within {} s", .limit.as_secs())]
    FilesTooSlow {
        /// `read_timeout`.
        limit: Duration,
    },
    /// The value of an environment variable is not UTF-8.
    #[error("{variable} is not UTF-8")]
    NotUtf8 {
        /// The variable's name.
        variable: UntrustedText,
    },
    /// A proxy variable that is not a valid proxy URL.
    #[error("{variable}: {reason}")]
    Proxy {
        /// The variable's name.
        variable: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The HTTP client or the system's TLS cannot be set up.
    #[error("the HTTP client cannot be set up: {reason}")]
    Setup {
        /// Why.
        reason: UntrustedText,
    },
}

fn listed(tried: &[SourceTried]) -> String {
    tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
