//! A Rust client of JD Cloud's API: credentials, signer, transport, retries, batching, constraints. Independent of
//! Terraform.
//!
//! A [`Client`] belongs to one configuration: one endpoint and one key pair. Its state (cached responses, the correction of
//! the clock, the accepted batch size) is dropped with it. To add an API that lists something, write a file
//! beside `images.rs`.

#[doc(hidden)]
pub mod bench_api;
mod call;
mod client;
mod http;
mod image_constraints;
pub mod images;
pub mod instance_types;
mod listing;
mod settings;
mod signing;
#[cfg(test)]
mod test_api;
mod untrusted;

pub use call::error::{CallError, Context, Error, Failure, RequestSummary, RowProblem};
pub use call::notice::Notice;
pub use client::Client;
pub use http::tls::TlsProblem;
pub use http::transport::{MAX_BODY, RawResponse, SignedRequest, Transport, TransportError};
pub use image_constraints::answer::{Answer, Image, ImageSelection};
pub use image_constraints::constraint::{EXCLUDES, INCLUDES, InstanceTypes, Rule, RuleError, Verdict};
pub use listing::Listed;
pub(crate) use settings::joined;
pub use settings::{
    Argument, Endpoint, EndpointProblem, Environment, Missing, Region, Settings, SettingsError, Source,
    SourceTried, TokenEncoding,
};
pub use untrusted::UntrustedText;
pub(crate) use untrusted::is_invisible;
