//! The client side of a host: its certificate, a connection, and calls.

#![allow(dead_code, unreachable_pub)] // each test file uses a part

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use prost::Message;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use terraform_provider_jdcloud::framework::{DataSource, Provider, Type, Value, msgpack};
use terraform_provider_jdcloud::provider::JdCloud;
use terraform_provider_jdcloud::tfplugin::proto::v6;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::Status;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic_prost::ProstCodec;

pub const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A host's certificate and key, as go-plugin makes them: self-signed, a CA, on P-521.
pub struct Identity {
    pub certificate: CertificateDer<'static>,
    key: KeyPair,
    pub pem: String,
}

impl Identity {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A certificate that expired years ago.
    pub fn expired() -> Self {
        Self::with(|params| {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        })
    }

    fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let body = STANDARD.encode(&certificate);
        let lines: Vec<&str> =
            body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        Self { certificate, key, pem }
    }

    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.serialize_der().into())
    }
}

/// The TLS configuration of a host: it trusts the certificate of the handshake line, for `localhost`.
pub fn client_config(
    server: &CertificateDer<'_>,
    identity: Option<&Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(server.clone().into_owned()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match identity {
        Some(identity) => {
            builder.with_client_auth_cert(vec![identity.certificate.clone()], identity.private_key()).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// Connects to a socket and checks its health, because a rejection shows only in the first call.
pub async fn connect(socket: &Path, tls: Option<ClientConfig>) -> Result<Client, String> {
    let (socket, tls) = (socket.to_owned(), tls.map(Arc::new));
    let connector = tower::service_fn(move |_: Uri| {
        let (socket, tls) = (socket.clone(), tls.clone());
        async move {
            // On Windows a plugin listens on a port.
            let port = socket.to_str().and_then(|text| text.parse::<SocketAddr>().ok());
            let stream: Box<dyn Io> = match port {
                Some(port) => Box::new(TcpStream::connect(port).await?),
                None => Box::new(UnixStream::connect(socket).await?),
            };
            let io: Box<dyn Io> = match tls {
                None => stream,
                Some(config) => {
                    let name = ServerName::try_from("localhost").unwrap();
                    Box::new(TlsConnector::from(config).connect(name, stream).await?)
                }
            };
            Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(io))
        }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await;
    let client = Client { channel: channel.map_err(|error| format!("{error:?}"))?, protocol: 6 };
    client.health().await.map_err(|status| format!("{status:?}"))?;
    Ok(client)
}

trait Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> Io for T {}

/// A connection to the plugin.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    pub protocol: u32,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a client of protocol {}", self.protocol)
    }
}

#[derive(Clone, PartialEq, Message)]
struct HealthRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
struct HealthResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

impl Client {
    /// Connects to the plugin that printed this handshake line; with TLS where there is an `identity`.
    pub async fn attach(handshake: &str, identity: Option<&Identity>) -> Self {
        let fields: Vec<&str> = handshake.split('|').collect();
        let tls = identity.map(|identity| {
            let certificate = CertificateDer::from(STANDARD_NO_PAD.decode(fields[5]).unwrap());
            client_config(&certificate, Some(identity), &[&rustls::version::TLS13])
        });
        let client = connect(Path::new(fields[3]), tls).await.unwrap();
        Self { protocol: fields[1].parse().unwrap(), ..client }
    }

    /// Makes any unary call.
    pub async fn call<Req, Res>(&self, path: &str, request: Req) -> Result<Res, Status>
    where
        Req: Message + Default + 'static,
        Res: Message + Default + 'static,
    {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(256 << 20);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = path.parse().unwrap();
        grpc.unary(tonic::Request::new(request), path, ProstCodec::default())
            .await
            .map(tonic::Response::into_inner)
    }

    /// Makes a call with any body.
    pub async fn send(&self, path: &str, body: tonic::body::Body) -> Result<http::HeaderMap, String> {
        let request = http::Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(body)
            .unwrap();
        let mut channel = self.channel.clone();
        let response = tower::ServiceExt::ready(&mut channel).await.map_err(|error| error.to_string())?;
        let response = tower::Service::call(response, request).await.map_err(|error| error.to_string())?;
        Ok(response.headers().clone())
    }

    /// Makes a server-streaming call.
    pub async fn stream<Res: Message + Default + 'static>(
        &self,
        path: &str,
    ) -> Result<tonic::Streaming<Res>, Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = path.parse().unwrap();
        let response =
            grpc.server_streaming(tonic::Request::new(()), path, ProstCodec::<(), Res>::default()).await?;
        Ok(response.into_inner())
    }

    pub async fn health(&self) -> Result<i32, Status> {
        let request = HealthRequest { service: "plugin".into() };
        self.call::<_, HealthResponse>("/grpc.health.v1.Health/Check", request)
            .await
            .map(|health| health.status)
    }

    /// Calls the provider, by the names that the call has in protocols 5 and 6.
    pub async fn provider<Req, Res>(&self, v5: &str, v6: &str, request: Req) -> Result<Res, Status>
    where
        Req: Message + Default + 'static,
        Res: Message + Default + 'static,
    {
        let name = if self.protocol == 5 { v5 } else { v6 };
        self.call(&format!("/tfplugin{}.Provider/{name}", self.protocol), request).await
    }

    /// Configures the provider; the messages are the same on both protocols.
    pub async fn configure(&self, arguments: &[(&str, Value)]) -> Vec<v6::Diagnostic> {
        let config = Some(dynamic(&provider_type(), &block(&provider_type(), arguments)));
        let request = v6::configure_provider::Request {
            terraform_version: "1.11.4".into(),
            config,
            ..Default::default()
        };
        let response: v6::configure_provider::Response =
            self.provider("Configure", "ConfigureProvider", request).await.unwrap();
        response.diagnostics
    }

    /// Configures it for the emulator, with valid keys and a region; `more` takes precedence.
    pub async fn configure_for(&self, endpoint: &str, more: &[(&str, Value)]) {
        let mut arguments = more.to_vec();
        arguments.extend([
            ("vm_endpoint", Value::string(endpoint)),
            ("access_key", Value::string(jdcloud_emulator::ACCESS_KEY)),
            ("secret_key", Value::string(jdcloud_emulator::SECRET_KEY)),
            ("region", Value::string("cn-north-1")),
        ]);
        assert_eq!(self.configure(&arguments).await, []);
    }

    /// Reads another data source, whose type is `ty`.
    pub async fn read_other(
        &self,
        type_name: &str,
        ty: &Type,
        arguments: &[(&str, Value)],
    ) -> (Option<Value>, Vec<v6::Diagnostic>) {
        let config = Some(dynamic(ty, &block(ty, arguments)));
        let request =
            v6::read_data_source::Request { type_name: type_name.into(), config, ..Default::default() };
        let response: v6::read_data_source::Response =
            self.provider("ReadDataSource", "ReadDataSource", request).await.unwrap();
        let state = response.state.map(|state| msgpack::decode(ty, &state.msgpack).unwrap());
        (state, response.diagnostics)
    }

    /// Reads the data source with an encoded configuration.
    pub async fn read(&self, config: v6::DynamicValue) -> Result<v6::read_data_source::Response, Status> {
        self.read_with(Some(config), false).await
    }

    /// Reads it as a host that accepts deferred responses or not.
    pub async fn read_with(
        &self,
        config: Option<v6::DynamicValue>,
        deferral_allowed: bool,
    ) -> Result<v6::read_data_source::Response, Status> {
        let request = v6::read_data_source::Request {
            type_name: DATA_SOURCE.into(),
            config,
            client_capabilities: Some(v6::ClientCapabilities { deferral_allowed, ..Default::default() }),
            ..Default::default()
        };
        self.provider("ReadDataSource", "ReadDataSource", request).await
    }

    /// Reads the data source and decodes its value.
    pub async fn read_value(&self, arguments: &[(&str, Value)]) -> (Option<Value>, Vec<v6::Diagnostic>) {
        let ty = data_source_type();
        let response = self.read(dynamic(&ty, &block(&ty, arguments))).await.unwrap();
        let state = response.state.map(|state| msgpack::decode(&ty, &state.msgpack).unwrap());
        (state, response.diagnostics)
    }
}

pub const DATA_SOURCE: &str = "jdcloud_image_constraints";

/// The type of the provider block, written out so that a change of the schema fails the tests.
pub fn provider_type() -> Type {
    let text = [
        "access_key",
        "secret_key",
        "security_token",
        "region",
        "profile",
        "config_file",
        "vm_endpoint",
        "ca_bundle",
        "request_timeout",
        "read_timeout",
    ];
    let numbers = ["max_retries", "max_concurrent_requests", "batch_size"];
    Type::Object(
        text.map(|name| (name.into(), Type::String))
            .into_iter()
            .chain(numbers.map(|name| (name.into(), Type::Number)))
            .chain([("read_ahead".into(), Type::Bool)])
            .collect(),
    )
}

pub fn data_source_type() -> Type {
    Type::object([
        ("id", Type::String),
        ("region", Type::String),
        ("ids", Type::set(Type::String)),
        ("on_missing", Type::String),
        ("image_constraints", Type::list(constraint_type())),
        ("excluded_instance_types", Type::map(Type::list(Type::String))),
        ("included_instance_types", Type::map(Type::list(Type::String))),
        ("missing_ids", Type::list(Type::String)),
    ])
}

/// The type of a data source, by its name.
pub fn type_of(name: &str) -> Type {
    let sources = JdCloud.data_sources();
    let source = sources.iter().find(|source| source.type_name() == name).unwrap();
    DataSource::schema(&**source).ty()
}

/// An element of `image_constraints`.
fn constraint_type() -> Type {
    Type::object([
        ("image_id", Type::String),
        ("constraints_type", Type::String),
        ("instance_types", Type::list(Type::String)),
    ])
}

/// The first parameter of the functions: the part of the data source that they need.
pub fn function_constraints_type() -> Type {
    Type::object([("ids", Type::set(Type::String)), ("image_constraints", Type::list(constraint_type()))])
}

/// A block with these arguments (of several with one name, the first), and null for the rest.
pub fn block(ty: &Type, arguments: &[(&str, Value)]) -> Value {
    let Type::Object(attributes) = ty else { panic!("a block is an object") };
    Value::members(attributes.keys().map(|name| {
        let given = arguments.iter().find(|(given, _)| *given == &**name);
        (name.clone(), given.map_or(Value::Null, |(_, value)| value.clone()))
    }))
}

pub fn dynamic(ty: &Type, value: &Value) -> v6::DynamicValue {
    v6::DynamicValue { msgpack: msgpack::encode(ty, value).unwrap().into(), json: Default::default() }
}

pub fn strings(texts: &[&str]) -> Value {
    Value::list(texts.iter().map(|text| Value::string(*text)))
}
