//! What hosts send to a [`super::Server`] and get from it, whatever the protocol.

use bytes::Bytes;

use super::{Diagnostics, Type, Value, ValueError, json, msgpack};

/// A value as the wire carries it: msgpack, or JSON where that is absent. Neither is null.
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

/// What the host accepts beyond the protocol's first version.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCapabilities {
    /// A deferred response: the value is not known yet, and the host will ask again.
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
    /// The encoded value of the block, unless the diagnostics hold an error.
    pub state: Option<Vec<u8>>,
    /// Why parts of the value are unknown; only for hosts that accept this.
    pub deferred: Option<DeferredReason>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}
