//! What has to work on every platform. `make test-release` runs this with the released binaries of other platforms.

use terraform_provider_jdcloud::tfplugin::proto::v6;

use jdcloud_emulator::Scenario;

use crate::support::{Identity, Options, emulator, runtime, strings};

#[test]
fn a_released_binary_starts_reads_and_ends_with_its_host() {
    let (status, output, _) = Options::person().argument("--version").run();
    assert!(status.success());
    assert_eq!(output.trim_end(), concat!("terraform-provider-jdcloud ", env!("CARGO_PKG_VERSION")));

    let emulator = emulator(Scenario::default());
    let identity = Identity::new();
    // Windows listens on one of these ports; elsewhere they mean nothing.
    let options = Options::host(&identity).set("PLUGIN_MIN_PORT", "10000").set("PLUGIN_MAX_PORT", "25000");
    let mut plugin = options.start();
    runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        let stdio = client.stream::<()>("/plugin.GRPCStdio/StreamStdio").await.unwrap();
        let request = v6::get_provider_schema::Request::default();
        let schema: v6::get_provider_schema::Response =
            client.call("/tfplugin6.Provider/GetProviderSchema", request).await.unwrap();
        assert!(schema.data_source_schemas.contains_key("jdcloud_image_constraints"));

        client.configure_for(&emulator.url(), &[]).await;
        let (state, diagnostics) = client.read_value(&[("ids", strings(&["img-ubuntu2204"]))]).await;
        assert_eq!(diagnostics, []);
        assert_eq!(emulator.counters().calls, 1);
        assert!(format!("{state:?}").contains("g.n4.large"), "{state:?}");
        drop(stdio);
    });
    // The host has gone: its connection and its streams have ended.
    assert!(plugin.wait().success());
}
