//! What can be wrong with the settings before any call is made.

use std::time::Duration;

use super::endpoint::EndpointProblem;
use super::source::{Source, SourceTried, joined};
use crate::jdcloud::untrusted::UntrustedText;

/// A setting that is missing, contradictory or unusable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SettingsError {
    /// Arguments that this read needs depend on something not applied yet.
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
        /// What it may be.
        expected: &'static str,
        /// What it is.
        given: UntrustedText,
    },
    /// A written argument is empty. That is not the same as left out: the next source could be another
    /// account.
    #[error("{argument} is an empty text")]
    EmptyArgument {
        /// Its name.
        argument: &'static str,
    },
    /// A key without its other half, or a token without its key pair.
    #[error("{origin}: {} is set and {} is not", joined(.present), joined(.missing))]
    HalfKeyPair {
        /// Where.
        origin: Source,
        /// The names that are set there.
        present: Vec<&'static str>,
        /// The names that are not.
        missing: Vec<&'static str>,
    },
    /// A key or token with characters that no HTTP header can carry, such as a line feed.
    #[error("{origin}: {name} has characters that cannot be part of a key")]
    UnusableKey {
        /// Where.
        origin: Source,
        /// Its name.
        name: &'static str,
    },
    /// `JDCLOUD_SECURITY_TOKEN_ENCODING` is none of its two values.
    #[error("JDCLOUD_SECURITY_TOKEN_ENCODING must be base64 or raw, not {given:?}")]
    TokenEncoding {
        /// What it is.
        given: UntrustedText,
    },
    /// No source has a key pair.
    #[error("no credentials found; looked at {}", listed(.tried))]
    NoCredentials {
        /// Every source, in the order they were tried.
        tried: Vec<SourceTried>,
    },
    /// No source has a region.
    #[error("no region found; looked at {}", listed(.tried))]
    NoRegion {
        /// Every source, in the order they were tried.
        tried: Vec<SourceTried>,
    },
    /// A region whose name cannot be one.
    #[error(
        "{region:?} ({origin}) is not a valid region name: expected lower-case words joined by hyphens, such as cn-north-1"
    )]
    InvalidRegion {
        /// The name.
        region: UntrustedText,
        /// Where it was written.
        origin: Source,
    },
    /// An endpoint that cannot be used.
    #[error("endpoint {endpoint:?} ({origin}) {problem}")]
    InvalidEndpoint {
        /// The endpoint, without user name and password.
        endpoint: UntrustedText,
        /// Where it was written.
        origin: Source,
        /// Why.
        problem: EndpointProblem,
    },
    /// A profile that was asked for by name is not there.
    #[error("{0}")]
    NoProfile(SourceTried),
    /// The CLI's file cannot be read.
    #[error("{file} cannot be read: {reason}")]
    UnreadableFile {
        /// The argument that names it, if one does.
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
        /// What is wrong with it; never the line's text, which may be a key.
        reason: &'static str,
    },
    /// `ca_bundle` gives no certificate.
    #[error("ca_bundle {bundle}: {reason}")]
    CaBundle {
        /// The file, or "(PEM text)".
        bundle: UntrustedText,
        /// Why.
        reason: UntrustedText,
    },
    /// The files that settings come from were not read in time, as on a file system that does not answer.
    #[error("the configuration files were not read within {} s", .limit.as_secs())]
    FilesTooSlow {
        /// `read_timeout`.
        limit: Duration,
    },
    /// A proxy variable that is not the URL of a proxy.
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
