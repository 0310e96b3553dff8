//! The messages and services of `proto/tfplugin5.proto` and `proto/tfplugin6.proto`, generated at build time.

/// Protocol 6.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]
pub mod v6 {
    include!(concat!(env!("OUT_DIR"), "/tfplugin6.rs"));
}

/// Protocol 5. Messages that are the same on the wire are protocol 6's Rust types.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]
pub mod v5 {
    include!(concat!(env!("OUT_DIR"), "/tfplugin5.rs"));
}
