//! Troubleshooting has a heading for every message that the provider can emit, and for no other.

use std::collections::BTreeSet;

use super::{files, markdown, read};

const GUIDE: &str = "docs/guides/troubleshooting.md";
/// The sections of the guide whose headings of the third level are the summaries of diagnostics.
const SECTIONS: [&str; 6] = [
    "Configuration",
    "Credentials",
    "Answers of JD Cloud",
    "Network",
    "Answers that are none",
    "Warnings and internal errors",
];

#[test]
fn troubleshooting_has_every_summary() {
    let summaries = summaries();
    let mut section = String::new();
    let mut headings = BTreeSet::new();
    for (level, heading) in markdown::parse(&read(GUIDE)).headings {
        match level {
            2 => section = heading,
            3 if SECTIONS.contains(&section.as_str()) => {
                assert!(headings.insert(heading.clone()), "{GUIDE} has {heading:?} twice");
            }
            _ => {}
        }
    }
    let missing: Vec<&String> = summaries.difference(&headings).collect();
    assert!(
        missing.is_empty(),
        "the provider can say these, and {GUIDE} has no heading for them: {missing:#?}"
    );
    let stale: Vec<&String> = headings.difference(&summaries).collect();
    assert!(stale.is_empty(), "{GUIDE} has headings for what the provider never says: {stale:#?}");
}

/// The texts in the code that are summaries: they begin with a capital, are short, and are no sentences.
fn summaries() -> BTreeSet<String> {
    let mut sources = files("src/provider");
    // The summaries of functions are titles of their pages.
    sources.retain(|path| !path.starts_with("src/provider/functions/") && !path.ends_with("/tests.rs"));
    sources.extend(["src/framework/server.rs", "src/framework/schema.rs"].map(str::to_owned));
    let mut found = BTreeSet::new();
    for path in sources {
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap();
        found.extend(literals(code).into_iter().filter(|literal| {
            literal.starts_with(|c: char| c.is_ascii_uppercase())
                && literal.len() < 60
                && !literal.contains(['{', '.', ':'])
                && (literal.contains(' ') || !literal.contains('_'))
        }));
    }
    for known in
        ["Read-only attribute", "No JD Cloud credentials", "Image IDs not returned", "Provider crashed"]
    {
        assert!(found.contains(known), "{known:?} was not found in the code");
    }
    found
}

/// The string literals of Rust code.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = code.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '/' if characters.peek() == Some(&'/') => while characters.next_if(|c| *c != '\n').is_some() {},
            // A character that looks like the beginning of a string.
            '\'' if matches!(characters.peek(), Some('"' | '\\')) => {
                characters.nth(1);
            }
            '"' => {
                let mut literal = String::new();
                while let Some(character) = characters.next() {
                    match character {
                        '"' => break,
                        '\\' => match characters.next() {
                            Some('\n') => while characters.next_if(|c| c.is_whitespace()).is_some() {},
                            Some('n') => literal.push('\n'),
                            Some(other) => literal.push(other),
                            None => {}
                        },
                        other => literal.push(other),
                    }
                }
                found.push(literal);
            }
            _ => {}
        }
    }
    found
}

#[test]
fn literals_are_found() {
    let code = "a(\"One\", '\"', \"t\\\"wo\"); // \"no\"\nb(\"thr\\\n   ee\", '\\'', \"four\")";
    assert_eq!(literals(code), ["One", "t\"wo", "three", "four"]);
}
