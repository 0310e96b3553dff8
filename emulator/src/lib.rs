//! JD Cloud's VM API gateway on loopback: four describe operations, signatures and faults included.
//!
//! For demonstrations and tests of the provider. It shares no code with the provider, so that a mistake in the
//! provider's signer cannot also be in the emulator.
//!
//! ```
//! use jdcloud_emulator::{Emulator, Image, Options, Scenario};
//!
//! let mut options = Options::default();
//! options.catalogue.insert("cn-north-1", "img-web", Image::excludes(&["g.n4.large"]));
//! let emulator = Emulator::start(options)?;
//!
//! // Point a client at it, with the key pair `ACCESS_KEY` and `SECRET_KEY` …
//! assert!(emulator.url().starts_with("http://127.0.0.1:"));
//! emulator.set_scenario(Scenario { fail_first: 2, fail_status: 503, ..Scenario::default() });
//!
//! // … and inspect its calls.
//! assert_eq!(emulator.counters().calls, 0);
//! assert!(emulator.calls().is_empty());
//! # std::io::Result::Ok(())
//! ```

mod admin;
mod authenticator;
mod authorization;
mod catalogue;
mod clock;
mod connection;
mod delivery;
mod emulator;
mod error;
mod faults;
mod gateway;
mod images;
mod instance_types;
mod journal;
mod operation;
mod options;
mod percent;
mod query;
mod random;
mod reply;
mod response_body;
mod scenario;
mod scripted;
mod server;
mod service;
mod signature;
mod state;
mod tls;

pub use catalogue::{Catalogue, Image, Source};
pub use emulator::Emulator;
pub use journal::{Call, Counters};
pub use options::{ACCESS_KEY, Credentials, Options, SECRET_KEY, Signature, TokenEncoding};
pub use scenario::{
    Answer, AnswerTo, FIELDS, FailBody, Field, MalformedRow, Paging, RawAnswer, RetryAfter, Scenario,
    ShareForm, SilentIds, ThrottleForm, UnknownRegion, WithoutIds,
};
