//! The msgpack form of values, as the wire carries them: directed by the type, never by the bytes.
//!
//! Source: Terraform's docs/plugin-protocol/object-wire-format.md and go-cty's cty/msgpack.

mod decode;
mod encode;

pub use decode::decode;
pub use encode::{Encoder, encode, encode_known};

#[cfg(test)]
mod tests;
