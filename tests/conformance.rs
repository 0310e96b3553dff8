//! Compares `proto/` with tables of the protocols, taken from the sources of Terraform and go-plugin. A wrong field number
//! would silently lose a value, so every part of every message is compared.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};
use serde_json::Value;

#[test]
fn protocol_5_matches_its_table() {
    let table = table("tfplugin5-wire.json");
    compare(&table, &compile("tfplugin5.proto"), "tfplugin5");
    assert_eq!(table["counts"]["messages"], 122, "the table is incomplete");
}

#[test]
fn protocol_6_matches_its_table() {
    let table = table("tfplugin6-wire.json");
    compare(&table, &compile("tfplugin6.proto"), "tfplugin6");
    assert_eq!(table["counts"]["messages"], 143, "the table is incomplete");
}

#[test]
fn the_services_of_go_plugin_match_their_table() {
    let tables = table("goplugin-wire.json");
    for table in tables["files"].as_array().unwrap() {
        let file = table["file"].as_str().unwrap();
        if file.starts_with("google/") {
            continue;
        }
        let name = Path::new(file).file_name().unwrap().to_str().unwrap();
        compare(table, &compile(name), table["package"].as_str().unwrap());
    }
}

/// Compares the facts of a table and of a compiled file, one line each.
fn compare(table: &Value, file: &FileDescriptorProto, package: &str) {
    let expected = facts_of_table(table);
    let found = facts_of_file(file, package);
    let missing: Vec<_> = expected.difference(&found).collect();
    let unexpected: Vec<_> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && unexpected.is_empty(),
        "missing: {missing:#?}\nunexpected: {unexpected:#?}"
    );
    assert!(expected.iter().any(|fact| fact.starts_with("rpc ")), "no rpc was compared");
}

fn facts_of_table(table: &Value) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for (service, value) in object(&table["services"]) {
        for rpc in value["rpcs"].as_array().unwrap() {
            let text = |key: &str| rpc[key].as_str().unwrap().to_owned();
            let streams =
                (rpc["client_streaming"].as_bool().unwrap(), rpc["server_streaming"].as_bool().unwrap());
            facts.insert(format!(
                "rpc {service}/{} {} {} {streams:?}",
                text("name"),
                text("request"),
                text("response")
            ));
        }
    }
    for (message, value) in object(&table["messages"]) {
        if value["map_entry"].as_bool() == Some(true) {
            continue;
        }
        facts.insert(format!("message {message}"));
        for range in value["reserved_ranges_inclusive"].as_array().unwrap_or(&Vec::new()) {
            facts.insert(format!("reserved {message} {}..={}", range[0], range[1]));
        }
        for field in value["fields"].as_array().unwrap() {
            let text = |key: &str| field[key].as_str().unwrap_or_default();
            let entry = table["messages"][text("type")]
                .as_object()
                .filter(|entry| entry.get("map_entry") == Some(&Value::Bool(true)));
            let kind = match (text("type"), entry) {
                ("map", _) => format!("map<{}, {}>", text("key"), text("value")),
                (_, Some(entry)) => {
                    format!(
                        "map<{}, {}>",
                        entry["fields"][0]["type"].as_str().unwrap(),
                        entry["fields"][1]["type"].as_str().unwrap()
                    )
                }
                (kind, None) => kind.to_owned(),
            };
            facts.insert(field_fact(
                &message,
                text("name"),
                field["number"].as_i64().unwrap(),
                &kind,
                text("label"),
                text("oneof"),
                field["optional"].as_bool().unwrap_or(false),
            ));
        }
    }
    for (name, value) in object(&table["enums"]) {
        for (value, number) in object(&value["values"]) {
            facts.insert(format!("enum {name} {value} = {number}"));
        }
    }
    facts
}

fn facts_of_file(file: &FileDescriptorProto, package: &str) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    assert_eq!(file.package(), package);
    assert_eq!(file.syntax(), "proto3");
    for service in &file.service {
        for rpc in &service.method {
            facts.insert(format!(
                "rpc {package}.{}/{} {} {} {:?}",
                service.name(),
                rpc.name(),
                absolute(rpc.input_type()),
                absolute(rpc.output_type()),
                (rpc.client_streaming(), rpc.server_streaming()),
            ));
        }
    }
    for message in &file.message_type {
        message_facts(message, package, &mut facts);
    }
    for value in &file.enum_type {
        enum_facts(value, package, &mut facts);
    }
    facts
}

fn message_facts(message: &DescriptorProto, parent: &str, facts: &mut BTreeSet<String>) {
    let name = format!("{parent}.{}", message.name());
    facts.insert(format!("message {name}"));
    for range in &message.reserved_range {
        facts.insert(format!("reserved {name} {}..={}", range.start(), range.end() - 1));
    }
    let entries: BTreeMap<String, &DescriptorProto> =
        message.nested_type.iter().map(|nested| (format!(".{name}.{}", nested.name()), nested)).collect();
    for field in &message.field {
        let entry = entries.get(field.type_name()).filter(|entry| is_map_entry(entry));
        let kind = match entry {
            Some(entry) => format!("map<{}, {}>", kind(&entry.field[0]), kind(&entry.field[1])),
            None => kind(field),
        };
        let label = if field.label() == Label::Repeated { "repeated" } else { "singular" };
        let oneof = field.oneof_index.filter(|_| !field.proto3_optional());
        let oneof =
            oneof.map(|index| message.oneof_decl[usize::try_from(index).unwrap()].name()).unwrap_or_default();
        facts.insert(field_fact(
            &name,
            field.name(),
            i64::from(field.number()),
            &kind,
            label,
            oneof,
            field.proto3_optional(),
        ));
    }
    for nested in message.nested_type.iter().filter(|nested| !is_map_entry(nested)) {
        message_facts(nested, &name, facts);
    }
    for value in &message.enum_type {
        enum_facts(value, &name, facts);
    }
}

fn enum_facts(value: &EnumDescriptorProto, parent: &str, facts: &mut BTreeSet<String>) {
    for entry in &value.value {
        facts.insert(format!("enum {parent}.{} {} = {}", value.name(), entry.name(), entry.number()));
    }
}

fn field_fact(
    message: &str,
    name: &str,
    number: i64,
    kind: &str,
    label: &str,
    oneof: &str,
    optional: bool,
) -> String {
    format!("field {message}.{name} = {number}: {label} {kind} oneof={oneof:?} optional={optional}")
}

fn kind(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => absolute(field.type_name()).to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::String => "string".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Uint32 => "uint32".to_owned(),
        other => format!("{other:?}"),
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
}

fn absolute(name: &str) -> &str {
    name.strip_prefix('.').unwrap_or(name)
}

fn object(value: &Value) -> Vec<(String, Value)> {
    value.as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn table(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn compile(name: &str) -> FileDescriptorProto {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = protox::compile([name], [directory]).unwrap();
    files.file.into_iter().find(|file| file.name() == name).unwrap()
}
