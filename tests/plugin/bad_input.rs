//! Invalid requests: each gets a diagnostic, and later requests work.

use jdcloud_emulator::Scenario;
use terraform_provider_jdcloud::framework::{Data, Number, Type, Value, msgpack};
use terraform_provider_jdcloud::tfplugin::proto::v6::{self, DynamicValue};

use crate::support::{
    Client, DATA_SOURCE, Options, block, data_source_type, dynamic, emulator, provider_type, runtime,
    strings, texts,
};

fn with_client(test: impl AsyncFn(Client)) {
    for protocol in ["5", "6"] {
        let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            client.configure(&[]).await;
            test(client.clone()).await;
            assert_eq!(client.health().await.unwrap(), 1, "the process still serves");
        });
    }
}

async fn validate(client: &Client, config: DynamicValue) -> Vec<v6::Diagnostic> {
    let request =
        v6::validate_data_resource_config::Request { type_name: DATA_SOURCE.into(), config: Some(config) };
    let response: v6::validate_data_resource_config::Response =
        client.provider("ValidateDataSourceConfig", "ValidateDataResourceConfig", request).await.unwrap();
    response.diagnostics
}

async fn validate_block(client: &Client, arguments: &[(&str, Value)]) -> Vec<v6::Diagnostic> {
    let ty = data_source_type();
    validate(client, dynamic(&ty, &block(&ty, arguments))).await
}

async fn validate_provider(client: &Client, arguments: &[(&str, Value)]) -> Vec<v6::Diagnostic> {
    let ty = provider_type();
    let request =
        v6::validate_provider_config::Request { config: Some(dynamic(&ty, &block(&ty, arguments))) };
    // The field has another number in protocol 5's response.
    if client.protocol == 5 {
        let response: terraform_provider_jdcloud::tfplugin::proto::v5::prepare_provider_config::Response =
            client.call("/tfplugin5.Provider/PrepareProviderConfig", request).await.unwrap();
        return response.diagnostics;
    }
    let response: v6::validate_provider_config::Response =
        client.call("/tfplugin6.Provider/ValidateProviderConfig", request).await.unwrap();
    response.diagnostics
}

fn argument(diagnostic: &v6::Diagnostic) -> String {
    use v6::attribute_path::step::Selector;
    let Some(path) = &diagnostic.attribute else { return String::new() };
    let steps = path.steps.iter().map(|step| match step.selector.as_ref().unwrap() {
        Selector::AttributeName(name) => name.clone(),
        other => format!("{other:?}"),
    });
    steps.collect::<Vec<_>>().join(".")
}

#[test]
fn malformed_values_get_a_diagnostic() {
    let ty = data_source_type();
    let whole = dynamic(&ty, &block(&ty, &[("ids", strings(&["img-a"]))])).msgpack;
    let msgpack = |bytes: &[u8]| DynamicValue { msgpack: bytes.to_vec().into(), json: Default::default() };
    let json =
        |text: &str| DynamicValue { msgpack: Default::default(), json: text.as_bytes().to_vec().into() };
    let Type::Object(mut fewer) = ty.clone() else { unreachable!() };
    fewer.remove("on_missing");
    let fewer = Type::Object(fewer);
    let Type::Object(mut more) = ty.clone() else { unreachable!() };
    more.insert("colour".into(), Type::String);
    let more = Type::Object(more);
    let Type::Object(mut other) = ty.clone() else { unreachable!() };
    other.insert("ids".into(), Type::Number);
    let other = Type::Object(other);
    let deep = [vec![0x91; 10_000], vec![0xc0]].concat();
    let cases = [
        (msgpack(b"\xc1"), "object is required"),
        (msgpack(&[0x81]), "the encoding is truncated"),
        (msgpack(&whole[..whole.len() - 1]), "the encoding is truncated"),
        (msgpack(&[&whole[..], b"\x00"].concat()), "1 bytes follow the value"),
        (msgpack(&deep), "object is required"),
        (msgpack(&[0xdf, 0xff, 0xff, 0xff, 0xff]), "the encoding is truncated"),
        (dynamic(&fewer, &block(&fewer, &[])), "attribute \"on_missing\" is missing"),
        (dynamic(&more, &block(&more, &[])), "attribute \"colour\" is not expected"),
        (dynamic(&other, &block(&other, &[("ids", 1.into())])), "ids: set of string is required"),
        (json("{"), "invalid JSON"),
        (json("[]"), "object is required"),
        (json(&"[".repeat(10_000)), "invalid JSON"),
    ];
    with_client(async |client| {
        for (config, expected) in &cases {
            for diagnostics in [
                validate(&client, config.clone()).await,
                client.read(config.clone()).await.unwrap().diagnostics,
            ] {
                assert_eq!(diagnostics.len(), 1, "{expected}: {diagnostics:?}");
                assert_eq!(diagnostics[0].summary, "Malformed configuration");
                assert!(diagnostics[0].detail.contains(expected), "{expected}: {}", diagnostics[0].detail);
            }
        }
    });
}

