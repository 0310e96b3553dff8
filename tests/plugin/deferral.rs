//! Reads that depend on unknown values: an error, or a deferred response for hosts that accept one (Terraform Stacks).

use jdcloud_emulator::Scenario;
use terraform_provider_jdcloud::framework::{Value, msgpack};
use terraform_provider_jdcloud::tfplugin::proto::v6::deferred::Reason;
use terraform_provider_jdcloud::tfplugin::proto::v6::{self, DynamicValue};

use crate::support::{Client, Options, block, data_source_type, dynamic, emulator, runtime, strings, texts};

/// Runs `test` on both protocols, with a provider whose region and retries are unknown.
fn with_unknown_region(test: impl AsyncFn(Client)) {
    let emulator = emulator(Scenario::default());
    for protocol in ["5", "6"] {
        let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            client.configure_for(&emulator.url(), &[("region", Value::Unknown)]).await;
            test(client).await;
            assert_eq!(emulator.counters().calls, 0, "protocol {protocol}: the API was called");
        });
    }
}

fn config(arguments: &[(&str, Value)]) -> DynamicValue {
    dynamic(&data_source_type(), &block(&data_source_type(), arguments))
}

async fn read(
    client: &Client,
    config: DynamicValue,
    deferral_allowed: bool,
) -> v6::read_data_source::Response {
    client.read_with(Some(config), deferral_allowed).await.unwrap()
}

fn reason(response: &v6::read_data_source::Response) -> Option<Reason> {
    response.deferred.as_ref().map(v6::Deferred::reason)
}

#[test]
fn an_unknown_provider_argument_that_a_read_needs_defers_it_if_the_host_accepts_that() {
    with_unknown_region(async |client| {
        let arguments = || config(&[("ids", strings(&["img-free"])), ("on_missing", Value::string("warn"))]);
        let rejected = read(&client, arguments(), false).await;
        let [text] = &texts(&rejected.diagnostics)[..] else { panic!("{rejected:?}") };
        assert!(
            text.starts_with("Provider configuration not known yet: This data source needs region"),
            "{text}"
        );
        assert_eq!((rejected.state.clone(), reason(&rejected)), (None, None));

        let deferred = read(&client, arguments(), true).await;
        assert_eq!(deferred.diagnostics, []);
        assert_eq!(reason(&deferred), Some(Reason::ProviderConfigUnknown));
        let state = msgpack::decode(&data_source_type(), &deferred.state.unwrap().msgpack).unwrap();
        let state = state.as_members().unwrap();
        assert_eq!(state["ids"], strings(&["img-free"]), "configured values are known");
        assert_eq!(state["on_missing"], Value::string("warn"));
        for name in ["id", "region", "image_constraints", "excluded_instance_types", "missing_ids"] {
            assert_eq!(state[name], Value::Unknown, "{name}: a rule would use it");
        }
    });
}

#[test]
fn an_unknown_provider_argument_that_a_read_does_not_need_defers_nothing() {
    let emulator = emulator(Scenario::default());
    for protocol in ["5", "6"] {
        let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            client.configure_for(&emulator.url(), &[("region", Value::Unknown)]).await;
            let own_region = [("ids", strings(&["img-free"])), ("region", Value::string("cn-north-1"))];
            let response = read(&client, config(&own_region), true).await;
            assert_eq!((reason(&response), response.diagnostics), (None, vec![]));
            assert!(response.state.is_some());
        });
    }
}

#[test]
fn an_unknown_argument_of_the_data_source_is_not_ignored() {
    with_unknown_region(async |client| {
        let unknown_block = DynamicValue { msgpack: vec![0xd4, 0, 0].into(), json: Default::default() };
        let ids = ("ids", strings(&["img-free"]));
        let cases = [
            (config(&[ids.clone(), ("region", Value::Unknown)]), &["region"][..]),
            (config(&[("ids", Value::Unknown)]), &["ids"]),
            (config(&[("ids", Value::list([Value::string("img-a"), Value::Unknown]))]), &["ids"]),
            (config(&[ids, ("on_missing", Value::Unknown)]), &["on_missing"]),
            (unknown_block, &["ids", "on_missing", "region"]),
        ];
        for (config, unknown) in cases {
            let rejected = read(&client, config.clone(), false).await;
            let texts = texts(&rejected.diagnostics);
            assert_eq!((rejected.state.clone(), reason(&rejected), texts.len()), (None, None, unknown.len()));
            for (text, name) in texts.iter().zip(unknown) {
                assert!(text.starts_with(&format!("Argument not known yet: {name} depends on")), "{text}");
                assert!(text.contains("-target"), "the remedy: {text}");
            }
            let deferred = read(&client, config, true).await;
            assert_eq!(deferred.diagnostics, []);
            assert_eq!(reason(&deferred), Some(Reason::ResourceConfigUnknown));
            let state = msgpack::decode(&data_source_type(), &deferred.state.unwrap().msgpack).unwrap();
            assert_eq!(state.as_members().unwrap()["image_constraints"], Value::Unknown);
        }
    });
}

#[test]
fn a_missing_block_does_not_read_every_image() {
    with_unknown_region(async |client| {
        let null = DynamicValue { msgpack: vec![0xc0].into(), json: Default::default() };
        for absent in [None, Some(DynamicValue::default()), Some(null)] {
            for deferral_allowed in [false, true] {
                let response = client.read_with(absent.clone(), deferral_allowed).await.unwrap();
                assert_eq!((response.state.clone(), reason(&response)), (None, None));
                let [text] = &texts(&response.diagnostics)[..] else { panic!("{response:?}") };
                assert!(text.starts_with("Missing configuration: "), "{text}");
            }
        }
    });
}
