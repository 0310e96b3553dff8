//! TLS and HTTP/2, through a client that real programs use.

use jdcloud_emulator::{Emulator, Options, Scenario};
use reqwest::{Certificate, Client, Version};
use serde_json::Value;

use crate::client::{Call, TIMEOUT};

fn start(scenario: Scenario) -> Emulator {
    Emulator::start(Options { tls: true, scenario, ..Options::default() }).unwrap()
}

fn client(emulator: &Emulator) -> reqwest::ClientBuilder {
    // The first test to get here wins; they all install the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ca = Certificate::from_pem(emulator.ca_pem().unwrap().as_bytes()).unwrap();
    Client::builder().tls_certs_only([ca]).no_proxy().timeout(TIMEOUT)
}

async fn send(emulator: &Emulator, client: &Client, ids: &[&str]) -> reqwest::Result<reqwest::Response> {
    let url = emulator.url();
    let host = url.strip_prefix("https://").unwrap().to_owned();
    let call = Call { host, ..Call::new(ids) };
    let headers = call.headers().into_iter().filter(|(name, _)| name != "host");
    let request = client.get(url + &call.target());
    headers.fold(request, |request, (name, value)| request.header(name, value)).send().await
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn both_versions_of_http_are_spoken_over_tls() {
    on_a_runtime(async {
        let emulator = start(Scenario::default());
        for (client, version) in
            [(client(&emulator), Version::HTTP_2), (client(&emulator).http1_only(), Version::HTTP_11)]
        {
            let client = client.build().unwrap();
            let answer = send(&emulator, &client, &["img-gpu"]).await.unwrap();
            assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
            let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!(body["result"]["imageConstraints"][0]["imageId"], "img-gpu");
        }
        assert_eq!(emulator.calls()[0].http_version, "HTTP/2.0");
        assert!(emulator.calls()[0].headers.contains_key("host"), "the signed host is on record");
    });
}

#[test]
fn a_client_that_does_not_trust_the_authority_gets_no_answer() {
    on_a_runtime(async {
        let (emulator, other) = (start(Scenario::default()), start(Scenario::default()));
        let client = client(&other).build().unwrap();
        assert!(send(&emulator, &client, &[]).await.unwrap_err().is_connect());
        assert_eq!(emulator.counters().calls, 0);
        assert_eq!(emulator.counters().connections_accepted, 1);
    });
}

#[test]
fn resets_and_cuts_work_over_http_2_as_well() {
    on_a_runtime(async {
        let emulator = start(Scenario { reset_first: 1, ..Scenario::default() });
        let client = client(&emulator).build().unwrap();
        assert!(send(&emulator, &client, &[]).await.is_err());
        assert_eq!(emulator.calls()[0].status, None);

        emulator.set_scenario(Scenario { cut_body: true, ..Scenario::default() });
        let cut = send(&emulator, &client, &["img-gpu"]).await.unwrap();
        assert!(cut.bytes().await.is_err());

        emulator.set_scenario(Scenario { close_connections: true, ..Scenario::default() });
        assert_eq!(send(&emulator, &client, &["img-gpu"]).await.unwrap().status(), 200);
    });
}

#[test]
fn calls_over_one_http_2_connection_overlap() {
    on_a_runtime(async {
        let emulator = start(Scenario { latency_ms: 100, ..Scenario::default() });
        let client = client(&emulator).build().unwrap();
        send(&emulator, &client, &[]).await.unwrap();
        let call = || send(&emulator, &client, &["img-gpu"]);
        let (a, b, c) = tokio::join!(call(), call(), call());
        assert!([a, b, c].iter().all(Result::is_ok));
        let counters = emulator.counters();
        assert_eq!((counters.calls, counters.peak_in_flight, counters.connections_accepted), (4, 3, 1));
    });
}
