//! Handles arbitrary bytes as a ReadDataSource request: either a value or an error in a diagnostic.
//!
//! The provider has a key pair and an endpoint that refuses every connection, so a request that passes all checks ends
//! there.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use prost::Message;
use terraform_provider_jdcloud::framework::{
    ClientCapabilities, EncodedValue, Host, ReadResponse, Server, Severity, Type, Value, msgpack,
};
use terraform_provider_jdcloud::provider::JdCloud;
use terraform_provider_jdcloud::tfplugin::proto::v6::read_data_source::Request;

struct Fixture {
    server: Server<JdCloud>,
    runtime: tokio::runtime::Runtime,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let server = Server::new(Arc::new(JdCloud));
    let ty = server.provider_schema().ty();
    let given = [
        ("access_key", Value::string("AK")),
        ("secret_key", Value::string("SK")),
        ("region", Value::string("cn-north-1")),
        // Nothing listens on the port of the discard service.
        ("vm_endpoint", Value::string("http://127.0.0.1:9")),
        ("max_retries", 0.into()),
    ];
    let Type::Object(attributes) = &ty else { panic!("a block is an object") };
    let block = Value::members(attributes.keys().map(|name| {
        let value = given.iter().find(|(given, _)| *given == &**name);
        (name.clone(), value.map_or(Value::Null, |(_, value)| value.clone()))
    }));
    let msgpack = msgpack::encode(&ty, &block).expect("the block fits its schema").into();
    let config = EncodedValue { msgpack, json: bytes::Bytes::new() };
    assert!(!server.configure(&config, &Host::default()).has_error());
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().expect("a runtime");
    Fixture { server, runtime }
});

fuzz_target!(|input: &[u8]| {
    let Ok(request) = Request::decode(input) else { return };
    let config = request.config.unwrap_or_default();
    let config = EncodedValue { msgpack: config.msgpack, json: config.json };
    let Fixture { server, runtime } = &*FIXTURE;
    let checked = server.validate_data_source(&request.type_name, &config);
    let capabilities = ClientCapabilities {
        deferral_allowed: request.client_capabilities.is_some_and(|accepted| accepted.deferral_allowed),
    };
    let read = server.read_data_source(&request.type_name, &config, capabilities);
    let ReadResponse { state, deferred, diagnostics } = runtime.block_on(read);
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    assert!(deferred.is_none() || capabilities.deferral_allowed && !failed);
    assert_eq!(failed, state.is_none());
    assert!(!checked.has_error() || failed, "validation and read disagree");
    for diagnostic in diagnostics.iter() {
        assert_ne!(diagnostic.summary, "Provider crashed");
        assert_ne!(diagnostic.summary, "Invalid result");
    }
});
