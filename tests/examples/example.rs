//! Copies an example into a directory, initialises it, and runs commands.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Case, CaseBuilder, Cli, Feature, Outcome, Protocol};

/// The directory of all examples.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Every file below `directory`, in order.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
        if path.is_dir() && !hidden {
            found.extend(files(&path));
        } else if path.is_file() && !hidden {
            found.push(path);
        }
    }
    found
}

/// A case with the configuration of `examples/<name>`: a directory, or one file of it.
pub(crate) fn build(protocol: Protocol, name: &str) -> CaseBuilder {
    let path = root().join(name);
    let directory = if path.is_dir() { path.clone() } else { path.parent().unwrap().to_owned() };
    let mut builder = Case::build(protocol, "");
    for file in if path.is_dir() { files(&path) } else { vec![path] } {
        let text = fs::read_to_string(&file).unwrap();
        if text.contains("required_providers") {
            // It has its own required_providers.
            builder = builder.file("terraform.tf", "");
        }
        let relative = file.strip_prefix(&directory).unwrap().to_str().unwrap();
        if [".tf", ".tftest.hcl"].iter().any(|end| relative.ends_with(end)) {
            builder = builder.file(relative, &text);
        }
    }
    builder
}

/// An initialized case of an example; `None` if Terraform is too old for it.
pub(crate) fn open(protocol: Protocol, feature: Feature, name: &str) -> Option<Case> {
    suits(feature).then(|| build(protocol, name).init())
}

/// Whether Terraform has a feature; prints a line if not.
pub(crate) fn suits(feature: Feature) -> bool {
    let cli = Cli::get();
    let suits = cli.has(feature);
    if !suits {
        eprintln!("not applicable: {} has no {}", cli.name(), feature.description());
    }
    suits
}

/// `terraform plan` with these variables must succeed, without a warning.
#[track_caller]
pub(crate) fn accepts(case: &Case, variables: &[&str]) {
    case.run(&with_variables(&["plan", "-json", "-input=false"], variables)).warned_of(&[]);
}

/// A command with these variables must fail with exactly this error.
#[track_caller]
pub(crate) fn refuses(case: &Case, command: &[&str], variables: &[&str], summary: &str, detail: &str) {
    let outcome = case.run(&with_variables(&[command, &["-json", "-input=false"]].concat(), variables));
    outcome.failed();
    let errors = outcome.diagnostics().of_severity("error");
    let [error] = &errors.0[..] else { panic!("not one error:\n{errors}") };
    assert_eq!((error.summary.as_str(), flat(&error.detail)), (summary, flat(detail)));
}

/// The output of a command with these variables must be `examples/<file>`, whose first line is the command.
#[track_caller]
pub(crate) fn shows(case: &Case, file: &str, command: &[&str], variables: &[&str]) -> Outcome {
    let (outcome, text) = typed(case, command, variables);
    let path = root().join(file);
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        is_printed(&expected, &text),
        "the guides print something else than Terraform says; if the new text is right, run UPDATE_EXAMPLES=1 cargo test \
         --test examples.\n{file} has:\n{expected}\nTerraform says:\n{text}"
    );
    outcome
}

/// Runs a command with these variables; the text is the command line and its output.
#[track_caller]
pub(crate) fn typed(case: &Case, command: &[&str], variables: &[&str]) -> (Outcome, String) {
    let outcome = case.text(&with_variables(&[command, &["-input=false"]].concat(), variables));
    let typed: Vec<String> =
        with_variables(command, variables).iter().map(|argument| quoted(argument)).collect();
    let text = format!("$ terraform {}\n\n{}\n", typed.join(" "), message(&outcome));
    (outcome, text)
}

/// Whether the output contains the printed text. OpenTofu may print more lines, such as the value of `self`.
fn is_printed(printed: &str, said: &str) -> bool {
    let (printed, said) = (flat(printed), flat(said).replace("OpenTofu", "Terraform"));
    let mut words = said.split(' ');
    said == printed || Cli::get().is_tofu() && printed.split(' ').all(|word| words.any(|other| other == word))
}

/// The errors of a command, else its output from the first warning, output value or line on.
fn message(outcome: &Outcome) -> String {
    let (text, marks) = if outcome.success {
        (&outcome.stdout, ["\nWarning: ", "\nChanges to Outputs:"])
    } else {
        (&outcome.stderr, ["\nError: ", "\nError: "])
    };
    let begin = marks.iter().find_map(|mark| text.find(mark)).unwrap_or_default();
    let end = text.find("\n─────").unwrap_or(text.len());
    let lines: Vec<&str> = text[begin..end.max(begin)].trim().lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn with_variables<'a>(command: &[&'a str], variables: &[&'a str]) -> Vec<&'a str> {
    let variables = variables.iter().flat_map(|variable| ["-var", *variable]);
    command.iter().copied().chain(variables).collect()
}

/// The argument, quoted for a shell.
fn quoted(argument: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_=.".contains(character);
    if argument.chars().all(plain) { argument.to_owned() } else { format!("'{argument}'") }
}

/// A text without the line breaks and frames of Terraform.
pub(crate) fn flat(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || "╷│╵".contains(character));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
