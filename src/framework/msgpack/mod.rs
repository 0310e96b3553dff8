//! The msgpack form of values, as the wire carries them: directed by the type, never by the bytes.
//!
//! Source: Terraform's docs/plugin-protocol/object-wire-format.md and go-cty's cty/msgpack.

mod decode;
mod encode;

pub use decode::decode;
pub use encode::{Encoder, encode, encode_known};

/// The extension type of an unknown value about which something is known.
const REFINED: i8 = 12;

/// Keys of the map that describes a refined unknown value.
mod refinement {
    pub(super) const NULL: u64 = 1;
    pub(super) const PREFIX: u64 = 2;
    pub(super) const MINIMUM: u64 = 3;
    pub(super) const MAXIMUM: u64 = 4;
    pub(super) const MINIMUM_LENGTH: u64 = 5;
    pub(super) const MAXIMUM_LENGTH: u64 = 6;
}

#[cfg(test)]
mod tests;
