//! A small provider framework: schemas, values and their codecs, diagnostics, and the traits a provider implements.
//!
//! Knows Terraform's type system and the calls of a provider, but neither gRPC nor JD Cloud: `tfplugin` serves a [`Server`]
//! over gRPC, and `provider` implements the traits.

mod config;
mod cty_type;
mod data_source;
mod diagnostic;
mod function;
pub mod json;
mod members;
mod messages;
pub mod msgpack;
mod number;
mod path;
mod provider;
mod schema;
mod server;
mod value;
mod value_error;

pub use config::Config;
pub use cty_type::Type;
pub use data_source::{DataSource, ReadError};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use function::{Function, FunctionError, Parameter, Signature};
pub use members::Members;
pub use messages::{ClientCapabilities, DeferredReason, EncodedValue, ReadResponse};
pub use number::{InvalidNumber, Number};
pub use path::{AttributePath, Step};
pub use provider::{Host, Provider};
pub use schema::{Attribute, Mode, Schema};
pub use server::{MAX_RESULT, Server};
pub use value::{Data, Elements, Str, Value};
pub use value_error::{Problem, ValueError};
