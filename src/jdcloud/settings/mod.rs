//! The settings of a client and their sources: arguments, environment, the JD Cloud CLI's profile.
//!
//! Settings are resolved at the first read that needs them. The environment is passed in as a value.

mod argument;
mod credentials;
mod endpoint;
mod environment;
mod error;
pub(crate) mod file;
mod ini;
mod limits;
mod profile;
mod region;
mod source;
mod sources;
mod validate;

pub use argument::{Argument, Settings};
pub(crate) use credentials::Credentials;
pub use credentials::TokenEncoding;
pub use endpoint::{Endpoint, EndpointProblem};
pub use environment::Environment;
pub use error::SettingsError;
pub(crate) use limits::Limits;
pub use region::Region;
pub(crate) use source::joined;
pub use source::{Missing, Source, SourceTried};
pub(crate) use sources::Sources;
