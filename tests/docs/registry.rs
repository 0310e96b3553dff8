//! What the Registry demands of the pages, and what users need of the descriptions.

use std::collections::BTreeSet;
use std::fs;

use terraform_provider_jdcloud::framework::{Attribute, DataSource, Provider};
use terraform_provider_jdcloud::provider::JdCloud;

use super::{files, markdown, read, registry_pages, repository};

/// The Registry refuses larger files.
const MOST_BYTES: u64 = 500_000;

#[test]
fn pages_have_the_front_matter_that_the_registry_reads() {
    for path in registry_pages() {
        assert!(path.ends_with(".md"), "{path}: the Registry reads .md files only");
        let size = fs::metadata(repository().join(&path)).unwrap().len();
        assert!(size < MOST_BYTES, "{path} has {size} bytes; the Registry takes {MOST_BYTES}");
        let page = markdown::parse(&read(&path));
        let keys: BTreeSet<&str> = page.front_matter.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            BTreeSet::from(["description", "page_title", "subcategory"]),
            "{path}: front matter"
        );
        for key in ["description", "page_title"] {
            assert!(!page.front_matter[key].is_empty(), "{path}: {key} is empty");
        }
        let titles = page.headings.iter().filter(|(level, _)| *level == 1).count();
        assert_eq!(titles, 1, "{path} has {titles} headings of the first level");
    }
    for path in registry_pages() {
        let parts: Vec<&str> = path.split('/').collect();
        let known =
            matches!(parts[..], ["docs", "index.md"] | ["docs", "data-sources" | "functions" | "guides", _]);
        assert!(known, "{path}: the Registry does not look there");
    }
}

#[test]
fn every_attribute_and_parameter_has_a_description() {
    let provider = JdCloud;
    let check = |place: &str, text: &str| {
        assert!(text.ends_with('.'), "{place} has no description that ends in a full stop: {text:?}");
        assert!(!text.contains("  "), "{place}: double spaces: {text:?}");
    };
    let schema = |place: &str, description: &str, attributes: &[Attribute]| {
        check(place, description);
        for Attribute { name, description, .. } in attributes {
            check(&format!("{place}, {name}"), description);
        }
    };
    let own = provider.schema();
    schema("the provider block", own.description, &own.attributes);
    for source in provider.data_sources() {
        let its = DataSource::schema(&*source);
        schema(source.type_name(), its.description, &its.attributes);
    }
    for function in provider.functions() {
        let signature = function.signature();
        let name = function.name();
        check(name, signature.description);
        assert!(
            !signature.summary.is_empty() && !signature.summary.ends_with('.'),
            "{name}: its summary is a title"
        );
        for parameter in signature.parameters {
            check(&format!("{name}, {}", parameter.name), parameter.description);
        }
    }
}

/// What is printed is what tests/examples.rs runs.
#[test]
fn every_block_of_hcl_is_an_example() {
    let examples: BTreeSet<String> = files("examples")
        .into_iter()
        .filter(|path| [".tf", ".hcl"].iter().any(|end| path.ends_with(end)))
        .map(|path| read(&path).trim().to_owned())
        .collect();
    let mut printed = 0;
    for path in registry_pages() {
        for (language, code) in markdown::parse(&read(&path)).code {
            match language.as_str() {
                "terraform" | "hcl" => {
                    assert!(
                        examples.contains(code.trim()),
                        "{path} prints HCL that is no file of examples/:\n{code}"
                    );
                    printed += 1;
                }
                "text" | "console" | "shell" | "ini" => {}
                other => panic!(
                    "{path}: a block of code in {other:?}; write text, console, shell, ini or terraform"
                ),
            }
        }
    }
    assert!(printed > 20, "only {printed} blocks were found: the test does not see them");
}
