//! Which pages there are, and how a template becomes one: `{{ .Field }}`, `{{ tffile "path" }}` and
//! `{{ codefile "language" "path" }}` of HashiCorp's tfplugindocs, and nothing else of it.

use std::collections::BTreeMap;

use terraform_provider_jdcloud::framework::{Function, Provider, Schema};
use terraform_provider_jdcloud::provider::{JdCloud, NAME};

use super::{files, read, schema};

type Fields = BTreeMap<&'static str, String>;

/// The text of every page by its path.
pub(crate) fn all() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut add = |path: String, template: &str, fields: Fields| {
        pages.insert(path, render(template, &read(template), &fields));
    };
    let block = |name: &str, schema: Schema| {
        Fields::from([
            ("Name", name.to_owned()),
            ("Description", schema.description.to_owned()),
            ("Summary", schema.description.replace('`', "")),
            ("Schema", schema::schema(&schema)),
        ])
    };
    add("docs/index.md".into(), "templates/index.md.tmpl", block(NAME, JdCloud.schema()));
    for source in JdCloud.data_sources() {
        let short = source.type_name().trim_start_matches(NAME).trim_start_matches('_').to_owned();
        let template = format!("templates/data-sources/{short}.md.tmpl");
        add(format!("docs/data-sources/{short}.md"), &template, block(source.type_name(), source.schema()));
    }
    for function in JdCloud.functions() {
        let path = format!("docs/functions/{}.md", function.name());
        add(path, "templates/functions.md.tmpl", of_function(&*function));
    }
    for template in files("templates/guides") {
        let name = template.trim_start_matches("templates/").trim_end_matches(".tmpl");
        add(format!("docs/{name}"), &template, Fields::new());
    }
    pages
}

fn of_function(function: &dyn Function) -> Fields {
    let signature = function.signature();
    let example = format!("examples/functions/{}/function.tf", function.name());
    Fields::from([
        ("Name", function.name().to_owned()),
        ("Summary", signature.summary.replace('`', "")),
        ("Description", signature.description.to_owned()),
        ("Example", code("terraform", &example)),
        ("Signature", schema::signature(function.name(), &signature)),
        ("Arguments", schema::arguments(&signature)),
    ])
}

fn render(path: &str, template: &str, fields: &Fields) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (directive, after) =
            part.split_once("}}").unwrap_or_else(|| panic!("{path}: {{{{{part}: no }}}}"));
        let words: Vec<&str> = directive.split_whitespace().collect();
        text.push_str(&match words[..] {
            ["tffile", file] => code("terraform", file.trim_matches('"')),
            ["codefile", language, file] => code(language.trim_matches('"'), file.trim_matches('"')),
            [field] if fields.contains_key(field.trim_start_matches('.')) => {
                fields[field.trim_start_matches('.')].clone()
            }
            _ => panic!("{path}: {{{{{directive}}}}} is not a directive, or not a field of this page"),
        });
        text.push_str(after);
    }
    text
}

/// A file as a block of code.
fn code(language: &str, path: &str) -> String {
    format!("```{language}\n{}\n```", read(path).trim())
}

#[test]
fn templates_are_filled_in() {
    let fields = Fields::from([("Name", "x".to_owned())]);
    assert_eq!(render("t", "a {{ .Name }} b {{.Name}}", &fields), "a x b x");
    for wrong in ["{{ .Nmae }}", "{{ .Name", "{{ if .Name }}", "{{ tffile \"examples/none.tf\" }}"] {
        assert!(std::panic::catch_unwind(|| render("t", wrong, &fields)).is_err(), "{wrong} is accepted");
    }
}
