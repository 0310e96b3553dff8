//! What a user is told: errors and warnings, each with the argument it is about.

use super::AttributePath;

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation went on.
    Warning,
}

/// One message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// The heading, one short line.
    pub summary: String,
    /// What happened, and what to do next.
    pub detail: String,
    /// The argument it is about; none points at the whole block.
    pub attribute: Option<AttributePath>,
}

/// The messages of one call, in the order in which they were found.
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

    /// Adds a message.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Removes the errors.
    pub(super) fn drop_errors(&mut self) {
        self.0.retain(|diagnostic| diagnostic.severity != Severity::Error);
    }

    /// Whether an error is among them.
    pub fn has_error(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The messages.
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
