//! gRPC services as a connection serves them: each call goes to the service that its path names.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// A call as HTTP carries it. Its path is `/<package>.<Service>/<Rpc>`.
pub(super) type Request = http::Request<Body>;

/// The response to a call.
pub(super) type Response = http::Response<Body>;

/// A gRPC service that tonic generated, such as Terraform's `tfplugin6.Provider`.
#[derive(Clone)]
pub struct Service {
    name: &'static str,
    service: BoxCloneSyncService<Request, Response, Infallible>,
}

impl Service {
    /// Serves `service` under its [`NamedService::NAME`].
    pub fn new<S>(service: S) -> Self
    where
        S: NamedService + Clone + Send + Sync + 'static,
        S: tower::Service<Request, Response = Response, Error = Infallible>,
        S::Future: Send + 'static,
    {
        Self { name: S::NAME, service: BoxCloneSyncService::new(service) }
    }
}

/// The services of one connection.
#[derive(Clone)]
pub(super) struct Services(Arc<[Service]>);

impl Services {
    pub(super) fn new(services: impl IntoIterator<Item = Service>) -> Self {
        Self(services.into_iter().collect())
    }

    /// Calls the service that the request's path names. An unknown service is UNIMPLEMENTED, as an unknown method of a
    /// service is to tonic.
    pub(super) async fn call(self, request: Request) -> Response {
        let started = Instant::now();
        let path = request.uri().path().to_owned();
        let name = path.split('/').nth(1).unwrap_or_default();
        let response = match self.0.iter().find(|service| service.name == name) {
            Some(service) => {
                let Ok(response) = service.service.clone().oneshot(request).await;
                response
            }
            None => Status::unimplemented(format!("unknown service {name}")).into_http(),
        };
        tracing::trace!(rpc = path, milliseconds = started.elapsed().as_millis(), "call completed");
        response
    }
}
