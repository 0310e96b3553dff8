//! The same request gets the same response with protocol 5 and with protocol 6.

use std::cell::Cell;

use jdcloud_emulator::{Catalogue, Emulator, Options as EmulatorOptions};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use prost::Message;
use terraform_provider_jdcloud::framework::{Type, Value};
use terraform_provider_jdcloud::tfplugin::proto::v6;

use crate::generators::{config, damage, text, value};
use crate::support::{
    Client, DATA_SOURCE, Options, Plugin, block, data_source_type, dynamic, function_constraints_type,
    provider_type, runtime,
};

const CASES: u32 = 150;

#[test]
fn both_protocols_give_the_same_response() {
    let catalogue = Catalogue::generated(50, 5);
    let emulator = Emulator::start(EmulatorOptions { catalogue, ..EmulatorOptions::default() }).unwrap();
    let plugins: [Plugin; 2] =
        ["5", "6"].map(|protocol| Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start());
    let runtime = runtime();
    let clients =
        runtime.block_on(async { [plugins[0].connect_plain().await, plugins[1].connect_plain().await] });
    let configuration = || {
        [
            ("vm_endpoint", Value::string(emulator.url())),
            ("access_key", Value::string(jdcloud_emulator::ACCESS_KEY)),
            ("secret_key", Value::string(jdcloud_emulator::SECRET_KEY)),
            // Each read is a call of its own, so that no response depends on the ones before.
            ("read_ahead", false.into()),
        ]
    };
    for client in &clients {
        assert_eq!(runtime.block_on(client.configure(&configuration())), []);
    }
    let [five, six] = &clients;

    let succeeded = Cell::new(0);
    let inputs = (data_source_config(), any::<bool>(), function_call());
    let outcome = TestRunner::new(config(CASES)).run(&inputs, |(config, deferral_allowed, call)| {
        runtime.block_on(async {
            let response = read(five, &config, deferral_allowed).await;
            prop_assert_eq!(&response, &read(six, &config, deferral_allowed).await, "read");
            succeeded.set(succeeded.get() + u32::from(response.state.is_some()));
            prop_assert_eq!(validate(five, &config).await, validate(six, &config).await, "validate");
            let (five, six) = (function(five, call.clone()).await, function(six, call).await);
            prop_assert_eq!(five.encode_to_vec(), six.encode_to_vec(), "function");
            Ok(())
        })
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let succeeded = succeeded.get();
    assert!(succeeded > 20, "only {succeeded} of {CASES} reads succeeded: this tests little");

    let outcome = TestRunner::new(config(CASES)).run(&provider_config(), |config| {
        runtime.block_on(async {
            prop_assert_eq!(configure(five, &config).await, configure(six, &config).await);
            Ok(())
        })
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// An encoded value, one in four of them damaged.
fn damaged(value: impl Strategy<Value = v6::DynamicValue>) -> impl Strategy<Value = v6::DynamicValue> {
    (value, weighted(0.25, damage())).prop_map(|(value, damage)| match damage {
        None => value,
        Some(damage) => v6::DynamicValue { msgpack: damage.apply(&value.msgpack).into(), json: value.json },
    })
}

/// A data source's block: mostly one that can be read.
fn data_source_config() -> impl Strategy<Value = v6::DynamicValue> {
    let ty = data_source_type();
    let id = prop_oneof![1 => text(), 5 => (1..=60_u32).prop_map(|number| format!("img-{number:010}"))];
    let region = select(&["cn-north-1", "cn-north-1", "cn-north-1", "nowhere-9", "../"][..]);
    let on_missing = select(&[None, Some("ignore"), Some("warn"), Some("error"), Some("explode")][..]);
    let readable = (vec(id, 0..4), region, on_missing).prop_map(|(mut ids, region, on_missing)| {
        ids.sort();
        ids.dedup();
        let ty = data_source_type();
        let arguments = [
            ("ids", Value::list(ids.into_iter().map(Value::string))),
            ("region", Value::string(region)),
            ("on_missing", on_missing.map_or(Value::Null, Value::string)),
        ];
        dynamic(&ty, &block(&ty, &arguments))
    });
    let any = value(&ty, true, 4).prop_map(move |value| dynamic(&ty, &value));
    damaged(prop_oneof![4 => readable, 1 => any])
}

fn provider_config() -> impl Strategy<Value = v6::DynamicValue> {
    let ty = provider_type();
    damaged(value(&ty, true, 4).prop_map(move |value| dynamic(&ty, &value)))
}

fn function_call() -> impl Strategy<Value = v6::call_function::Request> {
    let argument = |ty: Type| damaged(value(&ty, true, 4).prop_map(move |value| dynamic(&ty, &value)));
    let call = move |name: &'static str, last: Type| {
        let arguments = (argument(function_constraints_type()), argument(Type::String), argument(last));
        arguments.prop_map(move |(constraints, image, last)| v6::call_function::Request {
            name: name.to_owned(),
            arguments: vec![constraints, image, last],
        })
    };
    prop_oneof![
        call("supports_instance_type", Type::String),
        call("filter_instance_types", Type::list(Type::String)),
        call("explain_instance_type", Type::String),
    ]
}

/// The response, without what differs from one API call to the next.
async fn read(
    client: &Client,
    config: &v6::DynamicValue,
    deferral_allowed: bool,
) -> v6::read_data_source::Response {
    let mut response = client.read_with(Some(config.clone()), deferral_allowed).await.unwrap();
    for diagnostic in &mut response.diagnostics {
        let words = diagnostic.detail.split_inclusive(char::is_whitespace);
        diagnostic.detail = words.filter(|word| !differs_by_call(word)).collect();
    }
    response
}

/// Ids of requests, and how long they took.
fn differs_by_call(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit()) && !word.contains("img-")
}

async fn validate(client: &Client, config: &v6::DynamicValue) -> Vec<v6::Diagnostic> {
    let request = v6::validate_data_resource_config::Request {
        type_name: DATA_SOURCE.into(),
        config: Some(config.clone()),
    };
    let response: v6::validate_data_resource_config::Response =
        client.provider("ValidateDataSourceConfig", "ValidateDataResourceConfig", request).await.unwrap();
    response.diagnostics
}

async fn configure(client: &Client, config: &v6::DynamicValue) -> v6::configure_provider::Response {
    let config = Some(config.clone());
    let request = v6::configure_provider::Request { config, ..Default::default() };
    client.provider("Configure", "ConfigureProvider", request).await.unwrap()
}

async fn function(client: &Client, call: v6::call_function::Request) -> v6::call_function::Response {
    client.provider("CallFunction", "CallFunction", call).await.unwrap()
}
