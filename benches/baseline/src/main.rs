//! The smallest plugin with the provider's libraries: it has the same handshake, and replies with recorded bytes.
//!
//! The difference to the provider in size, memory and time is due to the provider's own code. `BASELINE_REPLIES` names a
//! directory with a file for each recorded rpc; every other call gets an empty message, which means success.

use std::convert::Infallible;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use terraform_provider_jdcloud::go_plugin::{self, Plugin, PluginEnvironment, Service};
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::server::{Grpc, NamedService};
use tonic_prost::ProstCodec;

mod fixed;

use fixed::Fixed;

// As in the provider.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let served = PluginEnvironment::read(|name| std::env::var_os(name))
        .map_err(|error| error.to_string())
        .and_then(|environment| {
            let plugin =
                Plugin { addresses: &["baseline"], protocols: &[6], connect: &|_| Service::new(Baseline) };
            go_plugin::serve(&plugin, environment).map_err(|error| error.to_string())
        });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "baseline: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Replies to every call of protocol 6.
#[derive(Clone)]
struct Baseline;

impl NamedService for Baseline {
    const NAME: &'static str = "tfplugin6.Provider";
}

impl tower::Service<http::Request<Body>> for Baseline {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let reply = reply(request.uri().path()).await;
            let service = tower::service_fn(move |_: tonic::Request<Fixed>| {
                std::future::ready(Ok(tonic::Response::new(Fixed(reply.clone()))))
            });
            Ok(Grpc::new(ProstCodec::<Fixed, Fixed>::default()).unary(service, request).await)
        })
    }
}

async fn reply(path: &str) -> Bytes {
    let rpc = path.rsplit('/').next().unwrap_or_default();
    match (std::env::var("BASELINE_URL"), std::env::var_os("BASELINE_REPLIES")) {
        (Ok(url), _) if rpc == "ReadDataSource" => fetched(&url).await.unwrap_or_default(),
        (_, Some(directory)) => std::fs::read(Path::new(&directory).join(rpc)).unwrap_or_default().into(),
        _ => Bytes::new(),
    }
}

/// `BASELINE_URL` is never set. This keeps the HTTP client linked, as in the provider, without using it at the start.
async fn fetched(url: &str) -> Option<Bytes> {
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().ok()?;
    client.get(url).send().await.ok()?.bytes().await.ok()
}
