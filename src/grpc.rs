//! gRPC calls without a router: what `go_plugin` and `tfplugin` both need to answer one. Knows neither of them.

use std::future::Future;
use std::pin::Pin;

use futures_util::Stream;
use prost::Message;
use tonic::Status;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic_prost::ProstCodec;

/// The bounds of one message in either direction; what the plugin libraries of other languages use too.
pub const MAX_MESSAGE: usize = 256 << 20;

/// A call as HTTP carries it. Its path is `/<package>.<Service>/<Rpc>`.
pub type Request = http::Request<Body>;

/// The answer to a call.
pub type Response = http::Response<Body>;

/// An answer in the making.
pub type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A stream of messages.
pub type Messages<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

/// Answers a call of one message by one message.
pub async fn unary<Req, Res, F>(request: Request, handler: impl FnOnce(Req) -> F + Send) -> Response
where
    Req: Message + Default + 'static,
    Res: Message + Default + 'static,
    F: Future<Output = Result<Res, Status>> + Send,
{
    // A service can be called again and again in principle; this one is made for one call.
    let mut handler = Some(handler);
    let service = tower::service_fn(move |request: tonic::Request<Req>| {
        let answer = once(handler.take().map(|handler| handler(request.into_inner())));
        async move { Ok(tonic::Response::new(answer?.into_inner().await?)) }
    });
    grpc::<Req, Res>().unary(service, request).await
}

/// Answers a call whose work is done without waiting for anything.
pub async fn immediate<Req, Res>(request: Request, handler: impl FnOnce(Req) -> Res + Send) -> Response
where
    Req: Message + Default + 'static,
    Res: Message + Default + 'static,
{
    unary(request, |message| std::future::ready(Ok(handler(message)))).await
}

/// Answers a call of one message by a stream.
pub async fn server_streaming<Req, Res>(request: Request, messages: Messages<Res>) -> Response
where
    Req: Message + Default + 'static,
    Res: Message + Default + 'static,
{
    let mut messages = Some(messages);
    let service = tower::service_fn(move |_: tonic::Request<Req>| std::future::ready(once(messages.take())));
    grpc::<Req, Res>().server_streaming(service, request).await
}

/// Answers a call that is a stream by a stream.
pub async fn streaming<Req, Res>(
    request: Request,
    handler: impl FnOnce(Messages<Req>) -> Messages<Res> + Send,
) -> Response
where
    Req: Message + Default + 'static,
    Res: Message + Default + 'static,
{
    let mut handler = Some(handler);
    let service = tower::service_fn(move |request: tonic::Request<tonic::Streaming<Req>>| {
        let messages = handler.take().map(|handler| handler(Box::pin(request.into_inner())));
        std::future::ready(once(messages))
    });
    grpc::<Req, Res>().streaming(service, request).await
}

/// What the one call of a service made for one call finds.
fn once<T>(found: Option<T>) -> Result<tonic::Response<T>, Status> {
    found.map(tonic::Response::new).ok_or_else(|| Status::internal("the call was answered already"))
}

fn grpc<Req, Res>() -> Grpc<ProstCodec<Res, Req>>
where
    Req: Message + Default + Send + 'static,
    Res: Message + Default + Send + 'static,
{
    Grpc::new(ProstCodec::default())
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE)
}

/// The answer to a call that is not offered.
pub fn unimplemented() -> Response {
    Status::unimplemented("the plugin does not offer this call").into_http()
}
