//! Calls of the API: signing, sending, parsing, retries. Independent of the operation.

pub(crate) mod caller;
pub(crate) mod clock;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod json;
pub(crate) mod notice;
pub(crate) mod retry;
pub(crate) mod waiter;
