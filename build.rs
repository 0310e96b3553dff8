//! Generates messages and services from `proto/` with protox, so that no machine needs `protoc`.
//!
//! Protocol 5 uses protocol 6's Rust type for every top-level message that is the same on the wire, so that the code
//! behind it exists once.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use tonic_prost_build::Config;

/// The calls of service `Provider`, of both protocols, that a provider with only data sources and functions gets. The
/// others (more than half) are dropped before the services are generated, so that no decoder is linked for them and
/// tonic answers UNIMPLEMENTED.
const ANSWERED: [&str; 15] = [
    "CallFunction",
    "Configure",
    "ConfigureProvider",
    "GetFunctions",
    "GetMetadata",
    "GetProviderSchema",
    "GetResourceIdentitySchemas",
    "GetSchema",
    "PrepareProviderConfig",
    "ReadDataSource",
    "Stop",
    "StopProvider",
    "ValidateDataResourceConfig",
    "ValidateDataSourceConfig",
    "ValidateProviderConfig",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build.rs");

    let go_plugin = ["grpc_broker.proto", "grpc_controller.proto", "grpc_stdio.proto", "health.proto"];
    generate(protox::compile(go_plugin, ["proto"])?, prost_config())?;

    let v6 = provider_protocol("tfplugin6.proto")?;
    let v5 = provider_protocol("tfplugin5.proto")?;
    let mut v5_config = prost_config();
    for name in shared_types(&v5.file, &v6.file) {
        v5_config.extern_path(format!(".tfplugin5.{name}"), format!("crate::tfplugin::proto::v6::{name}"));
    }
    generate(v6, prost_config())?;
    generate(v5, v5_config)
}

/// Compiles a version of Terraform's protocol, with only the calls that are answered.
fn provider_protocol(file: &str) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let mut files = protox::compile([file], ["proto"])?;
    for file in &mut files.file {
        // Protocol 5 has a second service, for provisioners.
        file.service.retain(|service| service.name() == "Provider");
        for service in &mut file.service {
            service.method.retain(|method| ANSWERED.contains(&method.name()));
        }
    }
    Ok(files)
}

fn generate(files: FileDescriptorSet, config: Config) -> Result<(), Box<dyn Error>> {
    let services = tonic_prost_build::configure().build_client(false).build_transport(false);
    Ok(services.compile_fds_with_config(files, config)?)
}

fn prost_config() -> Config {
    let mut config = Config::new();
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
