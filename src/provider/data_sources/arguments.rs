//! Arguments that several data sources share: their schema, their validation, and the values made from them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use crate::framework::{Attribute, Config, Data, Diagnostics, Str, Type, Value};
use crate::jdcloud::{Region, SettingsError, Source};
use crate::provider::diagnostics::report_settings;
use crate::provider::names;

/// The argument `region`.
pub(super) fn region() -> Attribute {
    Attribute::optional_computed(
        "region",
        Type::String,
        "Region to read, such as `cn-north-1`. Defaults to the provider's region.",
    )
}

pub(super) fn validate_region(config: &Config, diagnostics: &mut Diagnostics) {
    if let Value::Known(region) = config.string("region")
        && let Err(problem) = Region::parse(region, Source::Read)
    {
        report_settings(&problem, diagnostics);
    }
}

/// Rejects texts that match nothing: empty ones, and those with white space or invisible characters at an end, or control
/// characters.
pub(super) fn validate_texts(config: &Config, arguments: &[&'static str], diagnostics: &mut Diagnostics) {
    let is_blank = |c: char| c.is_whitespace() || names::is_invisible(c);
    for argument in arguments {
        let Value::Known(text) = config.string(argument) else { continue };
        if text.is_empty() {
            report_settings(&SettingsError::EmptyArgument { argument }, diagnostics);
        } else if text.starts_with(is_blank) || text.ends_with(is_blank) || text.contains(char::is_control) {
            diagnostics.argument_error(
                argument,
                "Invalid filter",
                format!(
                    "{argument} is compared exactly, but {} begins or ends with white space or an invisible character, or \
                     contains control characters. Remove them.",
                    names::quoted(text)
                ),
            );
        }
    }
}

/// The elements of `argument` that are not valid names, quoted in a list; `also` is an additional check.
pub(super) fn invalid_names(
    config: &Config,
    argument: &str,
    also: impl Fn(&str) -> Option<&'static str>,
) -> Option<String> {
    let Value::Known(elements) = config.elements(argument) else { return None };
    let invalid: Vec<_> = elements
        .iter()
        .filter_map(|element| match element {
            Value::Null => Some(("null".to_owned(), "not set")),
            Value::Unknown => None,
            Value::Known(_) => element.as_str().and_then(|name| {
                let problem = names::problem(name).or_else(|| also(name))?;
                Some((names::quoted(name), problem))
            }),
        })
        .collect();
    (!invalid.is_empty()).then(|| names::quoted_list(invalid))
}

/// Rejects `ids` that are not valid image IDs; `otherwise` explains how to read without `ids`.
pub(super) fn validate_ids(config: &Config, otherwise: &str, diagnostics: &mut Diagnostics) {
    if let Some(invalid) = invalid_names(config, "ids", |_| None) {
        diagnostics.argument_error(
            "ids",
            "Invalid image ID",
            format!(
                "ids must contain image IDs, but some elements are not valid: {invalid}. Remove elements that may be empty or \
                 null with compact([...]); {otherwise}."
            ),
        );
    }
}

/// The elements of a set of strings; `None` if the argument is omitted.
pub(super) fn strings(config: &Config, argument: &str) -> Option<BTreeSet<Str>> {
    let elements = config.elements(argument).known()?;
    let text = |element: &Value| match element {
        Value::Known(Data::String(text)) => Some(Str::clone(text)),
        _ => None,
    };
    Some(elements.iter().filter_map(text).collect())
}

/// The attribute `id`, which Terraform shows in a plan: the region and a short hash of the other arguments that select
/// something.
pub(super) fn id<'a>(region: &str, arguments: Option<impl IntoIterator<Item = &'a str>>) -> Value {
    let Some(arguments) = arguments else { return Value::string(region) };
    let text = arguments.into_iter().collect::<Vec<_>>().join("\n");
    let digest = digest(&SHA256, text.as_bytes());
    let short: String = digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Value::string(format!("{region}/{short}"))
}

/// A text, or null if the API did not return it.
pub(super) fn text(text: &Option<Arc<str>>) -> Value {
    text.as_ref().map_or(Value::Null, |text| Value::string(Arc::clone(text)))
}

/// A number, or null if the API did not return it.
pub(super) fn number(number: Option<i64>) -> Value {
    number.map_or(Value::Null, Value::from)
}

/// A bool, or null if the API did not return it.
pub(super) fn flag(flag: Option<bool>) -> Value {
    flag.map_or(Value::Null, Value::from)
}

/// Strings as a list.
pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a Arc<str>>) -> Value {
    Value::list(texts.into_iter().map(|text| Value::string(Arc::clone(text))))
}
