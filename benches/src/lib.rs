//! A transport that responds from memory, so that only the provider is measured.

pub mod counts;
pub mod workload;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;
use terraform_provider_jdcloud::framework::{
    Config, DataSource, Diagnostics, EncodedValue, Function, Host, Provider, Schema, Type, Value, msgpack,
};
use terraform_provider_jdcloud::jdcloud::{
    Argument, Client, Environment, RawResponse, Settings, SignedRequest, Transport, TransportError,
};
use terraform_provider_jdcloud::provider::JdCloud;

/// Responds to every request with the rows of its ids. A body is made once; measure the requests of a second client.
#[derive(Clone)]
pub struct MemoryTransport {
    types: String,
    bodies: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl MemoryTransport {
    /// A transport whose images exclude `types` instance types each.
    pub fn new(types: usize) -> Self {
        let types: Vec<String> = (0..types).map(|number| format!("\"g.n{number}.large\"")).collect();
        Self { types: types.join(","), bodies: Arc::default() }
    }

    /// The bodies of its responses.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.lock().values().cloned().collect()
    }

    fn body(&self, request: &SignedRequest) -> Vec<u8> {
        let rows: Vec<String> = request
            .url
            .query_pairs()
            .map(|(_, id)| {
                format!(
                    r#"{{"imageId":"{id}","imageInstanceTypeConstraint":{{"constraintsType":"excludes","instanceTypes":[{}]}}}}"#,
                    self.types
                )
            })
            .collect();
        format!(r#"{{"requestId":"r","result":{{"imageConstraints":[{}]}}}}"#, rows.join(",")).into_bytes()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<u8>>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    async fn send(&self, request: SignedRequest) -> Result<RawResponse, TransportError> {
        let query = request.url.query().unwrap_or_default();
        let known = self.lock().get(query).cloned();
        let body = known.unwrap_or_else(|| {
            let body = self.body(&request);
            self.lock().insert(query.to_owned(), body.clone());
            body
        });
        Ok(RawResponse { status: 200, body, ..RawResponse::default() })
    }
}

/// The required settings of a client.
pub fn settings() -> Settings {
    Settings {
        access_key: Argument::Known(SecretString::from("AK")),
        secret_key: Argument::Known(SecretString::from("SK")),
        region: Argument::Known("cn-north-1".to_owned()),
        ..Settings::default()
    }
}

/// The provider with the transport from memory.
pub struct Offline(pub MemoryTransport);

impl Provider for Offline {
    type Configured = Client;

    fn schema(&self) -> Schema {
        JdCloud.schema()
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<Client>>> {
        JdCloud.data_sources()
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        JdCloud.functions()
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        JdCloud.validate(config, diagnostics);
    }

    fn configure(&self, _: &Config, _: &Host, _: &mut Diagnostics) -> Option<Client> {
        Some(Client::with_transport(settings(), Environment::default(), Arc::new(self.0.clone())))
    }

    fn without_secrets(&self, client: &Client, text: &str) -> String {
        JdCloud.without_secrets(client, text)
    }

    fn stop(&self, client: &Client) {
        client.stop();
    }
}

/// The ids of this many images.
pub fn ids(images: usize) -> Vec<Arc<str>> {
    (0..images).map(|number| format!("img-{number:010}").into()).collect()
}

/// A block of the data source with this many images.
pub fn block(images: usize) -> EncodedValue {
    let ids = Value::list(ids(images).into_iter().map(Value::string));
    encoded(&data_source_type(), |name| if name == "ids" { ids.clone() } else { Value::Null })
}

/// A provider block that sets nothing.
pub fn provider_block() -> EncodedValue {
    encoded(&JdCloud.schema().ty(), |_| Value::Null)
}

/// The type of the data source's value.
pub fn data_source_type() -> Type {
    JdCloud.data_sources().iter().map(|source| source.schema().ty()).next().unwrap_or(Type::Dynamic)
}

fn encoded(ty: &Type, value: impl Fn(&str) -> Value) -> EncodedValue {
    let Type::Object(attributes) = ty else { return EncodedValue::default() };
    let members = attributes.keys().map(|name| (name.clone(), value(name)));
    let msgpack = msgpack::encode(ty, &Value::members(members)).unwrap_or_default();
    EncodedValue { msgpack: Bytes::from(msgpack), json: Bytes::new() }
}
