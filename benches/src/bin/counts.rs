//! One workload, run once or only prepared, so that an instruction counter around the process gives the difference:
//!
//!     counts WORKLOAD IMAGES TYPES run|prepare
//!
//! `run` also prints the allocations, the bytes allocated, the most bytes at once, and the size of the result.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measuring command

use std::hint::black_box;
use std::sync::Arc;

use jdcloud_benches::{Offline, block, data_source_type, provider_block};
use terraform_provider_jdcloud::framework::{EncodedValue, Host, Server, Type, Value, msgpack};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [workload, images, types, mode] = &arguments[..] else {
        println!("usage: counts read|read-naive|encode|decode|function|schema IMAGES TYPES run|prepare");
        return;
    };
    let (images, types) = (images.parse().unwrap(), types.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let server = Server::new(Arc::new(Offline(types)));
    assert!(!server.configure(&provider_block(), &Host::default()).has_error());
    let config = block(images);
    let ty = data_source_type();
    let read = || runtime.block_on(server.read_data_source("jdcloud_image_constraints", &config)).0.unwrap();
    let mut work: Box<dyn FnMut() -> usize> = match workload.as_str() {
        "read" => Box::new(move || read().len()),
        "encode" => {
            let value = msgpack::decode(&ty, &read()).unwrap();
            Box::new(move || msgpack::encode(&ty, &value).unwrap().len())
        }
        "decode" => {
            let bytes = read();
            Box::new(move || black_box(msgpack::decode(&ty, &bytes)).map(|_| bytes.len()).unwrap())
        }
        "function" => {
            let value = msgpack::decode(&ty, &read()).unwrap();
            let members = value.as_members().unwrap();
            let parameter = &server.functions()[0].signature().parameters[0].ty;
            let Type::Object(attributes) = parameter else { return };
            let constraints =
                Value::members(attributes.keys().map(|name| (name.clone(), members[name].clone())));
            let encode = |ty: &Type, value: &Value| EncodedValue {
                msgpack: msgpack::encode(ty, value).unwrap().into(),
                json: Default::default(),
            };
            let text = |text: &str| encode(&Type::String, &Value::string(text));
            let arguments = [encode(parameter, &constraints), text("img-0000000000"), text("g.n1.large")];
            let server = &server;
            Box::new(move || server.call_function("supports_instance_type", &arguments).unwrap().len())
        }
        "schema" => Box::new(|| server.data_sources()[0].schema().attributes.len()),
        _ => return,
    };
    if mode == "prepare" {
        return;
    }
    let mut size = 0;
    let counted = allocation_counter::measure(|| size = black_box(work()));
    println!(
        "{} allocations, {} bytes, {} at once, {size} result",
        counted.count_total, counted.bytes_total, counted.bytes_max
    );
}
