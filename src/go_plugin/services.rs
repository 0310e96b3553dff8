//! The services that every go-plugin host expects of its plugin, whatever the plugin does.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::Calls;
use super::host::{Host, StreamGuard};
use crate::grpc::{self, Messages, Request, Response};

/// The messages of `proto/grpc_*.proto`, generated at build time.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]
mod plugin {
    include!(concat!(env!("OUT_DIR"), "/plugin.rs"));
}

/// The messages of `proto/health.proto`, generated at build time.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]
mod health {
    include!(concat!(env!("OUT_DIR"), "/grpc.health.v1.rs"));
}

/// The name under which hosts ask for the plugin's health.
const HEALTH_SERVICE: &str = "plugin";

/// The calls of one connection: the host's own and the plugin's.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) calls: Calls,
    pub(super) host: Arc<Host>,
    pub(super) shutdown: CancellationToken,
}

impl Services {
    pub(super) async fn answer(self, request: Request) -> Response {
        let path = request.uri().path();
        match path {
            "/plugin.GRPCController/Shutdown" => {
                let shutdown = self.shutdown;
                grpc::immediate(request, move |_: plugin::Empty| {
                    tracing::debug!("the host asks the plugin to end");
                    shutdown.cancel();
                    plugin::Empty {}
                })
                .await
            }
            // Neither stream ever carries anything: logs go to standard error, and nothing is brokered. Hosts open them
            // at once and expect them to stay open.
            "/plugin.GRPCStdio/StreamStdio" => {
                let open = self.open_until_shutdown::<plugin::StdioData>(stream::pending());
                grpc::server_streaming::<(), _>(request, open).await
            }
            "/plugin.GRPCBroker/StartStream" => {
                grpc::streaming(request, |from_host: Messages<plugin::ConnInfo>| {
                    self.open_until_shutdown::<plugin::ConnInfo>(from_host.filter_map(async |_| None))
                })
                .await
            }
            "/grpc.health.v1.Health/Check" => {
                grpc::unary(request, |asked: health::HealthCheckRequest| {
                    std::future::ready(check(&asked.service))
                })
                .await
            }
            "/grpc.health.v1.Health/Watch" => {
                // The health never changes while there is someone to answer.
                let answer = check(HEALTH_SERVICE);
                let open = self.open_until_shutdown(stream::iter([answer]).chain(stream::pending()));
                grpc::server_streaming::<health::HealthCheckRequest, _>(request, open).await
            }
            "/grpc.health.v1.Health/List" => {
                grpc::unary(request, |_: health::HealthListRequest| {
                    let statuses =
                        check(HEALTH_SERVICE).map(|status| [(HEALTH_SERVICE.to_owned(), status)].into());
                    std::future::ready(statuses.map(|statuses| health::HealthListResponse { statuses }))
                })
                .await
            }
            _ => (self.calls)(request).await,
        }
    }

    /// A stream that the host sees until the process ends; its end tells that the host's is over.
    fn open_until_shutdown<M: Send + 'static>(
        &self,
        messages: impl Stream<Item = Result<M, Status>> + Send + 'static,
    ) -> Messages<M> {
        let shutdown = self.shutdown.clone().cancelled_owned();
        Box::pin(Guarded { messages: Box::pin(messages.take_until(shutdown)), _guard: self.host.stream() })
    }
}

/// A stream whose end is noticed.
struct Guarded<M> {
    messages: Messages<M>,
    _guard: StreamGuard,
}

impl<M> Stream for Guarded<M> {
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.messages.as_mut().poll_next(context)
    }
}

fn check(service: &str) -> Result<health::HealthCheckResponse, Status> {
    // An empty name asks for the process as a whole.
    if service.is_empty() || service == HEALTH_SERVICE {
        let status = health::health_check_response::ServingStatus::Serving.into();
        return Ok(health::HealthCheckResponse { status });
    }
    Err(Status::not_found(format!("there is no service {service:?}; ask for {HEALTH_SERVICE:?}")))
}
