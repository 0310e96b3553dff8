//! The calls of both protocols.

use std::collections::BTreeMap;

use jdcloud_emulator::{Emulator, Options as EmulatorOptions};
use terraform_provider_jdcloud::framework::{Data, Type, Value, msgpack};
use terraform_provider_jdcloud::tfplugin::proto::{v5, v6};
use tonic::Code;

use crate::support::{
    Client, DATA_SOURCE, Options, block, data_source_type, dynamic, function_constraints_type, provider_type,
    runtime, strings, type_of,
};

/// Runs `test` on a plugin of each protocol.
fn on_both_protocols(test: impl AsyncFn(Client)) {
    for protocol in ["5", "6"] {
        let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start();
        runtime().block_on(async { test(plugin.connect_plain().await).await });
    }
}

#[test]
fn all_calls_but_those_for_data_sources_and_functions_are_unimplemented() {
    let implemented = [
        "GetMetadata",
        "GetSchema",
        "GetProviderSchema",
        "GetResourceIdentitySchemas",
        "PrepareProviderConfig",
        "ValidateProviderConfig",
        "Configure",
        "ConfigureProvider",
        "ValidateDataSourceConfig",
        "ValidateDataResourceConfig",
        "ReadDataSource",
        "GetFunctions",
        "CallFunction",
        "Stop",
        "StopProvider",
    ];
    on_both_protocols(async |client| {
        let protocol = client.protocol;
        let table = std::fs::read(format!(
            "{}/tests/conformance/tfplugin{protocol}-wire.json",
            env!("CARGO_MANIFEST_DIR")
        ));
        let table: serde_json::Value = serde_json::from_slice(&table.unwrap()).unwrap();
        let mut succeeded = 0;
        for service in table["services"].as_object().unwrap().values() {
            for rpc in service["rpcs"].as_array().unwrap() {
                let (name, path) = (rpc["name"].as_str().unwrap(), rpc["path"].as_str().unwrap());
                let result: Result<(), _> = client.call(path, ()).await;
                if implemented.contains(&name) && path.contains(".Provider/") {
                    assert!(result.is_ok(), "{path}: {result:?}");
                    succeeded += 1;
                } else {
                    assert_eq!(result.unwrap_err().code(), Code::Unimplemented, "{path}");
                }
            }
        }
        assert_eq!(succeeded, 10, "protocol {protocol}");
        // The connection does not serve the other protocol.
        let other = if protocol == 5 {
            "/tfplugin6.Provider/GetProviderSchema"
        } else {
            "/tfplugin5.Provider/GetSchema"
        };
        let result: Result<(), _> = client.call(other, ()).await;
        assert_eq!(result.unwrap_err().code(), Code::Unimplemented);
    });
}

