//! The API key pair and its token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::{SettingsError, Source};
use crate::jdcloud::untrusted::Redactor;

/// The encoding of the security token in its header; JD Cloud's own SDKs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenEncoding {
    /// As the Go, Java and Python SDKs.
    #[default]
    Base64,
    /// As the Node and Rust SDKs.
    Raw,
}

/// A complete key pair from one source, with its token.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    access_key: SecretString,
    secret_key: SecretString,
    security_token: Option<SecretString>,
    encoding: TokenEncoding,
    origin: Source,
}

/// The names of the three settings in one source.
#[derive(Debug, Clone, Copy)]
pub(super) struct CredentialNames {
    pub(super) access_key: &'static str,
    pub(super) secret_key: &'static str,
    pub(super) security_token: &'static str,
}

/// The values of the three settings in one source.
#[derive(Default)]
pub(super) struct CredentialValues {
    pub(super) access_key: Option<SecretString>,
    pub(super) secret_key: Option<SecretString>,
    pub(super) security_token: Option<SecretString>,
}

impl Credentials {
    /// The credentials with these `values`, `None` if no value is set.
    ///
    /// # Errors
    /// An incomplete pair, a token without its pair, and keys that are not valid in a header.
    pub(super) fn from_values(
        origin: Source,
        names: CredentialNames,
        values: CredentialValues,
        encoding: TokenEncoding,
    ) -> Result<Option<Self>, SettingsError> {
        let present: Vec<_> = [
            (names.access_key, &values.access_key),
            (names.secret_key, &values.secret_key),
            (names.security_token, &values.security_token),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name, value)))
        .collect();
        for (name, value) in &present {
            if !value.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(SettingsError::UnusableKey { origin, name });
            }
        }
        let present: Vec<_> = present.into_iter().map(|(name, _)| name).collect();
        match values {
            CredentialValues {
                access_key: Some(access_key),
                secret_key: Some(secret_key),
                security_token,
            } => Ok(Some(Self { access_key, secret_key, security_token, encoding, origin })),
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

    /// The value of the token header.
    pub(crate) fn security_token_header(&self) -> Option<SecretString> {
        let token = self.security_token.as_ref()?;
        Some(match self.encoding {
            TokenEncoding::Base64 => STANDARD.encode(token.expose_secret()).into(),
            TokenEncoding::Raw => token.clone(),
        })
    }

    /// Their source.
    pub(crate) fn origin(&self) -> &Source {
        &self.origin
    }

    /// Adds the secret key and the token to `redactor`.
    pub(super) fn hide(&self, redactor: &mut Redactor) {
        redactor.add(self.secret_key.expose_secret());
        if let Some(token) = &self.security_token {
            redactor.add(token.expose_secret());
        }
        // As it is sent: a server may return that encoded once more.
        if let Some(sent) = self.security_token_header() {
            redactor.add(sent.expose_secret());
        }
    }

    /// The encoding of the token, `None` without a token.
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
