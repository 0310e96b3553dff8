//! The process: it ends with its host and for no other reason, and leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jdcloud_emulator::{Emulator, Scenario};
use terraform_provider_jdcloud::tfplugin::proto::v6::stop_provider;

use crate::support::{BINARY, Identity, Options, emulator, eventually, has_ended, runtime, signal, strings};

/// How long a host waits for its plugin to end before it kills it.
const HOST_PATIENCE: Duration = Duration::from_secs(2);

async fn slow_emulator_sees_a_call(emulator: &Emulator) {
    while emulator.counters().in_flight == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn a_host_that_asks_for_the_end_need_not_kill() {
    let identity = Identity::new();
    let mut plugin = Options::host(&identity).start();
    let (socket, started) = runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        let mut stdio = client.stream::<()>("/plugin.GRPCStdio/StreamStdio").await.unwrap();
        // The stream that hosts open at once stays open and empty until the end.
        let quiet = tokio::time::timeout(Duration::from_millis(100), stdio.message()).await;
        assert!(quiet.is_err(), "{quiet:?}");
        let started = Instant::now();
        client.call::<(), ()>("/plugin.GRPCController/Shutdown", ()).await.unwrap();
        (plugin.socket(), started)
    });
    assert!(plugin.wait().success());
    assert!(started.elapsed() < HOST_PATIENCE, "{:?}", started.elapsed());
    assert!(!socket.parent().unwrap().exists(), "the socket is left behind");
}

#[test]
fn the_end_does_not_wait_for_a_slow_api() {
    let emulator = emulator(Scenario { latency_ms: 60_000, ..Scenario::default() });
    let mut plugin = Options::plain().start();
    let started = runtime().block_on(async {
        let client = plugin.connect_plain().await;
        client.configure_for(&emulator.url(), &[]).await;
        let reader = client.clone();
        let read = tokio::spawn(async move { reader.read_value(&[("ids", strings(&["img-free"]))]).await });
        slow_emulator_sees_a_call(&emulator).await;
        let started = Instant::now();
        client.call::<(), ()>("/plugin.GRPCController/Shutdown", ()).await.unwrap();
        read.abort();
        started
    });
    plugin.wait();
    assert!(started.elapsed() < HOST_PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn stop_cancels_what_is_in_flight_and_later_reads_work() {
    let emulator = emulator(Scenario { latency_ms: 60_000, ..Scenario::default() });
    for protocol in ["5", "6"] {
        let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            client.configure_for(&emulator.url(), &[]).await;
            let reader = client.clone();
            let read =
                tokio::spawn(async move { reader.read_value(&[("ids", strings(&["img-free"]))]).await });
            slow_emulator_sees_a_call(&emulator).await;
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

#[test]
fn ctrl_c_is_the_hosts_to_answer_and_sigterm_ends() {
    let mut plugin = Options::plain().start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        for _ in 0..100 {
            plugin.signal("INT");
        }
        assert_eq!(client.health().await.unwrap(), 1);
    });
    let socket = plugin.socket();
    plugin.signal("TERM");
    assert!(plugin.wait().success());
    assert!(!socket.exists());
}

#[test]
fn an_orphan_ends_wherever_its_host_was_killed() {
    for moment in ["before connecting", "idle", "in mid-read"] {
        let mut host = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "lifetime::this_is_the_host_that_is_killed", "--ignored", "--nocapture"])
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
        eventually(&format!("{moment}: the orphan ends"), || has_ended(pid));
        assert!(started.elapsed() < HOST_PATIENCE, "{moment}: {:?}", started.elapsed());
        assert!(!std::path::Path::new(socket).exists(), "{moment}: the socket is left behind");
    }
}

/// Not a test: the process that `an_orphan_ends_wherever_its_host_was_killed` starts and kills.
#[test]
#[ignore = "run by another test, as a process of its own"]
fn this_is_the_host_that_is_killed() {
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
                slow_emulator_sees_a_call(&emulator).await;
            }
            kept.push(Box::new(client));
        }
        println!("\nREADY {} {}", plugin.pid(), plugin.socket().display());
        std::future::pending::<()>().await;
    });
}

#[test]
fn a_host_whose_streams_end_and_that_keeps_the_pipes_is_gone_too() {
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

#[test]
fn a_debugged_provider_serves_many_hosts_until_ctrl_c() {
    let mut command = Options::person().argument("-debug");
    command = command.set("PLUGIN_PROTOCOL_VERSIONS", "6");
    let mut child = command.command().spawn().unwrap();
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).take(3).collect();
    let value = lines[2].trim().strip_prefix("TF_REATTACH_PROVIDERS='").unwrap().trim_end_matches('\'');
    let value: serde_json::Value = serde_json::from_str(value).unwrap();
    let provider = &value["registry.terraform.io/jdcloud/jdcloud"];
    assert_eq!(provider["Protocol"], "grpc");
    assert_eq!(provider["ProtocolVersion"], 6);
    assert_eq!(provider["Pid"], child.id());
    assert_eq!(provider["Test"], true);
    assert_eq!(provider["Addr"]["Network"], "unix");
    let socket = std::path::PathBuf::from(provider["Addr"]["String"].as_str().unwrap());
    let (north, east) = (emulator(Scenario::default()), emulator(Scenario::default()));
    runtime().block_on(async {
        // Two plans at once, each with a configuration of its own.
        let one = crate::support::connect(&socket, None).await.unwrap();
        let two = crate::support::connect(&socket, None).await.unwrap();
        one.configure_for(&north.url(), &[]).await;
        two.configure_for(&east.url(), &[]).await;
        for client in [&one, &two] {
            let (state, diagnostics) = client.read_value(&[("ids", strings(&["img-free"]))]).await;
            assert!(state.is_some(), "{diagnostics:?}");
        }
        assert_eq!((north.counters().calls, east.counters().calls), (1, 1));
        drop((one, two));
        // A third, after nobody was connected.
        let three = crate::support::connect(&socket, None).await.unwrap();
        let (state, diagnostics) = three.read_value(&[("ids", strings(&["img-free"]))]).await;
        assert_eq!((state, diagnostics[0].summary.as_str()), (None, "Provider not configured"));
    });
    signal(child.id(), "INT");
    assert!(child.wait().unwrap().success());
    assert!(!socket.exists());
    assert!(!BINARY.is_empty());
}