#[test]
fn both_protocols_have_the_same_schema() {
    let mut seen = Vec::new();
    for protocol in ["5", "6"] {
        let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", protocol).start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            // The messages differ only in fields that are not used, so protocol 5's reads as protocol 6's.
            let schema: v6::get_provider_schema::Response = client
                .provider("GetSchema", "GetProviderSchema", v6::get_provider_schema::Request {})
                .await
                .unwrap();
            assert!(schema.server_capabilities.as_ref().unwrap().get_provider_schema_optional);
            assert!(schema.resource_schemas.is_empty());
            seen.push(schema);
        });
    }
    let (five, six) = (&seen[0], &seen[1]);
    assert_eq!(format!("{five:?}"), format!("{six:?}"));
    let types = [
        (six.provider.as_ref(), provider_type()),
        (six.data_source_schemas.get(DATA_SOURCE), data_source_type()),
    ];
    for (schema, expected) in types {
        let attributes = &schema.unwrap().block.as_ref().unwrap().attributes;
        let Type::Object(expected) = expected else { unreachable!() };
        assert_eq!(attributes.len(), expected.len());
        for attribute in attributes {
            assert_eq!(
                Type::from_json(&attribute.r#type).unwrap(),
                expected[attribute.name.as_str()],
                "{}",
                attribute.name
            );
            assert!(attribute.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!(attribute.description.ends_with('.'), "{}: {:?}", attribute.name, attribute.description);
            // Hosts reject the whole provider otherwise.
            assert!(attribute.required || attribute.optional || attribute.computed, "{}", attribute.name);
            assert!(
                !(attribute.required && (attribute.optional || attribute.computed)),
                "{}",
                attribute.name
            );
            let secret = ["access_key", "secret_key", "security_token"].contains(&attribute.name.as_str());
            assert_eq!(attribute.sensitive, secret, "{}", attribute.name);
        }
    }
    for (name, function) in &six.functions {
        assert!(
            function.r#return.is_some() && !function.summary.is_empty() && !function.description.is_empty(),
            "{name}"
        );
        assert!(function.parameters.iter().all(|parameter| !parameter.description.is_empty()), "{name}");
    }
    assert_eq!(six.functions.len(), 3);
}

#[test]
fn functions_and_metadata_match_the_schema() {
    on_both_protocols(async |client| {
        let schema: v6::get_provider_schema::Response = client
            .provider("GetSchema", "GetProviderSchema", v6::get_provider_schema::Request {})
            .await
            .unwrap();
        let functions: v6::get_functions::Response =
            client.provider("GetFunctions", "GetFunctions", v6::get_functions::Request {}).await.unwrap();
        assert_eq!(functions.functions, schema.functions, "OpenTofu may ask for functions separately");
        let metadata: v6::get_metadata::Response =
            client.provider("GetMetadata", "GetMetadata", v6::get_metadata::Request {}).await.unwrap();
        let mut names: Vec<&String> = metadata.functions.iter().map(|function| &function.name).collect();
        names.sort();
        assert_eq!(names, schema.functions.keys().collect::<Vec<_>>());
        let mut sources: Vec<&String> =
            metadata.data_sources.iter().map(|source| &source.type_name).collect();
        sources.sort();
        assert_eq!(
            sources,
            schema.data_source_schemas.keys().collect::<Vec<_>>(),
            "a host would not find them"
        );
    });
}

/// The constraints of a whole region are the argument of a function; tonic's default limit is 4 MiB.
#[test]
fn a_message_of_5_mib_is_accepted() {
    on_both_protocols(async |client| {
        let msgpack = vec![0; 5 << 20].into();
        let arguments = vec![v6::DynamicValue { msgpack, ..Default::default() }];
        let request = v6::call_function::Request { name: "supports_instance_type".into(), arguments };
        let response: v6::call_function::Response =
            client.provider("CallFunction", "CallFunction", request).await.unwrap();
        assert_eq!(response.error.unwrap().text, "3 arguments are required, not 1");
    });
}

/// In state and in conditions, an `id` that two different reads share would make them look like one.
#[test]
fn the_id_of_a_list_differs_with_every_filter() {
    let emulator = Emulator::start(EmulatorOptions::default()).unwrap();
    let plugin = Options::plain().start();
    let source = ("image_source", Value::string("public"));
    let images = [
        vec![source.clone()],
        vec![("image_source", Value::string("thirdparty"))],
        vec![source.clone(), ("platform", Value::string("Ubuntu"))],
        vec![source.clone(), ("os_version", Value::string("Ubuntu"))],
        vec![source.clone(), ("name", Value::string("Ubuntu"))],
        vec![source.clone(), ("architecture", Value::string("x86_64"))],
        vec![source.clone(), ("status", Value::string("pending"))],
        vec![source.clone(), ("offline", true.into())],
        vec![("ids", strings(&["img-ubuntu2204"]))],
        vec![("ids", strings(&["img-ubuntu2204b"]))],
    ];
    let types = [
        vec![],
        vec![("names", strings(&["g.n4.large"]))],
        vec![("zones", strings(&["g.n4.large"]))],
        vec![("families", strings(&["g.n"]))],
        vec![("families", strings(&["c.n"]))],
        vec![("in_stock", true.into())],
        vec![("in_stock", false.into())],
        vec![("min_cpu", 2.into())],
        vec![("min_cpu", 4.into())],
        vec![("min_memory_mb", 2.into())],
        vec![("architecture", Value::string("x86_64"))],
    ];
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        client.configure_for(&emulator.url(), &[]).await;
        for (name, reads) in [("jdcloud_images", &images[..]), ("jdcloud_instance_types", &types[..])] {
            let mut ids = BTreeMap::new();
            for arguments in reads {
                let (state, diagnostics) = client.read_other(name, &type_of(name), arguments).await;
                assert_eq!(diagnostics, [], "{name} {arguments:?}");
                let id = state.unwrap().as_members().unwrap()["id"].as_str().unwrap().to_owned();
                if let Some(other) = ids.insert(id, arguments) {
                    panic!("{name}: {arguments:?} and {other:?} have one id");
                }
            }
        }
    });
}

#[test]
fn protocol_5_returns_the_provider_block_unchanged() {
    let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", "5").start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let config = dynamic(&provider_type(), &block(&provider_type(), &[("region", Value::Unknown)]));
        let request = v5::prepare_provider_config::Request { config: Some(config.clone()) };
        let response: v5::prepare_provider_config::Response =
            client.call("/tfplugin5.Provider/PrepareProviderConfig", request).await.unwrap();
        assert_eq!(response.prepared_config, Some(config));
        assert_eq!(response.diagnostics, []);
    });
}

