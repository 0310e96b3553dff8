//! The workloads: the steps of a read, a whole read, and a baseline.

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use prost::Message;
use serde::Deserialize;
use terraform_provider_jdcloud::framework::{
    ClientCapabilities, EncodedValue, Host, Server, Type, Value, msgpack,
};
use terraform_provider_jdcloud::jdcloud::{RawResponse, bench_api};
use terraform_provider_jdcloud::tfplugin::V6;
use terraform_provider_jdcloud::tfplugin::proto::v6 as wire;
use terraform_provider_jdcloud::tfplugin::proto::v6::provider_server::ProviderServer;
use tokio::runtime::Runtime;
use tonic::body::Body;

use crate::{MemoryTransport, Offline, block, data_source_type, ids, provider_block, settings};

/// The default batch size.
const BATCH: usize = 100;

/// A prepared workload: returns the size of its result.
pub type Work = Box<dyn FnMut() -> usize>;

/// The workload `name` over `images` images with `types` instance types each; `None` if the name is unknown.
pub fn prepare(name: &str, images: usize, types: usize) -> Option<Work> {
    let transport = MemoryTransport::new(types);
    Some(match name {
        "query" => {
            let ids = ids(images);
            Box::new(move || ids.chunks(BATCH).map(|ids| bench_api::query(ids).len()).sum())
        }
        "sign" => {
            let signer = bench_api::Signer::new(settings())?;
            let queries: Vec<String> = ids(images).chunks(BATCH).map(bench_api::query).collect();
            Box::new(move || queries.iter().filter_map(|query| signer.sign(query)).sum())
        }
        "parse" => {
            let responses = responses(&transport, images);
            Box::new(move || responses.iter().filter_map(bench_api::rows).sum())
        }
        "encode" => {
            let ty = data_source_type();
            let value = value(&transport, &ty, images);
            Box::new(move || msgpack::encode(&ty, &value).unwrap_or_default().len())
        }
        "decode" => {
            let bytes = state(&transport, images);
            let ty = data_source_type();
            Box::new(move || black_box(msgpack::decode(&ty, &bytes)).map_or(0, |_| bytes.len()))
        }
        "function" => function(&transport, images)?,
        "schema" => {
            let mut connection = HostConnection::new(transport);
            Box::new(move || connection.call("GetProviderSchema", &wire::get_provider_schema::Request {}))
        }
        "read" => {
            let request = wire::read_data_source::Request {
                type_name: "jdcloud_image_constraints".to_owned(),
                config: Some(wire::DynamicValue { msgpack: block(images).msgpack, json: Bytes::new() }),
                ..Default::default()
            };
            // The first read makes the bodies; the second has a new client.
            HostConnection::new(transport.clone()).call("ReadDataSource", &request);
            let mut connection = HostConnection::new(transport);
            Box::new(move || connection.call("ReadDataSource", &request))
        }
        // The minimal read with these libraries: the bodies are parsed into borrowed structures, and the result is encoded
        // from a value that was made before.
        "baseline" => {
            let responses = responses(&transport, images);
            let ty = data_source_type();
            let value = value(&transport, &ty, images);
            Box::new(move || {
                for response in &responses {
                    black_box(serde_json::from_slice::<Envelope<'_>>(&response.body).ok());
                }
                msgpack::encode(&ty, &value).unwrap_or_default().len()
            })
        }
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // only parsed
struct Envelope<'a> {
    request_id: &'a str,
    #[serde(borrow)]
    result: EnvelopeResult<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct EnvelopeResult<'a> {
    #[serde(borrow)]
    image_constraints: Vec<Row<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Row<'a> {
    image_id: &'a str,
    #[serde(borrow)]
    image_instance_type_constraint: Constraint<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Constraint<'a> {
    constraints_type: &'a str,
    #[serde(borrow)]
    instance_types: Vec<Cow<'a, str>>,
}

/// The responses to a read of `images`.
fn responses(transport: &MemoryTransport, images: usize) -> Vec<RawResponse> {
    state(transport, images);
    transport
        .bodies()
        .into_iter()
        .map(|body| RawResponse { status: 200, body, ..RawResponse::default() })
        .collect()
}

/// The encoded result of a read of `images`.
fn state(transport: &MemoryTransport, images: usize) -> Vec<u8> {
    let server = server(transport);
    let config = block(images);
    let read = server.read_data_source("jdcloud_image_constraints", &config, ClientCapabilities::default());
    let read = runtime().map(|runtime| runtime.block_on(read).state);
    read.ok().flatten().unwrap_or_default()
}

fn value(transport: &MemoryTransport, ty: &Type, images: usize) -> Value {
    msgpack::decode(ty, &state(transport, images)).unwrap_or(Value::Null)
}

fn server(transport: &MemoryTransport) -> Server<Offline> {
    let server = Server::new(Arc::new(Offline(transport.clone())));
    server.configure(&provider_block(), &Host::default());
    server
}

/// A call of a function about one of `images`.
fn function(transport: &MemoryTransport, images: usize) -> Option<Work> {
    let read = value(transport, &data_source_type(), images);
    let server = server(transport);
    let parameter = server.functions().first()?.signature().parameters.first()?.ty.clone();
    let Type::Object(attributes) = &parameter else { return None };
    let known = read.as_members()?;
    let constraints =
        Value::members(attributes.keys().filter_map(|name| Some((name.clone(), known.get(name)?.clone()))));
    let encode = |ty: &Type, value: &Value| {
        let msgpack = msgpack::encode(ty, value).unwrap_or_default().into();
        EncodedValue { msgpack, json: Bytes::new() }
    };
    let text = |text: &str| encode(&Type::String, &Value::string(text));
    let arguments = [encode(&parameter, &constraints), text("img-0000000000"), text("g.n1.large")];
    Some(Box::new(move || {
        server.call_function("supports_instance_type", &arguments).map_or(0, |result| result.len())
    }))
}

/// A host's connection to a configured provider.
struct HostConnection {
    runtime: Option<Runtime>,
    service: ProviderServer<V6<Offline>>,
}

impl HostConnection {
    fn new(transport: MemoryTransport) -> Self {
        let service = V6::service(Arc::new(Offline(transport)));
        let mut connection = Self { runtime: runtime().ok(), service };
        let config = wire::DynamicValue { msgpack: provider_block().msgpack, json: Bytes::new() };
        let configure = wire::configure_provider::Request { config: Some(config), ..Default::default() };
        connection.call("ConfigureProvider", &configure);
        connection
    }

    /// The length of the response to `message`.
    fn call(&mut self, rpc: &str, message: &impl Message) -> usize {
        let mut frame = BytesMut::new();
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
        let request = message.encode(&mut frame).ok().and_then(|()| {
            let request = http::Request::post(format!("/tfplugin6.Provider/{rpc}"))
                .header("content-type", "application/grpc");
            request.body(Body::new(Full::new(frame.freeze()))).ok()
        });
        let (Some(runtime), Some(request)) = (&self.runtime, request) else { return 0 };
        runtime.block_on(async {
            let Ok(response) = tower::Service::call(&mut self.service, request).await;
            let mut body = response.into_body();
            let mut length = 0;
            while let Some(Ok(frame)) = body.frame().await {
                length += frame.data_ref().map_or(0, Bytes::len);
            }
            length
        })
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()
}
