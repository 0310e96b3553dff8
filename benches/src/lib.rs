//! A JD Cloud that answers from memory, so that what is measured is the provider alone.

use std::sync::Arc;

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

/// Answers every call with the rows of the ids that it asks for.
pub struct Canned {
    types: String,
}

impl Canned {
    /// A JD Cloud whose images exclude this many instance types each.
    pub fn new(types: usize) -> Self {
        let types: Vec<String> = (0..types).map(|number| format!("\"g.n{number}.large\"")).collect();
        Self { types: types.join(",") }
    }
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: SignedRequest) -> Result<RawResponse, TransportError> {
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
        let body = format!(r#"{{"requestId":"r","result":{{"imageConstraints":[{}]}}}}"#, rows.join(","));
        Ok(RawResponse { status: 200, body: body.into_bytes(), ..RawResponse::default() })
    }
}

/// The provider with that JD Cloud behind it.
pub struct Offline(pub usize);

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
        let settings = Settings {
            access_key: Argument::Known(SecretString::from("AK")),
            secret_key: Argument::Known(SecretString::from("SK")),
            region: Argument::Known("cn-north-1".to_owned()),
            ..Settings::default()
        };
        let environment = Environment::new(Vec::<(String, String)>::new(), None);
        Some(Client::with_transport(settings, environment, Arc::new(Canned::new(self.0))))
    }

    fn stop(&self, client: &Client) {
        client.stop();
    }
}

/// A block of the data source that asks for this many images.
pub fn block(images: usize) -> EncodedValue {
    let ids = Value::list((0..images).map(|number| Value::string(format!("img-{number:010}"))));
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
