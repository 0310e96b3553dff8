//! Invalid calls of functions: the error must point at the invalid argument.

use serde_json::json;

use crate::harness::{Case, Cli, Expected, Protocol, cases, same};

cases!(
    Functions:
    errors_point_at_the_invalid_argument,
    errors_show_the_remedy,
    any_object_with_the_attributes_of_the_data_source_is_accepted,
    null_constraints_are_an_error,
    calls_whose_arguments_are_known_are_checked_by_validate,
    functions_need_no_configured_provider,
    a_sensitive_argument_makes_a_sensitive_result,
);

/// Calls a function in an output, with a data source that reads two images.
fn with_call(call: &str) -> String {
    format!(
        r#"data "jdcloud_image_constraints" "web" {{
  ids = ["img-ubuntu2204", "img-free"]
}}
output "result" {{
  value = provider::jdcloud::{call}
}}
"#
    )
}

/// The data source, shorter.
const WEB: &str = "data.jdcloud_image_constraints.web";

fn errors_point_at_the_invalid_argument(protocol: Protocol) {
    const WRONG: &str = "Invalid function argument";
    let case = Case::new(protocol, "");
    let not_asked = |id: &str| {
        format!(
            "Invalid value for \"image_id\" parameter: \"{id}\" is not among the ids that this data source asked about \
             (img-free, img-ubuntu2204), so nothing is known about it. Add it to ids."
        )
    };
    let swapped = "Invalid value for \"instance_type\" parameter: \"img-free\" looks like an image ID, not like an instance \
         type. The arguments are the data source, then the image ID, then the instance type.";
    let host = Cli::get();
    for (call, summary, says) in [
        // The image was not read; it may exclude the type.
        (format!("supports_instance_type({WEB}, \"img-gpu\", \"g.n4.large\")"), WRONG, not_asked("img-gpu")),
        (format!("explain_instance_type({WEB}, \"img-gpu\", \"g.n4.large\")"), WRONG, not_asked("img-gpu")),
        (format!("filter_instance_types({WEB}, \"img-gpu\", [\"g.n4.large\"])"), WRONG, not_asked("img-gpu")),
        (format!("supports_instance_type({WEB}, \"g.n4.large\", \"img-free\")"), WRONG, swapped.to_owned()),
        (format!("explain_instance_type({WEB}, \"g.n4.large\", \"img-free\")"), WRONG, swapped.to_owned()),
        (
            "supports_instance_type({ ids = null, image_constraints = [] }, \"g.n4.large\", \"img-free\")".to_owned(),
            WRONG,
            swapped.to_owned(),
        ),
        // Typing errors, which are not in any constraint.
        (
            format!("explain_instance_type({WEB}, \"img-free\", \"\")"),
            WRONG,
            "Invalid value for \"instance_type\" parameter: \"\" is not a valid instance type (empty).".to_owned(),
        ),
        (
            format!("filter_instance_types({WEB}, \"img-free\", [\"g.n4.large\", \" g.n3.large\"])"),
            WRONG,
            "Invalid value for \"instance_types\" parameter: element 1: \" g.n3.large\" is not a valid instance type (white \
             space)."
                .to_owned(),
        ),
        (
            "supports_instance_type({ ids = null, image_constraints = [] }, \"img-free \", \"g.n4.large\")".to_owned(),
            WRONG,
            "Invalid value for \"image_id\" parameter: \"img-free \" is not a valid image ID (white space).".to_owned(),
        ),
        (format!("supports_instance_type({WEB}, \"IMG-FREE\", \"g.n4.large\")"), WRONG, not_asked("IMG-FREE")),
        (
            format!("supports_instance_type({WEB}.image_constraints, \"img-free\", \"g.n4.large\")"),
            WRONG,
            "Invalid value for \"constraints\" parameter: object required.".to_owned(),
        ),
        (
            format!("supports_instance_type({WEB}.image_constraint, \"img-free\", \"g.n4.large\")"),
            "Unsupported attribute",
            "This object has no argument, nested block, or exported attribute named \"image_constraint\".".to_owned(),
        ),
        (
            format!("supports_instance_type({WEB}, null, \"g.n4.large\")"),
            WRONG,
            "Invalid value for \"image_id\" parameter: argument must not be null.".to_owned(),
        ),
        (
            format!("filter_instance_types({WEB}, \"img-free\", [\"g.n4.large\", null])"),
            WRONG,
            "Invalid value for \"instance_types\" parameter: element 1 is null.".to_owned(),
        ),
        (
            "supports_instance_type({ ids = null, image_constraints = [{ image_id = \"img-free\", constraints_type = \"excludes\" }] }, \"img-free\", \"g.n4.large\")".to_owned(),
            WRONG,
            "attribute \"instance_types\" is required".to_owned(),
        ),
        (
            "supports_instance_type({ image_constraints = [] }, \"img-free\", \"g.n4.large\")".to_owned(),
            WRONG,
            "Invalid value for \"constraints\" parameter: attribute \"ids\" is required.".to_owned(),
        ),
        (
            "supports_instance_type({ ids = null, image_constraints = [null] }, \"img-free\", \"g.n4.large\")".to_owned(),
            WRONG,
            "Invalid value for \"constraints\" parameter: image_constraints[0]: the element is null.".to_owned(),
        ),
        (
            format!("supports_instance_type({WEB}, \"img-free\")"),
            "Not enough function arguments",
            "Missing value for \"instance_type\".".to_owned(),
        ),
        (
            format!("suports_instance_type({WEB}, \"img-free\", \"g.n4.large\")"),
            host.says("Unknown provider function", "Function not found in provider"),
            host.says(
                "The function \"suports_instance_type\" is not available from the provider \"jdcloud\".",
                "Function \"provider::jdcloud::suports_instance_type\" was not registered by provider",
            )
            .to_owned(),
        ),
    ] {
        case.write("main.tf", &with_call(&call));
        case.plan().refused_with(&[Expected { summary, says: &[&says], at: &call }]);
    }
}

