//! TLS clients that must be rejected: other certificates, a stolen certificate, old versions of TLS.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};

use crate::support::{Identity, Options, client_config, connect, raw, runtime};

#[test]
fn the_hosts_certificate_is_accepted_even_if_expired_and_no_other() {
    let (identity, other) = (Identity::expired(), Identity::expired());
    let plugin = Options::host(&identity).start();
    let server = plugin.certificate();
    runtime().block_on(async {
        for version in [&TLS12, &TLS13] {
            let config = client_config(&server, Some(&other), &[version]);
            assert!(connect(&plugin.socket(), Some(config)).await.is_err(), "{version:?}");
            // It is pinned, so its dates don't matter; and this machine's clock may be wrong.
            let config = client_config(&server, Some(&identity), &[version]);
            assert!(connect(&plugin.socket(), Some(config)).await.is_ok(), "{version:?}");
        }
    });
}

/// Shows a certificate and signs with a key that may be another's.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The host's certificate is not secret: it is in the environment of a process. Only its key proves the host's identity.
#[test]
fn the_hosts_certificate_without_its_key_is_refused() {
    let (identity, thief) = (Identity::new(), Identity::new());
    let plugin = Options::host(&identity).start();
    let server = plugin.certificate();
    let with_key_of = |signer: &Identity, version| -> ClientConfig {
        let key = aws_lc_rs::sign::any_supported_type(&signer.private_key()).unwrap();
        let shown = CertifiedKey::new(vec![identity.certificate.clone()], key);
        let mut config = client_config(&server, None, &[version]);
        config.client_auth_cert_resolver = Arc::new(Shows(Arc::new(shown)));
        config
    };
    runtime().block_on(async {
        for version in [&TLS12, &TLS13] {
            let stolen = connect(&plugin.socket(), Some(with_key_of(&thief, version))).await;
            assert!(stolen.is_err(), "{version:?}");
            let own = connect(&plugin.socket(), Some(with_key_of(&identity, version))).await;
            assert!(own.is_ok(), "{version:?}: the test itself is wrong");
        }
    });
}

/// The first message of a TLS client that supports `version` and nothing newer.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]); // random
    body.push(0); // no session
    body.extend([0, 6, 0xc0, 0x2b, 0xc0, 0x09, 0xc0, 0x0a]); // ECDHE-ECDSA with AES, new and old
    body.extend([1, 0]); // no compression
    let mut extensions = vec![0, 10, 0, 4, 0, 2, 0, 23]; // P-256
    extensions.extend([0, 11, 0, 2, 1, 0]); // uncompressed points
    extensions.extend([0, 13, 0, 4, 0, 2, 4, 3]); // ECDSA with SHA-256
    extensions.extend([0, 16, 0, 5, 0, 3, 2, b'h', b'2']); // HTTP/2
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1, length[1], length[2], length[3]], body.as_slice()].concat();
    let record = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&[22, 3, 1, record[0], record[1]], message.as_slice()].concat()
}

#[test]
fn tls_below_1_2_is_rejected_with_an_alert() {
    let identity = Identity::new();
    let plugin = Options::host(&identity).start();
    for (name, version) in [("TLS 1.1", [3, 2]), ("TLS 1.0", [3, 1]), ("SSL 3", [3, 0])] {
        let mut stream = raw(&plugin.socket());
        stream.write_all(&client_hello(version)).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        // An alert, fatal, protocol_version.
        assert_eq!(response.first(), Some(&21), "{name}: {response:?}");
        assert_eq!(response[5..], [2, 70], "{name}: {response:?}");
    }
    let mut stream = raw(&plugin.socket());
    stream.write_all(&client_hello([3, 3])).unwrap();
    let mut response = [0];
    stream.read_exact(&mut response).unwrap();
    assert_eq!(response, [22], "TLS 1.2 is not accepted in this form: the test itself is wrong");
    runtime().block_on(async { assert_eq!(plugin.connect(&identity).await.health().await.unwrap(), 1) });
}

#[test]
fn a_provider_rejects_the_host_of_another_provider() {
    let identities = [Identity::new(), Identity::new()];
    let temp = tempfile::tempdir().unwrap();
    let same_temp =
        |identity: &Identity| Options::host(identity).set("TMPDIR", temp.path().to_str().unwrap()).start();
    let plugins = identities.each_ref().map(same_temp);
    assert_ne!(plugins[0].socket(), plugins[1].socket());
    runtime().block_on(async {
        let healthy = [plugins[0].connect(&identities[0]).await, plugins[1].connect(&identities[1]).await];
        for (mine, other) in [(0, 1), (1, 0)] {
            let server = plugins[other].certificate();
            let config = client_config(&server, Some(&identities[mine]), &[&TLS13]);
            assert!(connect(&plugins[other].socket(), Some(config)).await.is_err());
        }
        for client in healthy {
            assert_eq!(client.health().await.unwrap(), 1);
        }
    });
}
