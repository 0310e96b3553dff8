//! The sources of settings, and errors about sources without a setting.

use std::fmt;

use crate::jdcloud::untrusted::UntrustedText;

/// A source that can hold a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The data source that is read.
    Read,
    /// The arguments with these names.
    Arguments(Vec<&'static str>),
    /// The environment variables with these names.
    Environment(Vec<&'static str>),
    /// A section of the JD Cloud CLI's file.
    Profile {
        /// The section.
        name: UntrustedText,
        /// The file; `None` if no home directory is known.
        file: Option<UntrustedText>,
    },
    /// The built-in default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => write!(f, "the data source"),
            Self::Arguments(names) => write!(f, "the provider's {}", joined(names)),
            Self::Environment(names) => write!(f, "the environment's {}", joined(names)),
            Self::Profile { name, file: Some(file) } => write!(f, "profile \"{name}\" in {file}"),
            Self::Profile { name, file: None } => write!(f, "profile \"{name}\" in ~/.jdc/config"),
            Self::Default => write!(f, "the default"),
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn joined(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// A source that was tried, and what is missing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTried {
    /// The source.
    pub origin: Source,
    /// What is missing.
    pub missing: Missing,
}

impl fmt::Display for SourceTried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.missing)
    }
}

/// What is missing in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// None of its names is set.
    Unset,
    /// No home directory is known.
    Home,
    /// The file does not exist.
    File,
    /// The default file cannot be read, for this reason.
    Unreadable(UntrustedText),
    /// The file does not contain the section, which this file or variable names.
    Section(Option<&'static str>),
    /// The section does not contain these keys.
    Keys(Vec<&'static str>),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => write!(f, "not set"),
            Self::Home => write!(f, "no home directory is known"),
            Self::File => write!(f, "there is no such file"),
            Self::Unreadable(reason) => write!(f, "it cannot be read: {reason}"),
            Self::Section(None) => write!(f, "the file has no such profile"),
            Self::Section(Some(by)) => write!(f, "the file has no such profile, which {by} names"),
            Self::Keys(keys) => write!(f, "it has no {}", joined(keys)),
        }
    }
}
