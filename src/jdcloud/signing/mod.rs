//! The signature of a request, over the one form of its query that is both signed and sent.

pub(crate) mod query;
pub(crate) mod random;
pub(crate) mod signer;
