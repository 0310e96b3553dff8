//! Protocol 5 and protocol 6 are one provider: the same request gets the same bytes.

use jdcloud_emulator::{Catalogue, Emulator, Options as EmulatorOptions};
use prost::Message;
use terraform_provider_jdcloud::framework::{Type, Value};
use terraform_provider_jdcloud::tfplugin::proto::v6;

use crate::chance::Chance;
use crate::support::{
    Client, DATA_SOURCE, Options, Plugin, block, data_source_type, dynamic, provider_type, runtime,
};

const CASES: u64 = 150;

#[test]
fn both_protocols_answer_the_same_to_whatever_is_asked() {
    let catalogue = Catalogue::generated(50, 5);
    let emulator = Emulator::start(EmulatorOptions { catalogue, ..EmulatorOptions::default() }).unwrap();
    let plugins: [Plugin; 2] =
        ["5", "6"].map(|protocol| Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start());
    runtime().block_on(async {
        let clients = [plugins[0].connect_plain().await, plugins[1].connect_plain().await];
        for client in &clients {
            let text = |text: &str| Value::string(text);
            let diagnostics = client
                .configure(&[
                    ("vm_endpoint", text(&emulator.url())),
                    ("access_key", text(jdcloud_emulator::ACCESS_KEY)),
                    ("secret_key", text(jdcloud_emulator::SECRET_KEY)),
                    // Each read is a call of its own, so that no answer depends on the ones before.
                    ("read_ahead", false.into()),
                ])
                .await;
            assert_eq!(diagnostics, []);
        }
        let mut values = 0;
        for seed in 0..CASES {
            let mut chance = Chance::new(seed);
            let config = data_source(&mut chance);
            let [five, six] = [read(&clients[0], &config).await, read(&clients[1], &config).await];
            assert_eq!(five, six, "seed {seed}: read");
            values += usize::from(five.state.is_some());
            let [five, six] = [validate(&clients[0], &config).await, validate(&clients[1], &config).await];
            assert_eq!(five, six, "seed {seed}: validate");
            let call = function_call(&mut chance);
            let [five, six] = [function(&clients[0], call.clone()).await, function(&clients[1], call).await];
            assert_eq!(five.encode_to_vec(), six.encode_to_vec(), "seed {seed}: function");
        }
        assert!(values > 20, "only {values} reads of {CASES} were answered: chance tests little");
        for seed in 0..CASES {
            let mut chance = Chance::new(seed);
            let ty = provider_type();
            let config = damaged(&mut chance, |chance| {
                let value = chance.value(&ty, true, 4);
                dynamic(&ty, &if value.is_null() { block(&ty, &[]) } else { value })
            });
            let request =
                || v6::configure_provider::Request { config: Some(config.clone()), ..Default::default() };
            let [five, six]: [v6::configure_provider::Response; 2] = [
                clients[0].provider("Configure", "ConfigureProvider", request()).await.unwrap(),
                clients[1].provider("Configure", "ConfigureProvider", request()).await.unwrap(),
            ];
            assert_eq!(five, six, "seed {seed}: configure");
        }
    });
}

/// A message, one in four of them damaged.
fn damaged(chance: &mut Chance, make: impl FnOnce(&mut Chance) -> v6::DynamicValue) -> v6::DynamicValue {
    let value = make(chance);
    if !chance.one_in(4) {
        return value;
    }
    v6::DynamicValue { msgpack: chance.damage(&value.msgpack).into(), json: value.json }
}

/// A data source's block: mostly one that can be read.
fn data_source(chance: &mut Chance) -> v6::DynamicValue {
    let ty = data_source_type();
    damaged(chance, |chance| {
        if chance.one_in(5) {
            return dynamic(&ty, &chance.value(&ty, true, 4));
        }
        let mut ids = Vec::new();
        for _ in 0..chance.below(4) {
            let id =
                if chance.one_in(6) { chance.text() } else { format!("img-{:010}", chance.below(60) + 1) };
            ids.push(Value::string(id));
        }
        ids.dedup();
        let region = *chance.choose(&["cn-north-1", "cn-north-1", "cn-north-1", "nowhere-9", "../"]);
        let on_missing = match *chance.choose(&["", "ignore", "warn", "error", "explode"]) {
            "" => Value::Null,
            word => Value::string(word),
        };
        let arguments =
            [("ids", Value::list(ids)), ("region", Value::string(region)), ("on_missing", on_missing)];
        dynamic(&ty, &block(&ty, &arguments))
    })
}

fn function_call(chance: &mut Chance) -> v6::call_function::Request {
    let row = Type::object([
        ("image_id", Type::String),
        ("constraints_type", Type::String),
        ("instance_types", Type::list(Type::String)),
    ]);
    let constraints =
        Type::object([("ids", Type::set(Type::String)), ("image_constraints", Type::list(row))]);
    let name = *chance.choose(&["supports_instance_type", "filter_instance_types", "explain_instance_type"]);
    let last = if name == "filter_instance_types" { Type::list(Type::String) } else { Type::String };
    let arguments = [constraints, Type::String, last]
        .map(|ty| damaged(chance, |chance| dynamic(&ty, &chance.value(&ty, true, 4))));
    v6::call_function::Request { name: name.into(), arguments: arguments.into() }
}

/// The answer, without the id that the API gives each of its own answers.
async fn read(client: &Client, config: &v6::DynamicValue) -> v6::read_data_source::Response {
    let mut response = client.read(config.clone()).await.unwrap();
    for diagnostic in &mut response.diagnostics {
        let words = diagnostic.detail.split_inclusive(char::is_whitespace);
        diagnostic.detail = words.filter(|word| !is_particular(word)).collect();
    }
    response
}

/// Whether a word of a diagnostic is another one each time: ids of requests, and how long they took.
fn is_particular(word: &str) -> bool {
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

async fn function(client: &Client, call: v6::call_function::Request) -> v6::call_function::Response {
    client.provider("CallFunction", "CallFunction", call).await.unwrap()
}
