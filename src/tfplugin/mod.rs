//! Terraform's two plugin protocols as thin adapters over a `framework` server.
//!
//! Knows the messages of the wire and what each call means, and nothing of JD Cloud or of how the host started us. Calls
//! that this kind of provider never gets (it has no managed resources) are answered UNIMPLEMENTED, as every host expects
//! of a plugin older than itself.

pub mod proto;
mod schema;
mod shared;
mod v5;
mod v6;

pub use v5::V5;
pub use v6::V6;

/// The protocols spoken, lowest first.
pub const PROTOCOLS: [u32; 2] = [5, 6];

/// The largest message in either direction; plugin libraries of other languages have the same limit.
const MAX_MESSAGE: usize = 256 << 20;

// A result that is too large gets a diagnostic of its own, so it must not fail as a message first.
const _: () = assert!(crate::framework::MAX_RESULT + (1 << 20) < MAX_MESSAGE);
