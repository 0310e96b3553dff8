//! The schema that Terraform, editors and the Registry use.

use serde_json::{Map, Value, json};

use crate::harness::{Case, Protocol, cases, same};

cases!(the_schema_is_the_documented_one);
mod with_functions {
    use super::*;
    cases!(Functions: the_functions_are_the_documented_ones);
}

/// The provider's part of `terraform providers schema -json`.
fn schema(protocol: Protocol) -> Value {
    let case = Case::build(protocol, "").without_settings().init();
    let mut schemas = case.json(&["providers", "schema", "-json"]);
    let schemas = schemas["provider_schemas"].as_object_mut().unwrap();
    assert_eq!(schemas.len(), 1, "there is another provider: {schemas:?}");
    schemas.values_mut().next().unwrap().take()
}

/// The attributes of a block without their descriptions, which must not be empty.
fn attributes(schema: &Value) -> Value {
    let block = &schema["block"];
    assert_eq!(
        block["block_types"],
        Value::Null,
        "a nested block is known and empty where it should be unknown"
    );
    assert_eq!(schema["version"], 0);
    described(block, "the block");
    let attributes = block["attributes"].as_object().unwrap().iter().map(|(name, attribute)| {
        described(attribute, name);
        let mut attribute = attribute.clone();
        attribute.as_object_mut().unwrap().retain(|key, _| !key.starts_with("description"));
        (name.clone(), attribute)
    });
    attributes.collect::<Map<_, _>>().into()
}

fn described(of: &Value, name: &str) {
    let description = of["description"].as_str().unwrap_or_default();
    assert!(description.ends_with('.'), "editors have nothing to show for {name}: {description:?}");
    assert_eq!(of["description_kind"], "markdown", "editors show {name} as plain text");
}

fn the_schema_is_the_documented_one(protocol: Protocol) {
    let schema = schema(protocol);
    let optional = |ty: &str| json!({"type": ty, "optional": true});
    let secret = json!({"type": "string", "optional": true, "sensitive": true});
    same(
        &attributes(&schema["provider"]),
        &json!({
            "access_key": secret,
            "secret_key": secret,
            "security_token": secret,
            "region": optional("string"),
            "profile": optional("string"),
            "config_file": optional("string"),
            "vm_endpoint": optional("string"),
            "ca_bundle": optional("string"),
            "request_timeout": optional("string"),
            "read_timeout": optional("string"),
            "max_retries": optional("number"),
            "max_concurrent_requests": optional("number"),
            "batch_size": optional("number"),
            "read_ahead": optional("bool"),
        }),
        "the provider block takes something else",
    );

    let computed = |ty: Value| json!({"type": ty, "computed": true});
    let types_of_images = json!(["map", ["list", "string"]]);
    let constraint = json!(["object", {
        "image_id": "string",
        "constraints_type": "string",
        "instance_types": ["list", "string"],
    }]);
    same(
        &attributes(&schema["data_source_schemas"]["jdcloud_image_constraints"]),
        &json!({
            "id": computed(json!("string")),
            "region": {"type": "string", "optional": true, "computed": true},
            "ids": {"type": ["set", "string"], "optional": true},
            "on_missing": optional("string"),
            "image_constraints": computed(json!(["list", constraint])),
            "excluded_instance_types": computed(types_of_images.clone()),
            "included_instance_types": computed(types_of_images),
            "missing_ids": computed(json!(["list", "string"])),
        }),
        "the data source takes or gives something else",
    );

    let strings = json!(["list", "string"]);
    let image = json!(["object", {
        "image_id": "string",
        "name": "string",
        "platform": "string",
        "os_version": "string",
        "os_type": "string",
        "architecture": "string",
        "image_source": "string",
        "status": "string",
        "offline": "bool",
        "create_time": "string",
        "expired_time": "string",
        "description": "string",
        "system_disk_size_gb": "number",
        "size_mb": "number",
        "root_device_type": "string",
        "boot_mode": "string",
        "owner_pin": "string",
        "launch_permission": "string",
    }]);
    same(
        &attributes(&schema["data_source_schemas"]["jdcloud_images"]),
        &json!({
            "id": computed(json!("string")),
            "region": {"type": "string", "optional": true, "computed": true},
            "ids": {"type": ["set", "string"], "optional": true},
            "image_source": optional("string"),
            "platform": optional("string"),
            "os_version": optional("string"),
            "name": optional("string"),
            "architecture": optional("string"),
            "status": optional("string"),
            "offline": optional("bool"),
            "image_ids": computed(strings.clone()),
            "images": computed(json!(["list", image])),
            "missing_ids": computed(strings.clone()),
        }),
        "jdcloud_images takes or gives something else",
    );
    let instance_type = json!(["object", {
        "instance_type": "string",
        "family": "string",
        "generation": "number",
        "cpu": "number",
        "memory_mb": "number",
        "architecture": "string",
        "nic_limit": "number",
        "cloud_disk_count_limit": "number",
        "cloud_disk_types": strings.clone(),
        "zones": ["list", ["object", {"az": "string", "in_stock": "bool"}]],
        "gpu_model": "string",
        "gpu_count": "number",
        "local_disks": ["list", ["object", {"disk_type": "string", "disk_size_gb": "number"}]],
        "burstable": "bool",
        "description": "string",
    }]);
    same(
        &attributes(&schema["data_source_schemas"]["jdcloud_instance_types"]),
        &json!({
            "id": computed(json!("string")),
            "region": {"type": "string", "optional": true, "computed": true},
            "names": {"type": ["set", "string"], "optional": true},
            "zones": {"type": ["set", "string"], "optional": true},
            "families": {"type": ["set", "string"], "optional": true},
            "in_stock": optional("bool"),
            "min_cpu": optional("number"),
            "min_memory_mb": optional("number"),
            "architecture": optional("string"),
            "instance_type_names": computed(strings.clone()),
            "instance_types": computed(json!(["list", instance_type])),
            "region_zones": computed(strings),
        }),
        "jdcloud_instance_types takes or gives something else",
    );

    let names = |kind: &str| schema[kind].as_object().map(|of| of.keys().cloned().collect::<Vec<_>>());
    assert_eq!(
        names("data_source_schemas").unwrap(),
        ["jdcloud_image_constraints", "jdcloud_images", "jdcloud_instance_types"]
    );
    for kind in ["resource_schemas", "ephemeral_resource_schemas", "resource_identity_schemas"] {
        assert_eq!(names(kind).unwrap_or_default(), [""; 0], "unexpected {kind}");
    }
}

