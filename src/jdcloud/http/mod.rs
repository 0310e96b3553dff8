//! HTTP: proxies, trusted certificates, and the transport that sends one signed request.

pub(crate) mod proxy;
pub(crate) mod tls;
pub(crate) mod transport;