#[test]
fn functions_need_no_configuration() {
    let ty = function_constraints_type();
    let rows = |kind: &str, types: Value| {
        Value::list([Value::members([
            ("image_id", Value::string("img-a")),
            ("constraints_type", Value::string(kind)),
            ("instance_types", types),
        ])])
    };
    let excluded = || {
        Value::members([
            ("ids", strings(&["img-a", "img-b"])),
            ("image_constraints", rows("excludes", strings(&["t1"]))),
        ])
    };
    on_both_protocols(async |client| {
        let call =
            async |name: &str, constraints: &Value, image: &str, last: (&Type, &Value), result: &Type| {
                let request = v6::call_function::Request {
                    name: name.into(),
                    arguments: vec![
                        dynamic(&ty, constraints),
                        dynamic(&Type::String, &Value::string(image)),
                        dynamic(last.0, last.1),
                    ],
                };
                let response: v6::call_function::Response =
                    client.provider("CallFunction", "CallFunction", request).await.unwrap();
                match (response.result, response.error) {
                    (Some(value), None) => Ok(msgpack::decode(result, &value.msgpack).unwrap()),
                    (None, Some(error)) => Err((error.function_argument, error.text)),
                    other => panic!("{other:?}"),
                }
            };
        let supports = async |constraints: &Value, image: &str, instance_type: &str| {
            call(
                "supports_instance_type",
                constraints,
                image,
                (&Type::String, &Value::string(instance_type)),
                &Type::Bool,
            )
            .await
        };
        assert_eq!(supports(&excluded(), "img-a", "t1").await, Ok(false.into()));
        assert_eq!(supports(&excluded(), "img-a", "t2").await, Ok(true.into()));
        assert_eq!(supports(&excluded(), "img-b", "t1").await, Ok(true.into()), "no element: no constraint");
        let (argument, text) = supports(&excluded(), "img-c", "t1").await.unwrap_err();
        assert_eq!(argument, Some(1));
        assert!(text.contains("\"img-c\" is not among the ids") && !text.ends_with('.'), "{text}");
        let (argument, text) = supports(&excluded(), "t1", "img-a").await.unwrap_err();
        assert_eq!(argument, Some(2), "swapped arguments must not pass");
        assert!(text.contains("\"img-a\" looks like an image ID"), "{text}");

        let all =
            Value::members([("ids", Value::Null), ("image_constraints", rows("includes", strings(&["t1"])))]);
        assert_eq!(supports(&all, "img-a", "t1").await, Ok(true.into()));
        assert_eq!(supports(&all, "img-a", "t2").await, Ok(false.into()));
        assert_eq!(supports(&all, "img-x", "t2").await, Ok(true.into()), "the read was about all images");
        let none =
            Value::members([("ids", Value::Null), ("image_constraints", rows("includes", strings(&[])))]);
        assert_eq!(supports(&none, "img-a", "t1").await, Ok(false.into()));
        for (kind, types, expected) in [
            ("sometimes", strings(&["t1"]), "of the kind \"sometimes\""),
            ("includes", Value::Null, "instance_types is null"),
            ("", strings(&[]), "constraints_type is null or empty"),
            ("excludes", Value::list([Value::Null]), "null element"),
        ] {
            let constraints =
                Value::members([("ids", Value::Null), ("image_constraints", rows(kind, types))]);
            let (argument, text) = supports(&constraints, "img-a", "t1").await.unwrap_err();
            assert_eq!(argument, Some(0));
            assert!(text.contains(expected), "{text}");
        }
        // A second element for an image that contradicts the first, and one without an image.
        let row = |image: Value, types: &[&str]| {
            let kind = Value::string("excludes");
            Value::members([
                ("image_id", image),
                ("constraints_type", kind),
                ("instance_types", strings(types)),
            ])
        };
        for (second, expected) in [
            (row(Value::string("img-a"), &["t2"]), "image_constraints[1]: it contradicts another element"),
            (row(Value::Null, &["t2"]), "image_constraints[1]: image_id is null"),
        ] {
            let rows = Value::list([row(Value::string("img-a"), &["t1"]), second]);
            let constraints = Value::members([("ids", Value::Null), ("image_constraints", rows)]);
            let (argument, text) = supports(&constraints, "img-a", "t1").await.unwrap_err();
            assert_eq!((argument, text.contains(expected)), (Some(0), true), "{text}");
        }
        // A null element, and no list at all.
        for constraints in [Value::list([Value::Null]), Value::Null] {
            let constraints = Value::members([("ids", Value::Null), ("image_constraints", constraints)]);
            assert_eq!(supports(&constraints, "img-a", "t1").await.unwrap_err().0, Some(0));
        }
        // OpenTofu passes values with unknown parts; the result is unknown then.
        let unknown = Value::members([("ids", Value::Unknown), ("image_constraints", Value::Unknown)]);
        assert_eq!(supports(&unknown, "img-a", "t1").await, Ok(Value::Unknown));

        let types = Type::list(Type::String);
        let filter = call(
            "filter_instance_types",
            &excluded(),
            "img-a",
            (&types, &strings(&["t3", "t1", "t2"])),
            &types,
        )
        .await;
        assert_eq!(filter, Ok(strings(&["t3", "t2"])));
        let sometimes = Value::members([
            ("ids", Value::Null),
            ("image_constraints", rows("sometimes", strings(&["t1"]))),
        ]);
        let (_, text) =
            call("filter_instance_types", &sometimes, "img-a", (&types, &strings(&["t1"])), &types)
                .await
                .unwrap_err();
        assert!(text.contains("of the kind \"sometimes\""), "{text}");
        let explain = call(
            "explain_instance_type",
            &excluded(),
            "img-a",
            (&Type::String, &Value::string("t1")),
            &Type::String,
        )
        .await;
        let Ok(Value::Known(Data::String(sentence))) = explain else { panic!("{explain:?}") };
        assert_eq!(
            &*sentence,
            "Image img-a does not support instance type t1: it is the only instance type that this image excludes."
        );
        let (argument, text) =
            call("supports", &excluded(), "img-a", (&types, &Value::Null), &types).await.unwrap_err();
        assert_eq!((argument, text.as_str()), (None, "the provider has no function \"supports\""));
    });
}

