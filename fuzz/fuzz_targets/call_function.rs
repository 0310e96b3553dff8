//! Handles arbitrary bytes as a CallFunction request: a result or an error, and never a panic.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use prost::Message;
use terraform_provider_jdcloud::framework::{EncodedValue, Server};
use terraform_provider_jdcloud::provider::JdCloud;
use terraform_provider_jdcloud::tfplugin::proto::v6::call_function::Request;

static SERVER: LazyLock<Server<JdCloud>> = LazyLock::new(|| Server::new(Arc::new(JdCloud)));

fuzz_target!(|input: &[u8]| {
    let Ok(request) = Request::decode(input) else { return };
    let arguments: Vec<EncodedValue> = request
        .arguments
        .into_iter()
        .map(|value| EncodedValue { msgpack: value.msgpack, json: value.json })
        .collect();
    if let Err(error) = SERVER.call_function(&request.name, &arguments) {
        // The rest of the text may quote the request.
        for bug in ["the provider crashed", "the result does not fit its type"] {
            assert!(!error.text.starts_with(bug), "{}", error.text);
        }
    }
});
