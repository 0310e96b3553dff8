//! One call of the API: signed, sent, its response checked, and retried while that may help. Knows no operation.

pub(crate) mod caller;
pub(crate) mod clock;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod json;
pub(crate) mod retry;
pub(crate) mod waiter;
