//! The outcome of a Terraform command.

use std::fmt;
use std::process::Output;

use serde_json::Value;

use super::diagnostic::{Diagnostics, Expected};

/// A command that has ended.
pub(crate) struct Outcome {
    command: String,
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The log of the provider and of go-plugin.
    pub(crate) log: String,
}

impl Outcome {
    pub(crate) fn new(arguments: &[&str], output: &Output, log: String) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("Terraform writes UTF-8");
        Self {
            command: arguments.join(" "),
            success: output.status.success(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            log,
        }
    }

    /// Fails unless the command succeeded.
    #[track_caller]
    pub(crate) fn succeeded(&self) {
        assert!(self.success, "this should have succeeded: {self}");
    }

    /// Fails unless the command failed.
    #[track_caller]
    pub(crate) fn failed(&self) {
        assert!(!self.success, "this should have been refused: {self}");
    }

    /// The diagnostics of a command that ran with `-json`.
    #[track_caller]
    pub(crate) fn diagnostics(&self) -> Diagnostics {
        // `validate` writes one document, `plan` and `apply` a line for each message.
        let found = match serde_json::from_str::<Value>(&self.stdout) {
            Ok(document) if document["diagnostics"].is_array() => document["diagnostics"].clone(),
            _ => {
                let lines = self.stdout.lines().map(serde_json::from_str::<Value>);
                let lines = lines.map(|line| line.unwrap_or_else(|_| panic!("no line of JSON: {self}")));
                lines
                    .map(|mut line| line["diagnostic"].take())
                    .filter(|diagnostic| !diagnostic.is_null())
                    .collect()
            }
        };
        let found = serde_json::from_value(found).unwrap_or_else(|error| panic!("{error}: {self}"));
        Diagnostics(found)
    }

    /// Fails unless the command failed with exactly these errors, in any order.
    #[track_caller]
    pub(crate) fn refused_with(&self, expected: &[Expected<'_>]) {
        self.failed();
        self.diagnostics().of_severity("error").match_with(expected);
    }

    /// Fails unless the command succeeded with exactly these warnings, in any order.
    #[track_caller]
    pub(crate) fn warned_of(&self, expected: &[Expected<'_>]) {
        self.succeeded();
        self.diagnostics().of_severity("warning").match_with(expected);
    }

    /// Fails unless the output contains `text`; line breaks and frames are ignored.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        let shown = flat(&format!("{} {}", self.stdout, self.stderr));
        let text = flat(text);
        assert!(shown.contains(&text), "expected\n  {text}\nin\n  {shown}");
    }

    /// The number of calls of this name in the log of the provider.
    pub(crate) fn calls(&self, rpc: &str) -> usize {
        let calls = self.log.lines().filter(|line| line.contains("call completed") && line.contains("rpc="));
        calls.filter(|line| line.split_whitespace().any(|word| word.ends_with(&format!("/{rpc}")))).count()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, success, stdout, stderr, .. } = self;
        let end = if *success { "succeeded" } else { "failed" };
        write!(f, "terraform {command} {end}\n{stdout}{stderr}")
    }
}

/// A text without the frames and line breaks of Terraform.
pub(crate) fn flat(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || "╷│╵".contains(character));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Fails unless two values are equal; `loss` is the consequence for a user.
#[track_caller]
pub(crate) fn same(found: &Value, expected: &Value, loss: &str) {
    assert!(found == expected, "{loss}: found\n{found:#}\nand expected\n{expected:#}");
}
