//! Troubleshooting has a heading for every message that the provider can emit, and for no other.

use std::collections::BTreeSet;

use super::{files, markdown, read};

const GUIDE: &str = "docs/guides/troubleshooting.md";
/// The sections of the guide whose headings of the third level are not summaries of the provider's diagnostics.
const OTHERS: [&str; 2] = ["Functions", "Messages of Terraform itself"];

#[test]
fn troubleshooting_has_every_summary() {
    let mut section = String::new();
    let mut headings = BTreeSet::new();
    for (level, heading) in markdown::parse(&read(GUIDE)).headings {
        match level {
            2 => section = heading,
            3 if !OTHERS.contains(&section.as_str()) => {
                assert!(headings.insert(heading.clone()), "{GUIDE} has {heading:?} twice");
            }
            _ => {}
        }
    }
    let summaries = summaries();
    let missing: Vec<_> = summaries.difference(&headings).collect();
    assert!(
        missing.is_empty(),
        "the provider can emit these, and {GUIDE} has no heading for them: {missing:#?}"
    );
    let stale: Vec<_> = headings.difference(&summaries).collect();
    assert!(stale.is_empty(), "{GUIDE} has headings for messages that the provider never emits: {stale:#?}");
}

/// The string literals in the code that are summaries: on one line, with a capital, short, and not sentences.
fn summaries() -> BTreeSet<String> {
    let mut sources = files("src/provider");
    // The summaries of functions are titles of their pages.
    sources.retain(|path| !path.starts_with("src/provider/functions/") && !path.ends_with("/tests.rs"));
    sources.extend(["src/framework/server.rs", "src/framework/schema.rs"].map(str::to_owned));
    let mut found = BTreeSet::new();
    for path in sources {
        let text = read(&path);
        let code = text
            .split("#[cfg(test)]")
            .next()
            .unwrap()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let literals = code.flat_map(|line| line.split('"').skip(1).step_by(2));
        found.extend(literals.filter(|text| is_summary(text)).map(str::to_owned));
    }
    assert!(
        found.contains("Read-only attribute") && found.contains("Provider crashed"),
        "only {found:?} was found"
    );
    found
}

fn is_summary(literal: &str) -> bool {
    literal.starts_with(|c: char| c.is_ascii_uppercase())
        && literal.len() < 60
        && !literal.contains(['{', '.', ':', '\\'])
        && (literal.contains(' ') || !literal.contains('_'))
        && literal.trim() == literal
}
