//! The messages and services of go-plugin's and gRPC's own proto files, generated at build time.

/// `proto/grpc_broker.proto`, `proto/grpc_controller.proto` and `proto/grpc_stdio.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]
pub(super) mod plugin {
    include!(concat!(env!("OUT_DIR"), "/plugin.rs"));
}

/// `proto/health.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]
pub(super) mod health {
    include!(concat!(env!("OUT_DIR"), "/grpc.health.v1.rs"));
}
