//! Diagnostics in the `-json` output of Terraform.

use std::fmt;

use serde_json::Value;

use super::outcome::flat;

/// One error or warning.
#[derive(serde::Deserialize)]
pub(crate) struct Diagnostic {
    severity: String,
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) detail: String,
    /// Such as `data.jdcloud_image_constraints.web`.
    #[serde(default)]
    pub(crate) address: String,
    #[serde(default)]
    snippet: Value,
}

/// A list of diagnostics.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Diagnostics(pub(crate) Vec<Diagnostic>);

/// An expected diagnostic.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected<'a> {
    /// The whole summary.
    pub(crate) summary: &'a str,
    /// Parts of the detail; line breaks are ignored.
    pub(crate) says: &'a [&'a str],
    /// A part of the line of HCL.
    pub(crate) at: &'a str,
}

impl Diagnostic {
    /// The line of HCL that it points at.
    pub(crate) fn code(&self) -> &str {
        self.snippet["code"].as_str().unwrap_or_default()
    }

    fn matches(&self, expected: &Expected<'_>) -> bool {
        let detail = flat(&self.detail);
        self.summary == expected.summary
            && expected.says.iter().all(|part| detail.contains(&flat(part)))
            && self.code().contains(expected.at)
    }
}

impl Diagnostics {
    pub(crate) fn of_severity(self, severity: &str) -> Self {
        Self(self.0.into_iter().filter(|diagnostic| diagnostic.severity == severity).collect())
    }

    /// Fails unless the diagnostics are exactly the expected ones.
    #[track_caller]
    pub(crate) fn match_with(self, expected: &[Expected<'_>]) {
        let mut left = self;
        for one in expected {
            let Some(position) = left.0.iter().position(|diagnostic| diagnostic.matches(one)) else {
                panic!("expected {one:#?}, got\n{left}");
            };
            left.0.remove(position);
        }
        assert!(left.0.is_empty(), "unexpected diagnostics:\n{left}");
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            writeln!(f, "nothing")?;
        }
        self.0.iter().try_for_each(|Diagnostic { severity, summary, detail, address, snippet }| {
            writeln!(f, "  {severity}: {summary}\n  {address}\n  {}\n  {detail}\n", snippet["code"])
        })
    }
}
