//! Generates the Registry's documentation, and fails when `docs/` is not what the provider, `templates/` and `examples/`
//! make of it.
//!
//! ```text
//! cargo test --test docs                   # compares
//! UPDATE_DOCS=1 cargo test --test docs     # writes docs/
//! ```

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

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

use std::fs;
use std::path::Path;

/// The root of the repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
#[track_caller]
fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a directory of the repository, as sorted paths from its root.
fn files(directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(repository().join(directory)).into_iter().flatten() {
        let entry = entry.unwrap();
        let path = format!("{directory}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn docs_are_what_the_provider_and_the_templates_make() {
    let expected = pages::all();
    let stale = || files("docs").into_iter().filter(|path| !expected.contains_key(path));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        stale().for_each(|path| fs::remove_file(repository().join(path)).unwrap());
        for (path, text) in &expected {
            let path = repository().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let differs = |(path, text): &(&String, &String)| {
        fs::read_to_string(repository().join(path)).ok().as_ref() != Some(text)
    };
    let wrong: Vec<String> =
        expected.iter().filter(differs).map(|(path, _)| path.clone()).chain(stale()).collect();
    assert!(
        wrong.is_empty(),
        "these pages are not what the schema, templates/ and examples/ make. Run `make generate`, look at `git diff docs`, and \
         commit it; never edit docs/ itself: {wrong:#?}"
    );
}
