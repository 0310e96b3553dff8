//! The log: on standard error, in the form that hosts read, and never in the way of a call.

use std::io::{BufRead, BufReader};
use std::time::Instant;

use jdcloud_emulator::Scenario;

use crate::support::{Identity, Options, PATIENCE, emulator, eventually, runtime, strings};

/// A pipe takes 64 KiB, the provider's queue eight times that; a read at this level writes more than 500 bytes.
const READS: usize = 3_000;

#[test]
fn a_log_that_is_not_read_stops_no_call_and_says_what_is_missing() {
    let emulator = emulator(Scenario::default());
    let (mut plugin, unread) = Options::plain().set("TF_LOG", "TRACE").start_unread();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        client.configure_for(&emulator.url(), &[]).await;
        let reads = async {
            for _ in 0..READS {
                let (state, diagnostics) = client.read_value(&[("ids", strings(&["img-free"]))]).await;
                assert!(state.is_some(), "{diagnostics:?}");
            }
        };
        tokio::time::timeout(PATIENCE, reads).await.expect("a call waits for a reader of the log");
    });

    // Now the log is read.
    let (send, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(unread).lines().map_while(Result::ok);
        lines.for_each(|line| send.send(line).unwrap_or_default());
    });
    let next = || -> serde_json::Value {
        serde_json::from_str(&lines.recv_timeout(PATIENCE).unwrap()).expect("a whole line of JSON")
    };
    let message = |entry: &serde_json::Value| entry["@message"].as_str().unwrap().to_owned();
    let mut read = 0_usize;
    let dropped: usize = loop {
        let entry = next();
        if let Some((number, _)) = message(&entry).split_once(" log lines were dropped here") {
            assert_eq!(entry["@level"], "warn");
            break number.parse().unwrap();
        }
        read += 1;
    };
    assert!(read > 0 && dropped > 0 && read + dropped > READS, "{read} read, {dropped} dropped");

    // What comes later is logged again, to the last line.
    plugin.signal("TERM");
    assert!(plugin.wait().success());
    let rest: Vec<String> = lines.iter().collect();
    assert!(rest.iter().any(|line| line.contains("a signal requested shutdown")), "{rest:?}");
}

#[test]
fn a_host_that_never_reads_the_log_does_not_delay_the_end() {
    let (mut plugin, _unread) = Options::plain().set("TF_LOG", "TRACE").start_unread();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        for _ in 0..READS {
            client.health().await.unwrap();
        }
    });
    let started = Instant::now();
    plugin.signal("TERM");
    assert!(plugin.wait().success());
    assert!(started.elapsed().as_secs() < 2, "a host kills after 2 s: {:?}", started.elapsed());
    assert_eq!(plugin.left_behind(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn standard_output_has_the_handshake_only_and_standard_error_the_log() {
    let mut plugin = Options::plain().set("TF_LOG", "TRACE").start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        client.configure(&[]).await;
        client.read_value(&[]).await;
    });
    plugin.signal("TERM");
    assert!(plugin.wait().success());
    assert_eq!(plugin.further_output(), Vec::<String>::new());
    eventually("the log is read", || plugin.log.all().iter().any(|line| line.contains("ReadDataSource")));
    for line in plugin.log.all() {
        let entry: serde_json::Map<_, _> = serde_json::from_str(&line).unwrap();
        assert!(entry.values().all(serde_json::Value::is_string), "hosts crash on other values: {line}");
    }
}

#[test]
fn a_normal_shutdown_logs_no_failure() {
    let identity = Identity::new();
    let mut plugin = Options::host(&identity).set("TF_LOG", "TRACE").start();
    runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        let stdio = client.stream::<()>("/plugin.GRPCStdio/StreamStdio").await.unwrap();
        client.call::<(), ()>("/plugin.GRPCController/Shutdown", ()).await.unwrap();
        drop((client, stdio));
    });
    assert!(plugin.wait().success());
    eventually("the log is read", || {
        plugin.log.all().iter().any(|line| line.contains("the host requested shutdown"))
    });
    let failures: Vec<_> = plugin.log.all().into_iter().filter(|line| line.contains("failed")).collect();
    assert_eq!(failures, Vec::<String>::new());
}
