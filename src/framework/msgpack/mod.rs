//! Encodes and decodes values in msgpack. The type directs both, never the bytes.
//!
//! Source: Terraform's docs/plugin-protocol/object-wire-format.md and go-cty's cty/msgpack.

mod decode;
mod encode;

pub use decode::decode;
pub use encode::{encode, encode_known};

#[cfg(test)]
mod tests;
