//! A region's name, checked by its shape only: regions come and go without a release of ours.

use std::fmt;
use std::sync::Arc;

use super::{SettingsError, Source};
use crate::jdcloud::untrusted::Redactor;

/// The longest name taken for a region; real ones have some ten letters.
const MAX_LENGTH: usize = 63;

/// The name of a region, such as `cn-north-1`. It becomes a path segment and a part of the signature as it
/// is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(Arc<str>);

impl Region {
    /// Takes `name` as a region.
    ///
    /// # Errors
    /// Anything but lower-case letters and digits in words joined by hyphens; `origin` goes into the error.
    pub fn parse(name: &str, origin: Source) -> Result<Self, SettingsError> {
        Self::parse_redacted(name, origin, &Redactor::default())
    }

    /// [`Region::parse`] whose error does not quote what `redactor` hides.
    pub(super) fn parse_redacted(
        name: &str,
        origin: Source,
        redactor: &Redactor,
    ) -> Result<Self, SettingsError> {
        if is_region(name) {
            Ok(Self(name.into()))
        } else {
            // A page pasted into the field would make an unreadable message.
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
    fn regions_are_checked_by_shape() {
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
