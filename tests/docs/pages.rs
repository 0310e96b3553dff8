//! Which pages there are, and what each of them is made of.

use std::collections::BTreeMap;

use terraform_provider_jdcloud::framework::{DataSource, Function, Provider};
use terraform_provider_jdcloud::provider::{JdCloud, NAME};

use super::template::{Fields, render};
use super::{files, read, schema};

/// Every page by its path.
///
/// # Errors
/// When a template can't be filled in.
pub(crate) fn all() -> Result<BTreeMap<String, String>, String> {
    let provider = JdCloud;
    let mut pages = BTreeMap::new();
    let mut add = |path: String, template: &str, fields: &Fields| -> Result<(), String> {
        let text = render(&read(template), fields).map_err(|problem| format!("{template}: {problem}"))?;
        pages.insert(path, text);
        Ok(())
    };
    add("docs/index.md".into(), "templates/index.md.tmpl", &provider_fields(&provider))?;
    for source in provider.data_sources() {
        let short = source.type_name().trim_start_matches(&format!("{NAME}_")).to_owned();
        let template = format!("templates/data-sources/{short}.md.tmpl");
        add(format!("docs/data-sources/{short}.md"), &template, &data_source_fields(&*source))?;
    }
    for function in provider.functions() {
        let name = function.name();
        add(
            format!("docs/functions/{name}.md"),
            "templates/functions.md.tmpl",
            &function_fields(&*function),
        )?;
    }
    for template in files("templates/guides") {
        let name = template.trim_start_matches("templates/").trim_end_matches(".tmpl");
        add(format!("docs/{name}"), &template, &Fields::new())?;
    }
    Ok(pages)
}

fn provider_fields(provider: &JdCloud) -> Fields {
    let schema = provider.schema();
    Fields::from([
        ("Description", schema.description.to_owned()),
        ("ProviderShortName", NAME.to_owned()),
        ("SchemaMarkdown", schema::schema(&schema)),
    ])
}

fn data_source_fields<C>(source: &dyn DataSource<C>) -> Fields {
    let schema = source.schema();
    Fields::from([
        ("Name", source.type_name().to_owned()),
        ("Type", "Data Source".to_owned()),
        ("Description", schema.description.to_owned()),
        ("ProviderShortName", NAME.to_owned()),
        ("SchemaMarkdown", schema::schema(&schema)),
    ])
}

fn function_fields(function: &dyn Function) -> Fields {
    let signature = function.signature();
    Fields::from([
        ("Name", function.name().to_owned()),
        ("Type", "function".to_owned()),
        ("Summary", signature.summary.to_owned()),
        ("Description", signature.description.to_owned()),
        ("ProviderShortName", NAME.to_owned()),
        ("ExampleFile", format!("examples/functions/{}/function.tf", function.name())),
        ("FunctionSignatureMarkdown", schema::signature(function.name(), &signature)),
        ("FunctionArgumentsMarkdown", schema::arguments(&signature)),
    ])
}
