//! Errors and warnings for the user.

use super::AttributePath;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation continued.
    Warning,
}

/// One error or warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its severity.
    pub severity: Severity,
    /// The heading, one short line.
    pub summary: String,
    /// What happened, and what to do next.
    pub detail: String,
    /// The argument that caused it; `None` for the whole block.
    pub attribute: Option<AttributePath>,
}

/// The diagnostics of one call, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds an error about the whole block.
    pub fn error(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.add(Severity::Error, summary, detail, None);
    }

    /// Adds an error about a top-level argument.
    pub fn argument_error(&mut self, argument: &str, summary: impl Into<String>, detail: impl Into<String>) {
        self.add(Severity::Error, summary, detail, Some(AttributePath::attribute(argument)));
    }

    /// Adds a warning, about a top-level argument where there is one.
    pub fn warning(&mut self, argument: Option<&str>, summary: impl Into<String>, detail: impl Into<String>) {
        self.add(Severity::Warning, summary, detail, argument.map(AttributePath::attribute));
    }

    /// Adds a diagnostic.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Replaces each detail by what `rewrite` makes of it.
    pub fn rewrite_details(&mut self, rewrite: impl Fn(&str) -> String) {
        self.0.iter_mut().for_each(|diagnostic| diagnostic.detail = rewrite(&diagnostic.detail));
    }

    /// Removes the errors.
    pub(super) fn drop_errors(&mut self) {
        self.0.retain(|diagnostic| diagnostic.severity != Severity::Error);
    }

    /// Whether there is an error.
    pub fn has_error(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The diagnostics.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    fn add(
        &mut self,
        severity: Severity,
        summary: impl Into<String>,
        detail: impl Into<String>,
        attribute: Option<AttributePath>,
    ) {
        self.push(Diagnostic { severity, summary: summary.into(), detail: detail.into(), attribute });
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
