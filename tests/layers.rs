//! Checks which modules import which. Without this rule the lower layers could not serve another provider, and a change
//! of the protocol would affect everything.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers that each layer may import; `main` is the binary.
const ALLOWED: [(&str, &[&str]); 6] = [
    ("main", &["go_plugin", "tfplugin", "provider"]),
    ("provider", &["framework", "jdcloud"]),
    ("tfplugin", &["framework"]),
    ("go_plugin", &[]),
    ("framework", &[]),
    ("jdcloud", &[]),
];

#[test]
fn layers_import_only_lower_layers() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let layers: BTreeSet<&str> = ALLOWED.iter().map(|(layer, _)| *layer).collect();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in rust_files(&source) {
        let relative = file.strip_prefix(&source).unwrap();
        let layer = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if layer == "lib" {
            continue;
        }
        assert!(
            layers.contains(layer.as_str()),
            "{}: the layer has no rule; add it to ALLOWED",
            relative.display()
        );
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            seen.insert((layer.clone(), import.clone()));
            let own = import == layer;
            if layers.contains(import.as_str()) && !own && !allowed[layer.as_str()].contains(&import.as_str())
            {
                wrong.push(format!("{} imports {import}", relative.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // These must exist; otherwise the test does not find imports at all.
    for (layer, import) in [("provider", "jdcloud"), ("tfplugin", "framework"), ("main", "go_plugin")] {
        assert!(seen.contains(&(layer.to_owned(), import.to_owned())), "{layer} should import {import}");
    }
}

/// The files with the types of errors and logs. Their texts from outside must be `UntrustedText`, which only a redactor makes;
/// a plain string could show a secret or a control sequence.
const SHOWN: [&str; 8] = [
    "call/error.rs",
    "call/notice.rs",
    "http/transport.rs",
    "http/tls.rs",
    "http/proxy.rs",
    "settings/error.rs",
    "settings/source.rs",
    "image_constraints/answer.rs",
];

/// Strings in these files that are not shown: the ids of a read, and the user agent.
const NOT_SHOWN: [&str; 2] = ["Named(BTreeSet<String>)", "user_agent: String"];

#[test]
fn errors_hold_no_raw_text() {
    let jdcloud = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/jdcloud");
    let mut raw = Vec::new();
    for file in SHOWN {
        let source = fs::read_to_string(jdcloud.join(file)).unwrap();
        raw.extend(raw_fields(&source).map(|line| format!("{file}: {line}")));
    }
    // The part of the envelope that errors use.
    let envelope = fs::read_to_string(jdcloud.join("call/envelope.rs")).unwrap();
    let meta = envelope.split("struct ResponseMeta {").nth(1).unwrap().split('}').next().unwrap();
    raw.extend(raw_fields(meta).map(|line| format!("ResponseMeta: {line}")));
    assert!(raw.is_empty(), "these must be UntrustedText: {raw:#?}");
}

/// The fields and variants of type definitions whose type has a plain string or path in it.
fn raw_fields(source: &str) -> impl Iterator<Item = &str> {
    let lines = source.lines().map(str::trim).filter(|line| !line.starts_with("//") && line.ends_with(','));
    let fields = lines.filter(|line| !line.contains(['=', '"', '.']) && !line.contains("&str"));
    fields.filter(|line| {
        let is_raw = ["String", "PathBuf", "OsString", "Box<str>"].iter().any(|raw| line.contains(raw));
        is_raw && !NOT_SHOWN.iter().any(|allowed| line.contains(allowed))
    })
}

#[test]
fn raw_fields_are_found() {
    let source = "struct A {\n    /// String,\n    pub reason: Option<String>,\n    file: PathBuf,\n    ok: UntrustedText,\n}\n\
                  enum B {\n    Text(String),\n}\nlet x = String::new(),\n";
    let found: Vec<_> = raw_fields(source).collect();
    assert_eq!(found, ["pub reason: Option<String>,", "file: PathBuf,", "Text(String),"]);
}

#[test]
fn imports_are_found_in_every_form() {
    let source = "use crate::a::{b, c};\nuse crate::{d, e::{f, g}, h as i};\npub(crate) use crate::j;\nlet x = crate::k::l();\n\
                  use terraform_provider_jdcloud::{m::n, o};\n// use crate::not_code\nuse std::p;";
    let expected = ["a", "d", "e", "h", "j", "k", "m", "o"].map(str::to_owned);
    assert_eq!(imports(source), BTreeSet::from(expected));
}

/// The first segments of all paths from the crate's root.
fn imports(source: &str) -> BTreeSet<String> {
    let code: String =
        source.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for root in ["crate::", "terraform_provider_jdcloud::"] {
        for (position, _) in code.match_indices(root) {
            let rest = &code[position + root.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(group_heads(group)),
                None => found.extend(head(rest)),
            }
        }
    }
    found
}

/// The first segments of the paths in `{a, b::{c, d}}`, without the opening brace.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (position, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.extend(head(group[start..position].trim_start()));
                start = position + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads
}

fn head(path: &str) -> Option<String> {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    (end > 0).then(|| path[..end].to_owned())
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
