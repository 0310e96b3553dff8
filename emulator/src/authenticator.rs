//! Authenticates requests: keys, credential scopes, the date window, nonces and security tokens.
//!
//! The messages are the gateway's documented ones. Which of them answers a stale date, a nonce used twice or a
//! wrong token is not documented; all three get "Invalid authentication credentials" here.

use std::collections::HashMap;

use time::{Duration, OffsetDateTime};

use crate::authorization::{Authorization, V2, V3};
use crate::clock::parse_jdcloud_date;
use crate::error::ApiError;
use crate::options::{Credentials, Signature, TokenEncoding};
use crate::signature::{Received, base64_token, header, is_genuine, string_to_sign};

/// When more nonces than this are held, those that the date window refuses anyway are dropped.
const NONCES_HELD: usize = 10_000;

/// Checks signatures.
pub(crate) struct Authenticator {
    pub(crate) credentials: Vec<Credentials>,
    pub(crate) token_encoding: TokenEncoding,
    pub(crate) signature: Signature,
    /// How far `x-jdcloud-date` may be from the server's clock, either way.
    pub(crate) window: Duration,
    /// With the date of the request that used them.
    pub(crate) nonces: HashMap<String, OffsetDateTime>,
}

impl Authenticator {
    /// Checks a call for `region` that arrived at `now`, and remembers its nonce.
    ///
    /// # Errors
    ///
    /// The 401 that the gateway answers.
    pub(crate) fn authenticate(
        &mut self,
        received: &Received<'_>,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<(), ApiError> {
        let invalid = || ApiError::access("Invalid authentication credentials");
        let not_same = || ApiError::access("sign result is not same");
        let sent = |name| header(received.headers, name);

        let authorization =
            sent("authorization").ok_or_else(|| ApiError::access("lack of header authorization"))?;
        let authorization = Authorization::parse(&authorization)?;
        let refused = match self.signature {
            Signature::Any => None,
            Signature::V2 => Some(V3),
            Signature::V3 => Some(V2),
        };
        if refused == Some(authorization.version) {
            return Err(invalid());
        }
        let date = sent("x-jdcloud-date").ok_or_else(|| ApiError::access("lack of header x-jdcloud-date"))?;
        let credentials = self.credentials.iter().find(|known| known.access_key == authorization.access_key);
        let credentials = credentials.ok_or_else(|| ApiError::access("Invalid accessKey"))?;

        let sent_at = parse_jdcloud_date(&date).ok_or_else(invalid)?;
        let scope_fits = date.starts_with(authorization.date)
            && authorization.date.len() == 8
            && authorization.region == region
            && authorization.service == "vm";
        let nonce = sent("x-jdcloud-nonce").filter(|nonce| !nonce.is_empty()).ok_or_else(invalid)?;
        // All SDKs of version 2 sign these two. The Python SDK, of version 3, adds them after it has signed.
        let mut required = ["x-jdcloud-date", "x-jdcloud-nonce"].iter();
        let all_signed = authorization.version == V3
            || required.all(|name| authorization.signed_names().any(|signed| signed == *name));
        if !scope_fits || !all_signed || (now - sent_at).abs() > self.window {
            return Err(invalid());
        }

        let canonical = received.canonical(authorization.signed_headers).ok_or_else(not_same)?;
        let to_sign = string_to_sign(&authorization, &date, &canonical);
        if !is_genuine(&authorization, &credentials.secret_key, &to_sign) {
            return Err(not_same());
        }
        if let Some(token) = &credentials.security_token {
            let expected = match self.token_encoding {
                TokenEncoding::Base64 => base64_token(token),
                TokenEncoding::Raw => token.clone(),
            };
            let signed = authorization.signed_names().any(|name| name == "x-jdcloud-security-token");
            if !signed || sent("x-jdcloud-security-token") != Some(expected) {
                return Err(invalid());
            }
        }

        if self.nonces.len() >= NONCES_HELD {
            let window = self.window;
            self.nonces.retain(|_, sent_at| (now - *sent_at).abs() <= window);
        }
        match self.nonces.insert(nonce, sent_at) {
            Some(_) => Err(invalid()),
            None => Ok(()),
        }
    }
}