fn errors_show_the_remedy(protocol: Protocol) {
    let case = Case::new(
        protocol,
        &with_call(&format!("supports_instance_type({WEB}, \"img-gpu\", \"g.n4.large\")")),
    );
    let refused = case.text(&["plan"]);
    refused.failed();
    refused.shows(
        r#"Error: Invalid function argument
           on main.tf line 5, in output "result":
           5: value = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, "img-gpu", "g.n4.large")
           ├────────────────
           while calling provider::jdcloud::supports_instance_type(constraints, image_id, instance_type)
           Invalid value for "image_id" parameter: "img-gpu" is not among the ids that this data source asked about
           (img-free, img-ubuntu2204), so nothing is known about it. Add it to ids."#,
    );
}

fn any_object_with_the_attributes_of_the_data_source_is_accepted(protocol: Protocol) {
    let written = r#"{ ids = null, image_constraints = [{ image_id = "img-a", constraints_type = "excludes", instance_types = ["g.n4.large"] }] }"#;
    let case = Case::new(protocol, "");
    let json = r#"{ ids = null, image_constraints = jsondecode("[{\"image_id\":\"img-a\",\"constraints_type\":\"includes\",\"instance_types\":[\"g.n3.large\"],\"more\":1}]") }"#;
    for (constraints, image, expected) in [
        (WEB, "img-ubuntu2204", false),
        (WEB, "img-free", true),
        ("jsondecode(jsonencode(data.jdcloud_image_constraints.web))", "img-ubuntu2204", false),
        (written, "img-a", false),
        (written, "img-b", true),
        (json, "img-a", false),
        ("{ ids = [\"img-a\"], image_constraints = [] }", "img-a", true),
    ] {
        let call = format!("supports_instance_type({constraints}, \"{image}\", \"g.n4.large\")");
        case.write("main.tf", &with_call(&call));
        same(&case.planned_outputs()["result"], &json!(expected), &format!("{call} decides wrongly"));
    }
}

fn null_constraints_are_an_error(protocol: Protocol) {
    let call =
        "supports_instance_type({ ids = null, image_constraints = null }, \"img-free\", \"g.n4.large\")";
    Case::new(protocol, &with_call(call)).plan().refused_with(&[Expected {
        summary: "Invalid function argument",
        says: &["Invalid value for \"constraints\" parameter: image_constraints is null, so nothing is known about any image."],
        at: call,
    }]);
}

fn calls_whose_arguments_are_known_are_checked_by_validate(protocol: Protocol) {
    let call =
        "supports_instance_type({ ids = [\"img-a\"], image_constraints = [] }, \"img-b\", \"g.n4.large\")";
    let hcl = format!("output \"result\" {{\n  value = provider::jdcloud::{call}\n}}\n");
    let case = Case::build(protocol, &hcl).without_settings().init();
    case.run(&["validate", "-json"]).refused_with(&[Expected {
        summary: "Invalid function argument",
        says: &["\"img-b\" is not among the ids that this data source asked about (img-a)"],
        at: call,
    }]);
}

fn functions_need_no_configured_provider(protocol: Protocol) {
    let hcl = r#"
output "result" {
  value = provider::jdcloud::filter_instance_types({ ids = null, image_constraints = [{ image_id = "img-a", constraints_type = "excludes", instance_types = ["g.n4.large"] }] }, "img-a", ["g.n4.large", "g.n3.large"])
}
"#;
    let case = Case::build(protocol, hcl).without_settings().init();
    same(&case.planned_outputs()["result"], &json!(["g.n3.large"]), "functions need credentials");
    assert_eq!(case.emulator().counters().calls, 0, "a function made a call");
}

fn a_sensitive_argument_makes_a_sensitive_result(protocol: Protocol) {
    let call = format!("explain_instance_type({WEB}, \"img-free\", sensitive(\"g.secret.type\"))");
    let case = Case::new(protocol, &with_call(&call));
    let refused = case.text(&["plan"]);
    refused.failed();
    refused.shows("Output refers to sensitive values");
    assert!(
        !refused.stderr.contains("supports instance type g.secret.type"),
        "a sensitive value is shown: {refused}"
    );
}
