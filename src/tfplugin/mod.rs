//! Terraform's two plugin protocols, as thin adapters over a `framework` server.
//!
//! Translates messages and calls; knows nothing of JD Cloud or of how the host started the process. Calls that a provider
//! without managed resources never gets are answered UNIMPLEMENTED, which hosts also expect of older plugins.

pub mod proto;
mod schema;
mod shared;
mod v5;
mod v6;

pub use v5::V5;
pub use v6::V6;

/// The supported protocol versions, lowest first.
pub const PROTOCOLS: [u32; 2] = [5, 6];

/// The largest message in either direction, in bytes. HashiCorp's plugin SDKs have the same limit.
const MAX_MESSAGE: usize = 256 << 20;

// A result that is too large must get its own diagnostic before it exceeds the limit of a message.
const _: () = assert!(crate::framework::MAX_RESULT + (1 << 20) < MAX_MESSAGE);
