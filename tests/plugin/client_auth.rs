//! Client authentication: only the host that announced its certificate can connect.

use std::io::{Read, Write};

use rustls::version::{TLS12, TLS13};

use crate::support::{Identity, Options, client_config, connect, raw, runtime};

#[test]
fn the_host_connects_with_tls_1_2_and_1_3() {
    let identity = Identity::new();
    let plugin = Options::host(&identity).start();
    let certificate = plugin.certificate();
    runtime().block_on(async {
        // Terraform 0.12 speaks TLS 1.2.
        for version in [&TLS12, &TLS13] {
            let config = client_config(&certificate, Some(&identity), &[version]);
            assert!(connect(&plugin.socket(), Some(config)).await.is_ok(), "{version:?}");
        }
    });
}

#[test]
fn every_other_client_is_rejected() {
    let (identity, other) = (Identity::new(), Identity::new());
    let plugin = Options::host(&identity).start();
    let certificate = plugin.certificate();
    runtime().block_on(async {
        let healthy = plugin.connect(&identity).await;
        for version in [&TLS12, &TLS13] {
            let anonymous = client_config(&certificate, None, &[version]);
            assert!(connect(&plugin.socket(), Some(anonymous)).await.is_err(), "no certificate, {version:?}");
            let foreign = client_config(&certificate, Some(&other), &[version]);
            assert!(
                connect(&plugin.socket(), Some(foreign)).await.is_err(),
                "another certificate, {version:?}"
            );
        }
        assert!(connect(&plugin.socket(), None).await.is_err(), "without TLS");
        let mut wrong_alpn = client_config(&certificate, Some(&identity), &[&TLS13]);
        wrong_alpn.alpn_protocols = vec![b"http/1.1".to_vec()];
        assert!(connect(&plugin.socket(), Some(wrong_alpn)).await.is_err(), "HTTP/1 by ALPN");
        assert_eq!(healthy.health().await.unwrap(), 1, "the host's own connection still works");
    });
}

#[test]
fn garbage_on_the_socket_does_not_disturb_the_host() {
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
            let mut response = Vec::new();
            let _ = stream.read_to_end(&mut response);
            // At most a TLS alert.
            assert!(response.len() < 16, "{response:?}");
        }
        assert_eq!(healthy.health().await.unwrap(), 1);
        drop(silent);
    });
}

#[test]
fn without_a_client_certificate_the_connection_is_not_encrypted() {
    let plugin = Options::plain().start();
    runtime().block_on(async {
        assert_eq!(plugin.connect_plain().await.health().await.unwrap(), 1);
    });
    assert_eq!(plugin.field(6), "");
}
