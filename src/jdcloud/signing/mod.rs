//! Request signing, with one form of the query that is both signed and sent.

pub(crate) mod query;
pub(crate) mod random;
pub(crate) mod signer;
