//! The services that every go-plugin host calls, besides the plugin's own.
//!
//! Source: go-plugin's grpc_controller.go, grpc_stdio.go and grpc_broker.go, and gRPC's health checking protocol.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::host_liveness::HostLiveness;
use super::proto::health::health_check_response::ServingStatus;
use super::proto::health::health_server::{Health, HealthServer};
use super::proto::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use super::proto::plugin::grpc_broker_server::{GrpcBroker, GrpcBrokerServer};
use super::proto::plugin::grpc_controller_server::{GrpcController, GrpcControllerServer};
use super::proto::plugin::grpc_stdio_server::{GrpcStdio, GrpcStdioServer};
use super::proto::plugin::{ConnInfo, Empty, StdioData};
use super::service::Service;

/// The name under which hosts ask for the plugin's health.
const HEALTH_SERVICE: &str = "plugin";

type Messages<M> = BoxStream<'static, Result<M, Status>>;

/// Implements all four services.
pub(super) struct HostServices {
    pub(super) host: Arc<HostLiveness>,
    pub(super) shutdown: CancellationToken,
}

impl HostServices {
    /// The services as a connection serves them.
    pub(super) fn services(self) -> [Service; 4] {
        let this = Arc::new(self);
        [
            Service::new(GrpcControllerServer::from_arc(this.clone())),
            Service::new(GrpcStdioServer::from_arc(this.clone())),
            Service::new(GrpcBrokerServer::from_arc(this.clone())),
            Service::new(HealthServer::from_arc(this)),
        ]
    }

    /// A stream that stays open until the process ends. When it ends earlier, the host has closed its end.
    fn open_until_shutdown<M: Send + 'static>(
        &self,
        messages: impl Stream<Item = Result<M, Status>> + Send + 'static,
    ) -> Messages<M> {
        let guard = self.host.stream();
        let messages = messages.take_until(self.shutdown.clone().cancelled_owned());
        messages.inspect(move |_| _ = &guard).boxed()
    }
}

#[async_trait]
impl GrpcController for HostServices {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("the host requested shutdown");
        self.shutdown.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Forwards standard output and error, of which there is nothing to forward: logs go to the real standard error. Hosts
/// open the stream at once and expect it to stay open.
#[async_trait]
impl GrpcStdio for HostServices {
    type StreamStdioStream = Messages<StdioData>;

    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(self.open_until_shutdown(stream::pending())))
    }
}

/// Brokers further connections, which this plugin neither opens nor accepts. Hosts open the stream at once.
#[async_trait]
impl GrpcBroker for HostServices {
    type StartStreamStream = Messages<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let from_host = request.into_inner();
        Ok(Response::new(self.open_until_shutdown(from_host.filter_map(async |_| None))))
    }
}

#[async_trait]
impl Health for HostServices {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let HealthCheckRequest { service } = request.into_inner();
        // An empty name means the whole process.
        if service.is_empty() || service == HEALTH_SERVICE {
            return Ok(Response::new(serving()));
        }
        Err(Status::not_found(format!("unknown service {service:?}; ask for {HEALTH_SERVICE:?}")))
    }

    type WatchStream = Messages<HealthCheckResponse>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        // The status never changes while the process runs.
        let statuses = stream::iter([Ok(serving())]).chain(stream::pending());
        Ok(Response::new(self.open_until_shutdown(statuses)))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        let statuses = [(HEALTH_SERVICE.to_owned(), serving())].into();
        Ok(Response::new(HealthListResponse { statuses }))
    }
}

fn serving() -> HealthCheckResponse {
    HealthCheckResponse { status: ServingStatus::Serving.into() }
}
