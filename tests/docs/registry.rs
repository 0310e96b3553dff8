//! The requirements of the Registry for pages, and checks of the descriptions.

use std::collections::BTreeSet;

use terraform_provider_jdcloud::framework::{Provider, Schema, Signature};
use terraform_provider_jdcloud::provider::JdCloud;

use super::{files, markdown, read};

/// The Registry refuses larger files.
const MAX_BYTES: usize = 500_000;

#[test]
fn pages_have_the_form_that_the_registry_reads() {
    for path in files("docs") {
        let parts: Vec<&str> = path.split('/').collect();
        let known =
            matches!(parts[..], ["docs", "index.md"] | ["docs", "data-sources" | "functions" | "guides", _]);
        assert!(known && path.ends_with(".md"), "{path}: the Registry does not show it");
        let text = read(&path);
        assert!(text.len() < MAX_BYTES, "{path} has {} bytes; the Registry takes {MAX_BYTES}", text.len());
        let page = markdown::parse(&text);
        for key in ["page_title: \"", "subcategory: \"", "description: |-\n  "] {
            assert!(page.front_matter.contains(key), "{path}: its front matter lacks {key}");
        }
        let titles = page.headings.iter().filter(|(level, _)| *level == 1).count();
        assert_eq!(titles, 1, "{path}: headings of the first level");
    }
}

#[test]
fn every_attribute_and_parameter_has_a_description() {
    let check = |place: &str, text: &str| {
        assert!(text.ends_with('.') && !text.contains("  "), "{place} is not described: {text:?}");
    };
    let block = |place: &str, schema: Schema| {
        check(place, schema.description);
        for attribute in &schema.attributes {
            check(attribute.name, attribute.description);
        }
    };
    block("provider", JdCloud.schema());
    for source in JdCloud.data_sources() {
        block(source.type_name(), source.schema());
    }
    for function in JdCloud.functions() {
        let Signature { summary, description, parameters, .. } = function.signature();
        check(function.name(), description);
        assert!(!summary.is_empty() && !summary.ends_with('.'), "{summary:?} is not a title");
        for parameter in parameters {
            check(parameter.name, parameter.description);
        }
    }
}

/// What is printed is what tests/examples.rs runs.
#[test]
fn every_block_of_hcl_is_an_example() {
    let examples: BTreeSet<String> =
        files("examples").iter().map(|path| read(path).trim().to_owned()).collect();
    for path in files("docs") {
        for (language, code) in markdown::parse(&read(&path)).code {
            match language.as_str() {
                "terraform" | "hcl" | "rego" => {
                    assert!(examples.contains(code.trim()), "{path}: not a file of examples/:\n{code}");
                }
                "text" | "console" | "shell" | "ini" | "json" => {}
                other => panic!("{path}: a block of code in {other:?}"),
            }
        }
    }
}
