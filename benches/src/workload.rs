//! What is measured: the steps of a read, a whole read, and what a read is compared with.

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

use crate::{Canned, Offline, block, data_source_type, ids, provider_block, settings};

/// The most ids that a call asks for, unless configured otherwise.
const BATCH: usize = 100;

/// Something to measure, prepared: returns the size of its result.
pub type Work = Box<dyn FnMut() -> usize>;

/// The workload `name` over `images` images with `types` instance types each; `None` if there is none of that name.
pub fn prepare(name: &str, images: usize, types: usize) -> Option<Work> {
    let canned = Canned::new(types);
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
            let answers = answers(&canned, images);
            Box::new(move || answers.iter().filter_map(bench_api::rows).sum())
        }
        "encode" => {
            let ty = data_source_type();
            let value = value(&canned, &ty, images);
            Box::new(move || msgpack::encode(&ty, &value).unwrap_or_default().len())
        }
        "decode" => {
            let bytes = state(&canned, images);
            let ty = data_source_type();
            Box::new(move || black_box(msgpack::decode(&ty, &bytes)).map_or(0, |_| bytes.len()))
        }
        "function" => function(&canned, images)?,
        "schema" => {
            let mut call = Connection::new(canned);
            Box::new(move || call.answer("GetProviderSchema", &wire::get_provider_schema::Request {}))
        }
        "read" => {
            let request = wire::read_data_source::Request {
                type_name: "jdcloud_image_constraints".to_owned(),
                config: Some(wire::DynamicValue { msgpack: block(images).msgpack, json: Bytes::new() }),
                ..Default::default()
            };
            // The first read has the bodies made; the second has a client of its own.
            Connection::new(canned.clone()).answer("ReadDataSource", &request);
            let mut call = Connection::new(canned);
            Box::new(move || call.answer("ReadDataSource", &request))
        }
        // The least that a read could do with these libraries: its bodies parsed into borrowed structures, its result
        // written from a structure that was made before.
        "baseline" => {
            let answers = answers(&canned, images);
            let ty = data_source_type();
            let value = value(&canned, &ty, images);
            Box::new(move || {
                for answer in &answers {
                    black_box(serde_json::from_slice::<Answer<'_>>(&answer.body).ok());
                }
                msgpack::encode(&ty, &value).unwrap_or_default().len()
            })
        }
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // that it is parsed is what counts
struct Answer<'a> {
    request_id: &'a str,
    #[serde(borrow)]
    result: AnswerResult<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct AnswerResult<'a> {
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

/// What JD Cloud answers to a read of `images`.
fn answers(canned: &Canned, images: usize) -> Vec<RawResponse> {
    state(canned, images);
    canned
        .bodies()
        .into_iter()
        .map(|body| RawResponse { status: 200, body, ..RawResponse::default() })
        .collect()
}

/// The encoded result of a read of `images`.
fn state(canned: &Canned, images: usize) -> Vec<u8> {
    let server = server(canned);
    let config = block(images);
    let read = server.read_data_source("jdcloud_image_constraints", &config, ClientCapabilities::default());
    let read = runtime().map(|runtime| runtime.block_on(read).state);
    read.ok().flatten().unwrap_or_default()
}

fn value(canned: &Canned, ty: &Type, images: usize) -> Value {
    msgpack::decode(ty, &state(canned, images)).unwrap_or(Value::Null)
}

fn server(canned: &Canned) -> Server<Offline> {
    let server = Server::new(Arc::new(Offline(canned.clone())));
    server.configure(&provider_block(), &Host::default());
    server
}

/// A rule's question about one of `images`.
fn function(canned: &Canned, images: usize) -> Option<Work> {
    let read = value(canned, &data_source_type(), images);
    let server = server(canned);
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

/// A host's connection to a provider that is configured.
struct Connection {
    runtime: Option<Runtime>,
    service: ProviderServer<V6<Offline>>,
}

impl Connection {
    fn new(canned: Canned) -> Self {
        let service = V6::service(Arc::new(Offline(canned)));
        let mut connection = Self { runtime: runtime().ok(), service };
        let config = wire::DynamicValue { msgpack: provider_block().msgpack, json: Bytes::new() };
        let configure = wire::configure_provider::Request { config: Some(config), ..Default::default() };
        connection.answer("ConfigureProvider", &configure);
        connection
    }

    /// The length of the answer to `message`.
    fn answer(&mut self, rpc: &str, message: &impl Message) -> usize {
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
