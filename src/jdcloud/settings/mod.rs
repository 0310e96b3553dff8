//! What the client is told and where it finds the rest: arguments, environment, the JD Cloud CLI's profile.
//!
//! Everything is resolved at the first read that needs it and nothing is read from the process itself: the
//! environment comes in as a value.

mod argument;
mod check;
mod credentials;
mod endpoint;
mod environment;
mod error;
mod ini;
mod limits;
mod place;
mod profile;
mod region;
mod sources;

pub use argument::{Argument, Settings};
pub(crate) use credentials::Credentials;
pub use credentials::TokenEncoding;
pub use endpoint::{Endpoint, EndpointProblem};
pub use environment::Environment;
pub use error::SettingsError;
pub(crate) use limits::Limits;
pub use place::{Looked, Missing, Place};
pub use region::Region;
pub(crate) use sources::Sources;
