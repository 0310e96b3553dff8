//! AutoMTLS: the server's own certificate, and the client's pinned to the one that the host has announced.
//!
//! The host's certificate is a self-signed authority on P-521, which the usual verifiers refuse in that place. Nothing
//! has to be verified but that the peer is the host: it must show the very certificate of `PLUGIN_CLIENT_CERT` and sign
//! the handshake with its key.

use std::sync::Arc;

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};
use time::{Duration, OffsetDateTime};

/// The server's side of AutoMTLS.
pub(super) struct AutoMtls {
    pub(super) config: Arc<ServerConfig>,
    pub(super) certificate: CertificateDer<'static>,
}

/// Why there is no server certificate: in practice, that the machine has no entropy.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Key or certificate could not be made.
    #[error("the server's certificate can't be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// They don't make a server.
    #[error("TLS can't be set up: {0}")]
    Config(#[from] Error),
}

impl AutoMtls {
    pub(super) fn new(client: CertificateDer<'static>) -> Result<Self, TlsError> {
        // P-256 is what every host verifies, Terraform 0.12 included, and the fastest key to make.
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = server_certificate(&key)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = PinnedClient { certificate: client, provider: provider.clone() };
        // TLS 1.2 is all that Terraform 0.12 speaks.
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(vec![certificate.clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A host connects once: nothing to resume.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), certificate })
    }
}

fn server_certificate(key: &KeyPair) -> Result<CertificateDer<'static>, rcgen::Error> {
    // Hosts look for this name among the alternative names, not in the subject.
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let now = OffsetDateTime::now_utc();
    // It lives as long as the process. The margin is for clocks that are set while a plan runs.
    params.not_before = now - Duration::DAY;
    params.not_after = now + Duration::days(365);
    Ok(params.self_signed(key)?.der().clone())
}

/// Accepts one client: the host.
#[derive(Debug)]
struct PinnedClient {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
