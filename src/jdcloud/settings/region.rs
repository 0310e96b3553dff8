//! The name of a region. Only its form is checked, so that new regions need no release of this provider.

use std::fmt;
use std::sync::Arc;

use super::{SettingsError, Source};
use crate::jdcloud::untrusted::Redactor;

/// The maximum length; real names have about ten characters.
const MAX_LENGTH: usize = 63;

/// The name of a region, such as `cn-north-1`. It is used unescaped in the path and in the
/// signature.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(Arc<str>);

impl Region {
    /// Parses `name` as a region.
    ///
    /// # Errors
    /// Any name that is not lower-case letters and digits in words joined by hyphens; the error has `origin`.
    pub fn parse(name: &str, origin: Source) -> Result<Self, SettingsError> {
        Self::parse_redacted(name, origin, &Redactor::default())
    }

    /// Like [`Region::parse`]; `redactor` removes secrets from the error.
    pub(super) fn parse_redacted(
        name: &str,
        origin: Source,
        redactor: &Redactor,
    ) -> Result<Self, SettingsError> {
        if is_region(name) {
            Ok(Self(name.into()))
        } else {
            // A long text would make the message unreadable.
            let region = redactor.beginning(name, MAX_LENGTH);
            Err(SettingsError::InvalidRegion { region, origin })
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn is_region(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.len() <= MAX_LENGTH && name.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_of_a_region_is_checked() {
        for good in ["cn-north-1", "cn-hongkong-12", "x"] {
            assert!(Region::parse(good, Source::Read).is_ok(), "{good}");
        }
        for bad in [
            "",
            "../x",
            "cn-north-1/..",
            "CN-North-1",
            "cn--north",
            "-cn",
            "cn-",
            "cn north",
            "北京",
            &"a".repeat(64),
        ] {
            let error = Region::parse(bad, Source::Read).unwrap_err();
            assert!(matches!(error, SettingsError::InvalidRegion { .. }), "{bad}");
        }
    }
}
