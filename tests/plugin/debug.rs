//! `-debug`: a provider that a developer starts, and that any number of hosts attach to.

use jdcloud_emulator::Scenario;

use crate::support::{Options, emulator, runtime, strings};

#[test]
fn a_debugged_provider_serves_many_hosts_each_with_its_own_configuration() {
    for protocol in ["5", "6"] {
        let plugin = Options::person().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start_debug();
        assert_eq!(plugin.field(2), protocol);
        assert_eq!((plugin.field(3), plugin.field(5)), ("unix", "grpc"));
        let (north, east) = (emulator(Scenario::default()), emulator(Scenario::default()));
        let read = [("ids", strings(&["img-free"]))];
        runtime().block_on(async {
            // Two plans at once.
            let (one, two) = (plugin.connect_plain().await, plugin.connect_plain().await);
            one.configure_for(&north.url(), &[]).await;
            two.configure_for(&east.url(), &[]).await;
            for client in [&one, &two] {
                let (state, diagnostics) = client.read_value(&read).await;
                assert!(state.is_some(), "{diagnostics:?}");
            }
            assert_eq!((north.counters().calls, east.counters().calls), (1, 1));
            drop((one, two));
            // A third, after nothing was connected.
            let (state, diagnostics) = plugin.connect_plain().await.read_value(&read).await;
            assert_eq!((state, diagnostics[0].summary.as_str()), (None, "Provider not configured"));
        });
    }
}

#[test]
fn hosts_are_told_not_to_stop_a_debugged_provider() {
    let mut child = Options::person().argument("-debug").command().spawn().unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let line = std::io::BufRead::lines(output).map_while(Result::ok).nth(2).unwrap();
    let value: serde_json::Value = serde_json::from_str(
        line.trim().strip_prefix("TF_REATTACH_PROVIDERS='").unwrap().trim_end_matches('\''),
    )
    .unwrap();
    // Each host looks for the address of its own registry.
    for registry in ["registry.terraform.io", "registry.opentofu.org"] {
        let provider = &value[format!("{registry}/jdcloud/jdcloud")];
        assert_eq!((&provider["Test"], &provider["Pid"]), (&true.into(), &child.id().into()), "{registry}");
    }
    crate::support::signal(child.id(), "TERM");
    assert!(child.wait().unwrap().success());
}