fn the_functions_are_the_documented_ones(protocol: Protocol) {
    let schema = schema(protocol);
    let constraint = json!(["object", {
        "image_id": "string",
        "constraints_type": "string",
        "instance_types": ["list", "string"],
    }]);
    let constraints =
        json!(["object", {"ids": ["set", "string"], "image_constraints": ["list", constraint]}]);
    let strings = json!(["list", "string"]);
    let expected = [
        ("supports_instance_type", ("instance_type", json!("string")), json!("bool")),
        ("filter_instance_types", ("instance_types", strings.clone()), strings),
        ("explain_instance_type", ("instance_type", json!("string")), json!("string")),
    ];
    assert_eq!(schema["functions"].as_object().unwrap().len(), expected.len());
    for (name, (last, last_type), result) in expected {
        let function = &schema["functions"][name];
        same(&function["return_type"], &result, "a function returns something else");
        assert!(function["summary"].is_string(), "editors have nothing to show for {name}");
        described_function(function, name);
        let parameters = function["parameters"].as_array().unwrap();
        let found: Vec<_> =
            parameters.iter().map(|parameter| (&parameter["name"], &parameter["type"])).collect();
        assert_eq!(
            found,
            [
                (&json!("constraints"), &constraints),
                (&json!("image_id"), &json!("string")),
                (&json!(last), &last_type)
            ],
            "{name} takes something else"
        );
        for parameter in parameters {
            described_function(parameter, &format!("{} of {name}", parameter["name"]));
            assert_ne!(parameter["is_nullable"], true, "null would be accepted");
        }
        assert_eq!(function["variadic_parameter"], Value::Null);
    }
}

/// The descriptions of functions have no kind.
fn described_function(of: &Value, name: &str) {
    let description = of["description"].as_str().unwrap_or_default();
    assert!(description.ends_with('.'), "editors have nothing to show for {name}: {description:?}");
}

/// Users must not notice which protocol is used.
#[test]
fn protocol_5_and_protocol_6_have_the_same_schema() {
    same(&schema(Protocol::V5), &schema(Protocol::V6), "what works on one protocol fails on the other");
}
