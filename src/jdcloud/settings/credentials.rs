//! The API key pair and its token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::{SettingsError, Source};
use crate::jdcloud::untrusted::Redactor;

/// How the security token stands in its header; JD Cloud's own SDKs disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenEncoding {
    /// As the Go, Java and Python SDKs send it.
    #[default]
    Base64,
    /// As the Node and Rust SDKs send it.
    Raw,
}

/// A key pair, whole and from one source, with the token that goes with it.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    access_key: SecretString,
    secret_key: SecretString,
    security_token: Option<SecretString>,
    encoding: TokenEncoding,
    origin: Source,
}

/// The names of the three parts in one source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) access_key: &'static str,
    pub(super) secret_key: &'static str,
    pub(super) security_token: &'static str,
}

/// What one source holds.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) access_key: Option<SecretString>,
    pub(super) secret_key: Option<SecretString>,
    pub(super) security_token: Option<SecretString>,
}

impl Credentials {
    /// The credentials that `parts` make, `None` when there is nothing at all.
    ///
    /// # Errors
    /// Half a pair, a token without its pair, and keys that no header can carry.
    pub(super) fn whole(
        origin: Source,
        names: Names,
        parts: Parts,
        encoding: TokenEncoding,
    ) -> Result<Option<Self>, SettingsError> {
        let present: Vec<_> = [
            (names.access_key, &parts.access_key),
            (names.secret_key, &parts.secret_key),
            (names.security_token, &parts.security_token),
        ]
        .into_iter()
        .filter_map(|(name, part)| part.as_ref().map(|part| (name, part)))
        .collect();
        for (name, part) in &present {
            if !part.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(SettingsError::UnusableKey { origin, name });
            }
        }
        let present: Vec<_> = present.into_iter().map(|(name, _)| name).collect();
        match parts {
            Parts { access_key: Some(access_key), secret_key: Some(secret_key), security_token } => {
                Ok(Some(Self { access_key, secret_key, security_token, encoding, origin }))
            }
            _ if present.is_empty() => Ok(None),
            _ => {
                let pair = [names.access_key, names.secret_key];
                let missing = pair.into_iter().filter(|name| !present.contains(name)).collect();
                Err(SettingsError::HalfKeyPair { origin, present, missing })
            }
        }
    }

    pub(crate) fn access_key(&self) -> &SecretString {
        &self.access_key
    }

    pub(crate) fn secret_key(&self) -> &SecretString {
        &self.secret_key
    }

    /// The token as its header carries it.
    pub(crate) fn security_token_header(&self) -> Option<SecretString> {
        let token = self.security_token.as_ref()?;
        Some(match self.encoding {
            TokenEncoding::Base64 => STANDARD.encode(token.expose_secret()).into(),
            TokenEncoding::Raw => token.clone(),
        })
    }

    /// Where they are from.
    pub(crate) fn origin(&self) -> &Source {
        &self.origin
    }

    /// Adds what must not be shown to `redactor`.
    pub(super) fn hide(&self, redactor: &mut Redactor) {
        redactor.add(self.secret_key.expose_secret());
        if let Some(token) = &self.security_token {
            redactor.add(token.expose_secret());
        }
    }

    /// How the token is sent, `None` without one.
    pub(crate) fn token_encoding(&self) -> Option<TokenEncoding> {
        self.security_token.as_ref().map(|_| self.encoding)
    }

    #[cfg(test)]
    pub(crate) fn for_tests(access_key: &str, secret_key: &str, token: Option<impl AsRef<str>>) -> Self {
        Self {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            security_token: token.map(|token| token.as_ref().into()),
            encoding: TokenEncoding::Base64,
            origin: Source::Arguments(vec!["access_key", "secret_key"]),
        }
    }
}