#[test]
fn values_in_json_are_accepted_in_place_of_msgpack() {
    with_client(async |client| {
        let text = r#"{"id":null,"region":"cn-north-1","ids":[],"on_missing":null,"image_constraints":null,
            "excluded_instance_types":null,"included_instance_types":null,"missing_ids":null}"#;
        let config = DynamicValue { msgpack: Default::default(), json: text.as_bytes().to_vec().into() };
        let response = client.read(config).await.unwrap();
        assert_eq!(response.diagnostics, []);
        let state = msgpack::decode(&data_source_type(), &response.state.unwrap().msgpack).unwrap();
        assert_eq!(state.as_members().unwrap()["id"], Value::string("cn-north-1/e3b0c44298fc"));
    });
}

#[test]
fn a_malformed_argument_of_a_function_is_an_error_at_the_argument() {
    with_client(async |client| {
        let malformed = DynamicValue { msgpack: vec![0xc1].into(), json: Default::default() };
        let null = DynamicValue { msgpack: vec![0xc0].into(), json: Default::default() };
        let text = dynamic(&Type::String, &Value::string("x"));
        for (arguments, argument, expected) in [
            (vec![malformed.clone(), text.clone(), text.clone()], Some(0), "object is required"),
            (vec![null.clone(), text.clone(), text.clone()], Some(0), "must not be null"),
            (vec![text.clone()], None, "3 arguments are required, not 1"),
            (vec![], None, "3 arguments are required, not 0"),
            (vec![null; 4], None, "3 arguments are required, not 4"),
        ] {
            let request = v6::call_function::Request { name: "supports_instance_type".into(), arguments };
            let response: v6::call_function::Response =
                client.provider("CallFunction", "CallFunction", request).await.unwrap();
            let error = response.error.unwrap();
            assert_eq!(error.function_argument, argument);
            assert!(error.text.contains(expected), "{}", error.text);
        }
    });
}

#[test]
fn read_only_attributes_are_rejected_because_terraform_does_not() {
    with_client(async |client| {
        let set = [
            ("id", Value::string("mine")),
            ("image_constraints", Value::list([])),
            ("missing_ids", Value::Unknown),
        ];
        let diagnostics = validate_block(&client, &set).await;
        let arguments: Vec<String> = diagnostics.iter().map(argument).collect();
        assert_eq!(arguments, ["id", "image_constraints", "missing_ids"], "{:?}", texts(&diagnostics));
        assert!(diagnostics[0].detail.contains("set by the provider"), "{}", diagnostics[0].detail);
    });
}

#[test]
fn invalid_arguments_of_the_data_source_are_named() {
    let text = |text: &str| Value::string(text);
    let cases = [
        (
            "ids",
            Value::list([text(""), Value::Null, text("img-a"), text(" \t")]),
            "\"\" (empty), null (not set), \" \\t\" (white space).",
        ),
        (
            "on_missing",
            text("explode"),
            "must be \"ignore\", \"warn\", \"error\" or \"verify\", not \"explode\"",
        ),
        ("region", text("../x"), "\"../x\""),
        ("region", text(""), "is not a valid region name"),
    ];
    with_client(async |client| {
        for (name, value, expected) in &cases {
            let diagnostics = validate_block(&client, &[(name, value.clone())]).await;
            assert_eq!(diagnostics.len(), 1, "{:?}", texts(&diagnostics));
            assert_eq!(argument(&diagnostics[0]), *name);
            assert!(diagnostics[0].detail.contains(expected), "{}", diagnostics[0].detail);
        }
        // Unknown values are not validated.
        let unknown = [
            ("ids", Value::list([Value::Unknown])),
            ("on_missing", Value::Unknown),
            ("region", Value::Unknown),
        ];
        assert_eq!(validate_block(&client, &unknown).await, []);
    });
}

