//! Generates the Registry's documentation, and fails when `docs/` is not what the provider and `templates/` make of it.
//!
//! ```text
//! cargo test --test docs                   # compares
//! UPDATE_DOCS=1 cargo test --test docs     # writes docs/
//! ```
//!
//! The schema comes from the library itself and the HCL from `examples/`, each file of which `tests/examples.rs` runs.
//! The layout and the syntax of the templates are those of HashiCorp's tfplugindocs, as far as they are used here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

#[path = "docs/chinese.rs"]
mod chinese;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/markdown.rs"]
mod markdown;
#[path = "docs/pages.rs"]
mod pages;
#[path = "docs/registry.rs"]
mod registry;
#[path = "docs/schema.rs"]
mod schema;
#[path = "docs/summaries.rs"]
mod summaries;
#[path = "docs/template.rs"]
mod template;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
#[track_caller]
fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a directory of the repository, as paths from its root, in order.
fn files(directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(repository().join(directory)) else { return found };
    for entry in entries {
        let path: PathBuf = entry.unwrap().path();
        let relative = path.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&relative));
        } else {
            found.push(relative);
        }
    }
    found.sort();
    found
}

/// The pages that the Registry shows.
fn registry_pages() -> Vec<String> {
    files("docs")
}

#[test]
fn docs_are_what_the_provider_and_the_templates_make() {
    let expected = pages::all().unwrap_or_else(|problem| panic!("{problem}"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        write(&expected);
    }
    let mut wrong = Vec::new();
    for (path, text) in &expected {
        match fs::read_to_string(repository().join(path)) {
            Err(_) => wrong.push(format!("{path} is missing")),
            Ok(found) if found != *text => {
                wrong.push(format!("{path} differs{}", first_difference(&found, text)));
            }
            Ok(_) => {}
        }
    }
    wrong.extend(
        registry_pages()
            .into_iter()
            .filter(|path| !expected.contains_key(path))
            .map(|path| format!("{path} has no template")),
    );
    assert!(
        wrong.is_empty(),
        "docs/ is not what the schema, templates/ and examples/ make. Run `make generate` (or UPDATE_DOCS=1 cargo test --test \
         docs) and commit the result; never edit docs/ itself.\n{}",
        wrong.join("\n")
    );
}

fn write(pages: &BTreeMap<String, String>) {
    for path in registry_pages().into_iter().filter(|path| !pages.contains_key(path)) {
        fs::remove_file(repository().join(path)).unwrap();
    }
    for (path, text) in pages {
        let path = repository().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn first_difference(found: &str, expected: &str) -> String {
    let (mut found, mut expected) = (found.lines(), expected.lines());
    for number in 1.. {
        match (found.next(), expected.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                let shown = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
                return format!(
                    " from line {number} on:\n  there:    {}\n  expected: {}",
                    shown(one),
                    shown(other)
                );
            }
        }
    }
    String::new()
}
