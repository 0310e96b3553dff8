//! The single steps of a call, for benchmarks only.

use std::sync::{Arc, Mutex};

use time::OffsetDateTime;

use crate::jdcloud::http::transport::RawResponse;
use crate::jdcloud::image_constraints::api as image_constraints;
use crate::jdcloud::settings::{Credentials, Environment, Settings, Sources};
use crate::jdcloud::signing::signer::{Unsigned, Version};
use crate::jdcloud::untrusted::Redactor;

/// The query for `ids`.
pub fn query(ids: &[Arc<str>]) -> String {
    image_constraints::query(ids)
}

/// The number of rows of `response`; `None` if it is not valid.
pub fn rows(response: &RawResponse) -> Option<usize> {
    let (_, rows) = image_constraints::parse(response, &Redactor::default(), None, &Mutex::default());
    Some(rows.ok()?.len())
}

/// Signs requests like a client with `settings`.
pub struct Signer(Credentials);

impl Signer {
    /// `None` if `settings` have no key pair.
    pub fn new(settings: Settings) -> Option<Self> {
        Sources::new(settings, Environment::default()).credentials().ok().map(Self)
    }

    /// The number of headers of a signed request with `query`; `None` if it cannot be signed.
    pub fn sign(&self, query: &str) -> Option<usize> {
        let path = "/v1/regions/cn-north-1/imageConstraints";
        let unsigned =
            Unsigned { host: "vm.jdcloud-api.com", service: "vm", region: "cn-north-1", path, query };
        let signed = unsigned.sign(
            Version::V2,
            &self.0,
            OffsetDateTime::now_utc(),
            "00000000-0000-4000-8000-000000000000",
        );
        Some(signed.ok()?.headers.len())
    }
}