#[test]
fn a_read_needs_no_other_call_but_configure_before() {
    let emulator = Emulator::start(EmulatorOptions::default()).unwrap();
    on_both_protocols(async |client| {
        let text = |text: &str| Value::string(text);
        let diagnostics = client
            .configure(&[
                ("vm_endpoint", text(&emulator.url())),
                ("access_key", text(jdcloud_emulator::ACCESS_KEY)),
                ("secret_key", text(jdcloud_emulator::SECRET_KEY)),
            ])
            .await;
        assert_eq!(diagnostics, []);
        let ids = strings(&["img-private", "img-gpu", "img-ubuntu2204"]);
        let (state, diagnostics) =
            client.read_value(&[("region", text("cn-north-1")), ("ids", ids.clone())]).await;
        assert_eq!(diagnostics, []);
        let state = state.unwrap();
        let state = state.as_members().unwrap();
        assert_eq!(state["ids"], ids, "arguments are returned unchanged");
        assert_eq!(state["region"], text("cn-north-1"));
        assert_eq!(state["missing_ids"], strings(&["img-private"]));
        let excluded = state["excluded_instance_types"].as_members().unwrap();
        assert_eq!(excluded["img-private"], strings(&[]));
        assert_eq!(excluded["img-gpu"], Value::Null);
        assert_eq!(excluded["img-ubuntu2204"], strings(&["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"]));
        let included = state["included_instance_types"].as_members().unwrap();
        assert_eq!(included.keys().map(|key| &**key).collect::<Vec<_>>(), ["img-gpu"]);
        let rows = state["image_constraints"].as_list().unwrap();
        let images: Vec<_> =
            rows.iter().map(|row| row.as_members().unwrap()["image_id"].as_str().unwrap()).collect();
        assert_eq!(images, ["img-gpu", "img-ubuntu2204"], "sorted");
    });
}

#[test]
fn all_calls_of_grpc_health_report_the_plugin_as_serving() {
    // prost implements `Message` for numbers and strings, as messages with one field, which these are.
    const SERVING: i32 = 1;
    on_both_protocols(async |client| {
        let check = async |service: &str| {
            client.call::<String, i32>("/grpc.health.v1.Health/Check", service.to_owned()).await
        };
        for service in ["", "plugin"] {
            assert_eq!(check(service).await.unwrap(), SERVING, "{service:?}");
        }
        assert_eq!(check("other").await.unwrap_err().code(), Code::NotFound);
        let mut watch = client.stream::<i32>("/grpc.health.v1.Health/Watch").await.unwrap();
        assert_eq!(watch.message().await.unwrap(), Some(SERVING));
        let list: Vec<u8> = client.call("/grpc.health.v1.Health/List", ()).await.unwrap();
        assert_eq!(list, b"\x0a\x06plugin\x12\x02\x08\x01", "one service, serving");
    });
}
