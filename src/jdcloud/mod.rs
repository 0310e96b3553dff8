//! JD Cloud's API as a Rust client: credentials, signer, transport, retries, batching, constraints. Knows no
//! Terraform.
//!
//! A [`Client`] belongs to one configuration: one endpoint and one key pair. Everything it learns (answers,
//! the clock's correction, the batch size that works) ends with it. To add an API, write a file beside
//! `image_constraints.rs`.

mod answer;
mod batch;
mod call;
mod client;
mod clock;
mod constraint;
mod envelope;
mod error;
mod image_constraints;
mod proxy;
mod query;
mod random;
mod retry;
mod settings;
mod signer;
#[doc(hidden)]
pub mod steps;
#[cfg(test)]
mod test_api;
mod tls;
mod transport;

pub use answer::{Answer, Image, Notice, Wanted};
pub use client::Client;
pub use constraint::{EXCLUDES, INCLUDES, InstanceTypes, Rule, RuleError, Verdict};
pub use error::{Asked, CallError, Context, Error, Failure, RowProblem};
pub use settings::{
    Argument, Endpoint, EndpointProblem, Environment, Looked, Missing, Place, Region, Settings,
    SettingsError, TokenEncoding,
};
pub use transport::{MAX_BODY, RawResponse, SignedRequest, Transport, TransportError};