/// If these counted as absent, the read would be for another region, or for every image.
#[test]
fn a_read_with_an_argument_that_is_not_known_fails() {
    let emulator = emulator(Scenario::default());
    let plugin = Options::plain().start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        client.configure_for(&emulator.url(), &[]).await;
        for (name, value) in [
            ("region", Value::Unknown),
            ("ids", Value::Unknown),
            ("ids", Value::list([Value::string("img-a"), Value::Unknown])),
            ("on_missing", Value::Unknown),
        ] {
            let (state, diagnostics) = client.read_value(&[(name, value)]).await;
            assert_eq!((state, diagnostics.len()), (None, 1), "{name}: {:?}", texts(&diagnostics));
            assert_eq!(diagnostics[0].summary, "Argument not known yet");
            assert_eq!(argument(&diagnostics[0]), name);
        }
    });
    assert_eq!(emulator.counters().calls, 0, "there was a request");
}

#[test]
fn invalid_arguments_of_the_provider_are_named() {
    let text = |text: &str| Value::string(text);
    let decimal = |digits: &str| Value::Known(Data::Number(Number::parse(digits).unwrap()));
    let cases = [
        ("region", text("../x"), "is not a valid region name"),
        ("vm_endpoint", text("vm.jdcloud-api.com"), "is not a URL"),
        ("vm_endpoint", text("http://vm.jdcloud-api.com"), "is plain http"),
        ("vm_endpoint", text("ftp://vm.jdcloud-api.com"), "must begin with https://"),
        ("vm_endpoint", text("https://me:pw@vm.jdcloud-api.com"), "must not contain a user name"),
        ("vm_endpoint", text("https://me:p/w?pw@vm.jdcloud-api.com"), "is not a URL"),
        ("request_timeout", text("soon"), "at most 24h; got \"soon\""),
        ("request_timeout", text("0s"), "request_timeout must be"),
        ("read_timeout", text("-5m"), "at most 24h; got \"-5m\""),
        ("max_retries", (-1).into(), "must be a whole number of at least 0, not -1"),
        ("max_retries", decimal("1.5"), "not 1.5"),
        ("max_retries", decimal("1e300"), "is too large: 1000000000000000000000000000000000000000…."),
        ("batch_size", 0.into(), "batch_size must be between 1 and 350, not 0"),
        ("batch_size", 351.into(), "batch_size must be between 1 and 350, not 351"),
        ("max_concurrent_requests", 0.into(), "max_concurrent_requests must be"),
        ("access_key", text("AK"), "secret_key is not."),
        ("secret_key", text(""), "secret_key is an empty string"),
        ("security_token", text("T"), "access_key and secret_key are not."),
        ("profile", text(""), "profile is an empty string"),
        ("config_file", text("/no/such/file"), "config_file is \"/no/such/file\": there is no such file."),
        ("config_file", text("/dev/zero"), "it is not a regular file."),
        ("ca_bundle", text("/dev"), "it is a directory."),
    ];
    with_client(async |client| {
        for (name, value, expected) in &cases {
            let diagnostics = validate_provider(&client, &[(name, value.clone())]).await;
            assert_eq!(diagnostics.len(), 1, "{name}: {:?}", texts(&diagnostics));
            // Terraform would print the line of a token or a password.
            let is_secret = *name == "security_token"
                || matches!(value, Value::Known(Data::String(text)) if text.contains("pw"));
            assert_eq!(argument(&diagnostics[0]), if is_secret { "" } else { name });
            assert!(diagnostics[0].detail.contains(expected), "{name}: {}", diagnostics[0].detail);
            assert!(!diagnostics[0].detail.contains("pw"), "a password in a message");
            let configured = client.configure(&[(name, value.clone())]).await;
            assert_eq!(
                texts(&configured),
                texts(&diagnostics),
                "Terraform 0.12 configures without validating"
            );
        }
        for (name, _, _) in &cases {
            assert_eq!(validate_provider(&client, &[(name, Value::Unknown)]).await, [], "{name}");
        }
        let accepted = [
            ("request_timeout", text("60")),
            ("read_timeout", text("1m30s")),
            ("batch_size", 350.into()),
            ("max_retries", 0.into()),
        ];
        assert_eq!(validate_provider(&client, &accepted).await, []);
    });
}

#[test]
fn unknown_data_sources_get_a_diagnostic() {
    with_client(async |client| {
        let request =
            v6::read_data_source::Request { type_name: "jdcloud_nothing".into(), ..Default::default() };
        let response: v6::read_data_source::Response =
            client.provider("ReadDataSource", "ReadDataSource", request).await.unwrap();
        assert!(response.diagnostics[0].detail.contains("\"jdcloud_nothing\""), "{:?}", response.diagnostics);
    });
}
