//! Parts of requests and responses that do not depend on the protocol version.

use bytes::Bytes;

use super::{Diagnostics, Type, Value, ValueError, json, msgpack};

/// A `DynamicValue`: msgpack, or JSON where that is empty; null where both are.
#[derive(Clone, Debug, Default)]
pub struct EncodedValue {
    /// The msgpack form.
    pub msgpack: Bytes,
    /// The JSON form.
    pub json: Bytes,
}

impl EncodedValue {
    pub(super) fn decode(&self, ty: &Type) -> Result<Value, ValueError> {
        match (self.msgpack.is_empty(), self.json.is_empty()) {
            (false, _) => msgpack::decode(ty, &self.msgpack),
            (true, false) => json::decode(ty, &self.json),
            (true, true) => Ok(Value::Null),
        }
    }
}

/// Optional features that the host supports.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCapabilities {
    /// The host accepts deferred responses: parts of the value are unknown, and it will read again later.
    pub deferral_allowed: bool,
}

/// Why a response is deferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeferredReason {
    /// Arguments of the data source are unknown.
    ConfigUnknown,
    /// Arguments of the provider block are unknown.
    ProviderConfigUnknown,
}

/// The response to a read.
#[derive(Debug, Default)]
pub struct ReadResponse {
    /// The encoded value of the block; `None` if there is an error.
    pub state: Option<Vec<u8>>,
    /// Why the response is deferred; only for hosts that accept that.
    pub deferred: Option<DeferredReason>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}
