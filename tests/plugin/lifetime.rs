//! The lifetime of the process: it ends with its host, and leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jdcloud_emulator::{Emulator, Scenario};
use terraform_provider_jdcloud::tfplugin::proto::v6::stop_provider;

use crate::support::{Identity, Options, emulator, eventually, has_ended, runtime, signal, strings};

/// How long a host waits for its plugin to end before it kills it.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

async fn wait_for_a_call(emulator: &Emulator) {
    while emulator.counters().in_flight == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn shutdown_ends_the_process_before_the_host_kills_it() {
    let identity = Identity::new();
    let mut plugin = Options::host(&identity).start();
    let (socket, started) = runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        let mut stdio = client.stream::<()>("/plugin.GRPCStdio/StreamStdio").await.unwrap();
        // The stream that hosts open at once stays open, and empty, until shutdown.
        let quiet = tokio::time::timeout(Duration::from_millis(100), stdio.message()).await;
        assert!(quiet.is_err(), "{quiet:?}");
        let started = Instant::now();
        client.call::<(), ()>("/plugin.GRPCController/Shutdown", ()).await.unwrap();
        (plugin.socket(), started)
    });
    assert!(plugin.wait().success());
    assert!(started.elapsed() < KILL_TIMEOUT, "{:?}", started.elapsed());
    assert!(!socket.exists());
    assert_eq!(plugin.left_behind(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn shutdown_does_not_wait_for_a_slow_api() {
    let emulator = emulator(Scenario { latency_ms: 60_000, ..Scenario::default() });
    let mut plugin = Options::plain().start();
    let started = runtime().block_on(async {
        let client = plugin.connect_plain().await;
        client.configure_for(&emulator.url(), &[]).await;
        let reader = client.clone();
        let read = tokio::spawn(async move { reader.read_value(&[("ids", strings(&["img-free"]))]).await });
        wait_for_a_call(&emulator).await;
        let started = Instant::now();
        client.call::<(), ()>("/plugin.GRPCController/Shutdown", ()).await.unwrap();
        read.abort();
        started
    });
    plugin.wait();
    assert!(started.elapsed() < KILL_TIMEOUT, "{:?}", started.elapsed());
}

#[test]
fn stop_cancels_reads_in_progress_but_no_later_ones() {
    let emulator = emulator(Scenario { latency_ms: 60_000, ..Scenario::default() });
    for protocol in ["5", "6"] {
        let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            client.configure_for(&emulator.url(), &[]).await;
            let reader = client.clone();
            let read =
                tokio::spawn(async move { reader.read_value(&[("ids", strings(&["img-free"]))]).await });
            wait_for_a_call(&emulator).await;
            let started = Instant::now();
            let stop: stop_provider::Response =
                client.provider("Stop", "StopProvider", stop_provider::Request {}).await.unwrap();
            assert_eq!(stop.error, "");
            let (state, diagnostics) = read.await.unwrap();
            assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
            assert_eq!(state, None);
            assert_eq!(diagnostics[0].summary, "Read cancelled");
            emulator.set_scenario(Scenario::default());
            let (state, diagnostics) = client.read_value(&[("ids", strings(&["img-free"]))]).await;
            assert_eq!(diagnostics, []);
            assert!(state.is_some());
            emulator.set_scenario(Scenario { latency_ms: 60_000, ..Scenario::default() });
        });
    }
}

/// `timeout 600 terraform plan` signals the whole process group. A read that ended at once would look like a crash.
#[cfg(unix)]
#[test]
fn a_signal_that_the_host_also_got_leaves_it_time_to_stop_the_plugin() {
    let emulator = emulator(Scenario { latency_ms: 60_000, ..Scenario::default() });
    let mut plugin = Options::plain().start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        client.configure_for(&emulator.url(), &[]).await;
        let reader = client.clone();
        let read = tokio::spawn(async move { reader.read_value(&[("ids", strings(&["img-free"]))]).await });
        wait_for_a_call(&emulator).await;
        plugin.signal("TERM");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let stop: stop_provider::Response =
            client.provider("Stop", "StopProvider", stop_provider::Request {}).await.unwrap();
        assert_eq!(stop.error, "");
        assert_eq!(read.await.unwrap().1[0].summary, "Read cancelled");
    });
    assert!(plugin.wait().success());
}

#[test]
fn the_plugin_ends_when_its_host_is_killed() {
    for moment in ["before connecting", "idle", "in mid-read"] {
        let mut host = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "lifetime::host_to_be_killed", "--ignored", "--nocapture"])
            .env("HOST_DIES", moment)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(host.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready =
            lines.into_iter().find_map(|line| line.strip_prefix("READY ").map(str::to_owned)).unwrap();
        let (pid, socket) = ready.split_once(' ').unwrap();
        let pid: u32 = pid.parse().unwrap();
        assert!(!has_ended(pid), "{moment}: the plugin ended before its host");
        signal(host.id(), "KILL");
        host.wait().unwrap();
        let started = Instant::now();
        eventually(&format!("{moment}: the plugin ends"), || has_ended(pid));
        assert!(started.elapsed() < KILL_TIMEOUT, "{moment}: {:?}", started.elapsed());
        let dir = std::path::Path::new(socket).parent().unwrap();
        assert!(!dir.exists(), "{moment}: {} is left behind", dir.display());
    }
}

/// Not a test: the host process that `the_plugin_ends_when_its_host_is_killed` starts and kills.
#[test]
#[ignore = "run by another test, in a separate process"]
fn host_to_be_killed() {
    let Ok(moment) = std::env::var("HOST_DIES") else { return };
    let identity = Identity::new();
    let plugin = Options::host(&identity).start();
    let emulator = emulator(Scenario { latency_ms: 60_000, ..Scenario::default() });
    runtime().block_on(async {
        let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
        if moment != "before connecting" {
            let client = plugin.connect(&identity).await;
            kept.push(Box::new(client.stream::<()>("/plugin.GRPCStdio/StreamStdio").await.unwrap()));
            if moment == "in mid-read" {
                client.configure_for(&emulator.url(), &[]).await;
                let reader = client.clone();
                tokio::spawn(async move { reader.read_value(&[("ids", strings(&["img-free"]))]).await });
                wait_for_a_call(&emulator).await;
            }
            kept.push(Box::new(client));
        }
        println!("\nREADY {} {}", plugin.pid(), plugin.socket().display());
        std::future::pending::<()>().await;
    });
}

#[test]
fn the_plugin_ends_after_the_hosts_streams_even_if_its_pipes_stay_open() {
    let identity = Identity::new();
    let mut plugin = Options::host(&identity).start();
    runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        let _stdio = client.stream::<()>("/plugin.GRPCStdio/StreamStdio").await.unwrap();
    });
    let started = Instant::now();
    assert!(plugin.wait().success());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
