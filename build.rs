//! Compiles `proto/` with protox, so that no machine needs `protoc`.
//!
//! Protocol 5 reuses protocol 6's Rust types for every top-level message that is the same on the wire, so that
//! the behaviour behind it is written once.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build.rs");

    let plugin = ["grpc_broker.proto", "grpc_controller.proto", "grpc_stdio.proto", "health.proto"];
    messages().compile_fds(protox::compile(plugin, ["proto"])?)?;

    let v6 = protox::compile(["tfplugin6.proto"], ["proto"])?;
    let v5 = protox::compile(["tfplugin5.proto"], ["proto"])?;
    let shared = shared_types(&v5.file, &v6.file);
    messages().compile_fds(v6)?;
    let mut v5_messages = messages();
    for name in shared {
        v5_messages.extern_path(format!(".tfplugin5.{name}"), format!("crate::tfplugin::proto::v6::{name}"));
    }
    v5_messages.compile_fds(v5)?;
    Ok(())
}

/// Messages only: a service trait of 36 calls would link the decoder of every request that is never answered.
fn messages() -> prost_build::Config {
    let mut config = prost_build::Config::new();
    // A value's encoding stays a slice of the received message; maps are encoded in one order.
    config.bytes(["."]).btree_map(["."]);
    config
}

/// The top-level messages and enums of protocol 5 that protocol 6 has with the same name, fields and numbers,
/// all the way down.
fn shared_types(v5: &[FileDescriptorProto], v6: &[FileDescriptorProto]) -> BTreeSet<String> {
    let (v5, v6) = (TopLevel::of(v5, "tfplugin5"), TopLevel::of(v6, "tfplugin6"));
    let mut shared: BTreeSet<String> = v5
        .messages
        .iter()
        .filter(|(name, message)| v6.messages.get(*name) == Some(message))
        .map(|(name, _)| name.clone())
        .collect();
    // A message that refers to one that differs differs too.
    loop {
        let differing: Vec<String> = shared
            .iter()
            .filter(|name| {
                references(&v5.messages[*name])
                    .iter()
                    .any(|r| v5.messages.contains_key(r) && !shared.contains(r))
            })
            .cloned()
            .collect();
        if differing.is_empty() {
            break;
        }
        shared.retain(|name| !differing.contains(name));
    }
    shared.extend(
        v5.enums
            .iter()
            .filter(|(name, value)| v6.enums.get(*name) == Some(value))
            .map(|(name, _)| name.clone()),
    );
    shared
}

/// The top-level types of one file, with the package's name taken out of every reference.
struct TopLevel {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl TopLevel {
    fn of(files: &[FileDescriptorProto], package: &str) -> Self {
        let (mut messages, mut enums) = (BTreeMap::new(), BTreeMap::new());
        for file in files.iter().filter(|file| file.package() == package) {
            for message in &file.message_type {
                let mut message = message.clone();
                strip_package(&mut message, &format!(".{package}."));
                messages.insert(message.name().to_owned(), message);
            }
            for value in &file.enum_type {
                enums.insert(value.name().to_owned(), value.clone());
            }
        }
        Self { messages, enums }
    }
}

fn strip_package(message: &mut DescriptorProto, prefix: &str) {
    for field in &mut message.field {
        if let Some(name) = field.type_name.as_mut()
            && let Some(rest) = name.strip_prefix(prefix)
        {
            *name = rest.to_owned();
        }
    }
    for nested in &mut message.nested_type {
        strip_package(nested, prefix);
    }
}

/// The top-level types that a message's fields, nested ones included, name.
fn references(message: &DescriptorProto) -> BTreeSet<String> {
    let own = message.field.iter().filter_map(|field| field.type_name.as_deref());
    let own = own.map(|name| name.split('.').next().unwrap_or(name).to_owned());
    own.chain(message.nested_type.iter().flat_map(references)).collect()
}
