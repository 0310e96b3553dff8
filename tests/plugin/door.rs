//! Who gets in: the host that announced its certificate, and nobody else on the machine.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};

use crate::support::{Identity, Options, Plugin, client_config, connect, raw, runtime};

fn server_certificate(plugin: &Plugin) -> CertificateDer<'static> {
    CertificateDer::from(STANDARD_NO_PAD.decode(plugin.field(6)).unwrap())
}

#[test]
fn the_host_gets_in_by_old_and_new_tls() {
    let identity = Identity::new();
    let plugin = Options::host(&identity).start();
    let certificate = server_certificate(&plugin);
    runtime().block_on(async {
        // Terraform 0.12 speaks TLS 1.2.
        for version in [&TLS12, &TLS13] {
            let config = client_config(&certificate, Some(&identity), &[version]);
            assert!(connect(&plugin.socket(), Some(config)).await.is_ok(), "{version:?}");
        }
    });
}

#[test]
fn nobody_else_gets_an_answer() {
    let (identity, stranger) = (Identity::new(), Identity::new());
    let plugin = Options::host(&identity).start();
    let certificate = server_certificate(&plugin);
    runtime().block_on(async {
        let healthy = plugin.connect(&identity).await;
        for version in [&TLS12, &TLS13] {
            let anonymous = client_config(&certificate, None, &[version]);
            assert!(connect(&plugin.socket(), Some(anonymous)).await.is_err(), "no certificate, {version:?}");
            let foreign = client_config(&certificate, Some(&stranger), &[version]);
            assert!(
                connect(&plugin.socket(), Some(foreign)).await.is_err(),
                "another certificate, {version:?}"
            );
        }
        assert!(connect(&plugin.socket(), None).await.is_err(), "plain text");
        let mut wrong_alpn = client_config(&certificate, Some(&identity), &[&TLS13]);
        wrong_alpn.alpn_protocols = vec![b"http/1.1".to_vec()];
        assert!(connect(&plugin.socket(), Some(wrong_alpn)).await.is_err(), "HTTP/1 by ALPN");
        assert_eq!(healthy.health().await.unwrap(), 1, "the host's own connection goes on");
    });
}

#[test]
fn garbage_hurts_nobody() {
    let identity = Identity::new();
    let plugin = Options::host(&identity).start();
    runtime().block_on(async {
        let healthy = plugin.connect(&identity).await;
        let silent: Vec<_> = (0..50).map(|_| raw(&plugin.socket())).collect();
        for garbage in [
            &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            &[0xff; 4096],
        ] {
            let mut stream = raw(&plugin.socket());
            let _ = stream.write_all(garbage);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            // A TLS alert at most.
            assert!(answer.len() < 16, "{answer:?}");
        }
        assert_eq!(healthy.health().await.unwrap(), 1);
        drop(silent);
    });
}

#[test]
fn without_a_certificate_the_connection_is_plain_as_hosts_expect() {
    let plugin = Options::plain().start();
    runtime().block_on(async {
        assert_eq!(plugin.connect_plain().await.health().await.unwrap(), 1);
    });
    assert_eq!(plugin.field(6), "");
}
