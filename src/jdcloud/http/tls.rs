//! The trusted root certificates: the system's, or Mozilla's if the system has none, and those of `ca_bundle`.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{load_certs_from_paths, load_native_certs};

use crate::jdcloud::settings::{Environment, SettingsError, file};
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// The TLS configuration. The system's certificates are read only if the endpoint or the proxy `uses_tls`.
///
/// # Errors
/// A `ca_bundle` without a usable certificate.
pub(crate) fn config(
    uses_tls: bool,
    ca_bundle: Option<&str>,
    environment: &Environment,
    redactor: &Redactor,
) -> Result<ClientConfig, SettingsError> {
    let mut roots = RootCertStore::empty();
    if let Some(bundle) = ca_bundle {
        add_bundle(&mut roots, bundle, environment, redactor)?;
    }
    if uses_tls {
        add_system(&mut roots, environment, redactor);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Setup { reason: redactor.text(error.to_string()) })?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add_system(roots: &mut RootCertStore, environment: &Environment, redactor: &Redactor) {
    let unreadable = |error: &dyn std::fmt::Display| {
        let error = redactor.text(error.to_string());
        tracing::debug!(%error, "some system certificates cannot be read");
    };
    let file = environment.variable("SSL_CERT_FILE").map(Path::new);
    let directories = environment.variable("SSL_CERT_DIR").map(std::env::split_paths);
    // If it is a pipe, the library would wait for its other end.
    let usable = file.filter(|file| match file::check_path(file) {
        Ok(()) => true,
        Err(error) => {
            unreadable(&format_args!("SSL_CERT_FILE: {error}"));
            false
        }
    });
    let found = if file.is_none() && directories.is_none() {
        vec![load_native_certs()]
    } else {
        let file = usable.map(|file| load_certs_from_paths(Some(file), None));
        let directories = directories.into_iter().flatten();
        let directories = directories.map(|directory| load_certs_from_paths(None, Some(&directory)));
        file.into_iter().chain(directories).collect()
    };
    found.iter().flat_map(|found| &found.errors).for_each(|error| unreadable(error));
    let certificates = found.into_iter().flat_map(|found| found.certs);
    let (added, ignored) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        tracing::debug!("the system has no root certificates; using Mozilla's");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    } else {
        tracing::debug!(added, ignored, "system root certificates");
    }
}

/// Whether `ca_bundle` is PEM text and not a path.
pub(crate) fn is_pem(bundle: &str) -> bool {
    bundle.contains("-----BEGIN")
}

/// Adds the certificates of `bundle`, which is a path or PEM text.
fn add_bundle(
    roots: &mut RootCertStore,
    bundle: &str,
    environment: &Environment,
    redactor: &Redactor,
) -> Result<(), SettingsError> {
    let (name, pem) = if is_pem(bundle) {
        (UntrustedText::from("(PEM text)"), Ok(bundle.as_bytes().to_vec()))
    } else {
        let path = environment.expand(bundle);
        (redactor.text(path.to_string_lossy()), file::read(&path))
    };
    let unusable =
        |reason: String| SettingsError::CaBundle { bundle: name.clone(), reason: redactor.text(reason) };
    let pem = pem.map_err(|error| unusable(error.to_string()))?;
    let pem = pem.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&pem);
    let mut added = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        // The library's error quotes the text.
        let certificate = certificate
            .map_err(|_| unusable("it is not valid PEM; check that its line breaks are kept".to_owned()))?;
        roots
            .add(certificate)
            .map_err(|_| unusable(format!("certificate {} is not a valid X.509 certificate", added + 1)))?;
        added += 1;
    }
    if added == 0 { Err(unusable("it contains no certificate".to_owned())) } else { Ok(()) }
}

/// Why there is no trusted TLS connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// The issuer of the certificate is not known.
    #[error("its certificate is issued by an authority that is not trusted")]
    UntrustedAuthority,
    /// The certificate's time has passed, or this machine's clock is wrong.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate's time has not begun, or this machine's clock is wrong.
    #[error("its certificate is not valid yet")]
    NotValidYet,
    /// The certificate names other hosts.
    #[error("its certificate is for another host name")]
    OtherHost,
    /// The certificate is that of an authority.
    #[error("its certificate is that of a certificate authority (CA:TRUE), and not of a server")]
    AuthorityAsServer,
    /// The server requires a certificate of the client.
    #[error("it requires a client certificate, which the provider does not support")]
    ClientCertificate,
    /// The server supports only versions before TLS 1.2.
    #[error("it supports neither TLS 1.2 nor TLS 1.3")]
    Version,
    /// The server rejects the offered cipher suites or key exchanges.
    #[error("it has no cipher suite or key exchange in common with the provider")]
    CipherSuite,
    /// Anything else.
    #[error("{0}")]
    Other(UntrustedText),
}

impl TlsProblem {
    pub(super) fn of(error: &rustls::Error, redactor: &Redactor) -> Self {
        use rustls::CertificateError::{
            Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
            NotValidYetContext, UnknownIssuer,
        };
        use rustls::Error::{AlertReceived, InvalidCertificate, PeerIncompatible};
        use rustls::{AlertDescription, PeerIncompatible as Incompatible};
        match error {
            InvalidCertificate(UnknownIssuer) => Self::UntrustedAuthority,
            InvalidCertificate(Expired | ExpiredContext { .. }) => Self::Expired,
            InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => Self::NotValidYet,
            InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => Self::OtherHost,
            AlertReceived(AlertDescription::CertificateRequired) => Self::ClientCertificate,
            AlertReceived(AlertDescription::ProtocolVersion)
            | PeerIncompatible(Incompatible::ServerDoesNotSupportTls12Or13) => Self::Version,
            AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity) => {
                Self::CipherSuite
            }
            other if other.to_string().contains("CaUsedAsEndEntity") => Self::AuthorityAsServer,
            other => Self::Other(redactor.text(other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription::{CertificateRequired, HandshakeFailure, InternalError, ProtocolVersion};

    use super::*;

    /// The remedy differs: trusting another authority helps against none of these.
    #[test]
    fn what_the_server_rejects_is_told_apart() {
        let problem = |alert| TlsProblem::of(&rustls::Error::AlertReceived(alert), &Redactor::default());
        assert_eq!(problem(CertificateRequired), TlsProblem::ClientCertificate);
        assert_eq!(problem(ProtocolVersion), TlsProblem::Version);
        assert_eq!(problem(HandshakeFailure), TlsProblem::CipherSuite);
        assert!(matches!(problem(InternalError), TlsProblem::Other(_)));
    }
}
