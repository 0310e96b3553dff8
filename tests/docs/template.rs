//! The part of tfplugindocs' template language that the templates here use: Go's `{{ … }}` with fields, the functions
//! `tffile`, `codefile`, `plainmarkdown`, `trimspace` and `prefixlines`, and pipes. Anything else is an error.

use std::collections::BTreeMap;
use std::fs;

use super::{markdown, repository};

/// What `{{ .Name }}` and the like stand for.
pub(crate) type Fields = BTreeMap<&'static str, String>;

/// Fills a template in.
///
/// # Errors
/// When a directive is not known, or names a file that is not there.
pub(crate) fn render(template: &str, fields: &Fields) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((directive, after)) = after.split_once("}}") else {
            return Err(format!("\"{{{{\" without \"}}}}\" before: {}", first_line(after)));
        };
        text.push_str(before);
        text.push_str(
            &evaluate(directive.trim(), fields)
                .map_err(|problem| format!("{{{{{directive}}}}}: {problem}"))?,
        );
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn evaluate(directive: &str, fields: &Fields) -> Result<String, String> {
    let mut value = None;
    for stage in words(directive)?.split(|word| *word == Word::Pipe) {
        value = Some(stage_of(stage, value, fields)?);
    }
    value.ok_or_else(|| "is empty".to_owned())
}

/// One command of a pipe; what the one before it made is its last argument.
fn stage_of(stage: &[Word], piped: Option<String>, fields: &Fields) -> Result<String, String> {
    let Some((head, arguments)) = stage.split_first() else { return Err("is empty".to_owned()) };
    let mut values = Vec::new();
    for argument in arguments {
        values.push(match argument {
            Word::Text(text) => text.clone(),
            Word::Name(name) => field(name, fields)?,
            Word::Pipe => return Err("has a stray |".to_owned()),
        });
    }
    values.extend(piped);
    let name = match head {
        Word::Name(name) => name,
        Word::Text(_) | Word::Pipe => return Err("begins with no name".to_owned()),
    };
    match (name.as_str(), &values[..]) {
        ("tffile", [path]) => code("terraform", path),
        ("codefile", [language, path]) => code(language, path),
        ("plainmarkdown", [text]) => Ok(markdown::plain(text)),
        ("trimspace", [text]) => Ok(text.trim().to_owned()),
        ("prefixlines", [prefix, text]) => {
            Ok(text.lines().map(|line| format!("{prefix}{line}")).collect::<Vec<_>>().join("\n"))
        }
        (name, []) if name.starts_with('.') => field(name, fields),
        _ => {
            Err("is not a directive that this generator knows, or has the wrong number of arguments"
                .to_owned())
        }
    }
}

fn field(name: &str, fields: &Fields) -> Result<String, String> {
    let known = || fields.keys().map(|name| format!(".{name}")).collect::<Vec<_>>().join(", ");
    let found = name.strip_prefix('.').and_then(|name| fields.get(name));
    found.cloned().ok_or_else(|| format!("{name} is no field of this page; it has {}", known()))
}

/// A file as a block of code.
fn code(language: &str, path: &str) -> Result<String, String> {
    let text = fs::read_to_string(repository().join(path)).map_err(|error| format!("{path}: {error}"))?;
    Ok(format!("```{language}\n{}\n```", text.trim()))
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Pipe,
}

fn words(directive: &str) -> Result<Vec<Word>, String> {
    let mut found = Vec::new();
    let mut rest = directive.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => {
                let Some(end) = rest[1..].find('"') else { return Err("has an open quotation".to_owned()) };
                found.push(Word::Text(rest[1..=end].to_owned()));
                end + 2
            }
            '|' => {
                found.push(Word::Pipe);
                1
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || c == '|').unwrap_or(rest.len());
                found.push(Word::Name(rest[..end].to_owned()));
                end
            }
        };
        rest = rest[end..].trim_start();
    }
    Ok(found)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[test]
fn templates_are_filled_in() {
    let fields = Fields::from([("Name", " x `y`\nz ".to_owned())]);
    for (template, expected) in [
        ("a {{ .Name }} b", "a  x `y`\nz  b"),
        ("{{.Name|trimspace}}", "x `y`\nz"),
        ("{{ plainmarkdown .Name | trimspace | prefixlines \"  \" }}", "  x y\n  z"),
        ("no directive", "no directive"),
    ] {
        assert_eq!(render(template, &fields).as_deref(), Ok(expected));
    }
    for (template, problem) in [
        ("{{ .Nmae }}", ".Nmae is no field of this page; it has .Name"),
        ("{{ if .Name }}", "is not a directive"),
        ("{{ tffile }}", "is not a directive"),
        ("{{ tffile \"examples/none.tf\" }}", "examples/none.tf: "),
        ("{{ .Name", "without"),
        ("{{ }}", "is empty"),
        ("{{ tffile \"x }}", "open quotation"),
        ("{{ .Name | }}", "is empty"),
    ] {
        let error = render(template, &fields).unwrap_err();
        assert!(error.contains(problem), "{template}: {error}");
    }
}
