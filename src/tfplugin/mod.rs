//! Terraform's two plugin protocols as thin adapters over a `framework` server.
//!
//! Knows the wire's messages and what each call means, and nothing of JD Cloud or of how the host started us. The calls
//! that this kind of provider never gets (it has no managed resources) are answered UNIMPLEMENTED, as every host
//! expects of a plugin older than itself.

use std::sync::Arc;

use crate::framework::{Provider, Server};
use crate::grpc::{self, Answer, Request};

pub mod proto;
mod schema;
mod shared;
mod v5;
mod v6;

/// The protocols spoken, lowest first.
pub const PROTOCOLS: [u32; 2] = [5, 6];

/// The calls of one connection, which gets a provider of its own to configure.
pub fn connection<P: Provider>(provider: Arc<P>, protocol: u32) -> impl Fn(Request) -> Answer + Send + Sync {
    let server = Arc::new(Server::new(provider));
    move |request| {
        let server = server.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let started = std::time::Instant::now();
            let answer = match (protocol, path.strip_prefix("/tfplugin"), path.rsplit_once('/')) {
                (5, Some(rest), Some((_, rpc))) if rest.starts_with("5.Provider/") => {
                    v5::answer(server, rpc, request).await
                }
                (6, Some(rest), Some((_, rpc))) if rest.starts_with("6.Provider/") => {
                    v6::answer(server, rpc, request).await
                }
                _ => grpc::unimplemented(),
            };
            tracing::trace!(rpc = path, milliseconds = started.elapsed().as_millis(), "answered");
            answer
        })
    }
}
