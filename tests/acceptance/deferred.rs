//! Values that are known only after apply. The provider must not use other values instead.

use jdcloud_emulator::{Credentials, Options};
use serde_json::json;

use crate::harness::{Case, Expected, Protocol, cases, same};

mod with_data {
    use super::*;
    cases!(
        TerraformData:
        an_unknown_id_leaves_everything_unknown_until_apply,
        an_unknown_secret_key_has_no_fallback,
        an_unknown_region_has_no_fallback,
        an_unknown_endpoint_has_no_fallback,
        an_unknown_region_of_the_provider_does_not_affect_a_block_with_a_region,
        depends_on_defers_a_read_until_the_provider_is_known,
    );
}
mod with_functions {
    use super::*;
    cases!(
        Functions:
        functions_of_an_unknown_result_are_unknown,
        a_rule_on_an_unknown_id_fails_in_apply,
    );
}

/// An image whose id is known only after apply.
const UNKNOWN_ID: &str = r#"
resource "terraform_data" "image" {
  input = "img-ubuntu2204"
}
data "jdcloud_image_constraints" "web" {
  ids = [terraform_data.image.output]
}
"#;

fn an_unknown_id_leaves_everything_unknown_until_apply(protocol: Protocol) {
    let case = Case::new(
        protocol,
        &format!(
            r#"{UNKNOWN_ID}
output "web" {{
  value = data.jdcloud_image_constraints.web
}}
output "count" {{
  value = length(data.jdcloud_image_constraints.web.image_constraints)
}}
output "excluded" {{
  value = lookup(data.jdcloud_image_constraints.web.excluded_instance_types, "img-ubuntu2204", [])
}}
"#
        ),
    );
    let plan = case.planned();
    assert_eq!(case.emulator().counters().calls, 0, "a plan made a request with an unknown id");
    let web = &plan["output_changes"]["web"];
    for name in
        ["id", "image_constraints", "excluded_instance_types", "included_instance_types", "missing_ids"]
    {
        assert_eq!(web["after_unknown"][name], true, "a plan claims to know {name}: {web:#}");
    }
    for name in ["count", "excluded"] {
        let change = &plan["output_changes"][name];
        assert_eq!(
            change["after_unknown"], true,
            "a plan claims to know {name}, and would keep it: {change:#}"
        );
    }

    case.apply().succeeded();
    let outputs = case.outputs();
    let types = json!(["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"]);
    same(&outputs["web"]["excluded_instance_types"]["img-ubuntu2204"], &types, "an apply did not read");
    same(&outputs["excluded"], &types, "an apply kept the value of the plan");
    same(&outputs["count"], &json!(1), "an apply kept the value of the plan");
    assert_eq!(case.emulator().counters().calls, 1, "an apply read more than once");
    case.text(&["plan"]).shows("No changes.");
}

fn functions_of_an_unknown_result_are_unknown(protocol: Protocol) {
    let case = Case::new(
        protocol,
        &format!(
            r#"{UNKNOWN_ID}
output "supports" {{
  value = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, "img-ubuntu2204", "g.n4.large")
}}
output "explain" {{
  value = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, "img-ubuntu2204", "g.n4.large")
}}
output "filter" {{
  value = provider::jdcloud::filter_instance_types(data.jdcloud_image_constraints.web, "img-ubuntu2204", ["g.n4.large", "g.n3.large"])
}}
"#
        ),
    );
    let plan = case.planned();
    for name in ["supports", "explain", "filter"] {
        let change = &plan["output_changes"][name];
        assert_eq!(
            change["after_unknown"], true,
            "a plan claims to know {name}, and would keep it: {change:#}"
        );
    }
    case.apply().succeeded();
    let outputs = case.outputs();
    same(&outputs["supports"], &json!(false), "an apply decides wrongly");
    same(&outputs["filter"], &json!(["g.n3.large"]), "an apply chooses wrongly");
}

fn a_rule_on_an_unknown_id_fails_in_apply(protocol: Protocol) {
    let case = Case::new(
        protocol,
        &format!(
            r#"{UNKNOWN_ID}
resource "terraform_data" "server" {{
  lifecycle {{
    precondition {{
      condition     = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, "img-ubuntu2204", "g.n4.large")
      error_message = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, "img-ubuntu2204", "g.n4.large")
    }}
  }}
}}
"#
        ),
    );
    case.plan().succeeded();
    case.apply().refused_with(&[Expected {
        summary: "Resource precondition failed",
        says: &["Image img-ubuntu2204 does not support instance type g.n4.large: it is one of the 3"],
        at: "condition ",
    }]);
    let state = case.json(&["show", "-json"]);
    let resources = state["values"]["root_module"]["resources"].as_array().unwrap();
    assert!(
        resources.iter().all(|resource| resource["name"] != "server"),
        "the server was created: {state:#}"
    );
}

/// A provider of another account than the environment's. One of its arguments is known only after apply.
fn with_unknown_argument(protocol: Protocol, argument: &str, data: &str) -> Case {
    let others = if argument == "secret_key" { "access_key = \"later-key\"" } else { "" };
    let hcl = format!(
        r#"
resource "terraform_data" "later" {{
  input = {{
    secret_key  = "later-secret"
    region      = "cn-east-2"
    vm_endpoint = "http://127.0.0.1:1"
  }}
}}
provider "jdcloud" {{
  {argument} = terraform_data.later.output.{argument}
  {others}
}}
data "jdcloud_image_constraints" "web" {{
  ids = ["img-ubuntu2204"]
  {data}
}}
output "excluded" {{
  value = data.jdcloud_image_constraints.web.excluded_instance_types["img-ubuntu2204"]
}}
"#
    );
    let accounts = |options: &mut Options| {
        options.credentials.push(Credentials::new("later-key", "later-secret"));
    };
    Case::build(protocol, &hcl).emulator(accounts).init()
}

fn refuses_to_guess(case: &Case, argument: &str) {
    let needs = format!("This data source needs {argument} of the provider \"jdcloud\"");
    case.plan().refused_with(&[Expected {
        summary: "Provider configuration not known yet",
        says: &[&needs, "terraform apply -target=", "depends_on"],
        at: "data \"jdcloud_image_constraints\" \"web\"",
    }]);
    assert_eq!(case.emulator().counters().calls, 0, "the request was for another account or region");
}

fn an_unknown_secret_key_has_no_fallback(protocol: Protocol) {
    let case = with_unknown_argument(protocol, "secret_key", "");
    refuses_to_guess(&case, "secret_key");
    case.text(&["apply", "-auto-approve", "-target=terraform_data.later"]).succeeded();
    case.plan().warned_of(&[]);
    let authorization = case.emulator().calls()[0].headers["authorization"].clone();
    assert!(authorization.contains("later-key"), "the remedy in the message does not work: {authorization}");
}

fn an_unknown_region_has_no_fallback(protocol: Protocol) {
    let case = with_unknown_argument(protocol, "region", "");
    refuses_to_guess(&case, "region");
    case.text(&["apply", "-auto-approve", "-target=terraform_data.later"]).succeeded();
    same(
        &case.planned_outputs()["excluded"],
        &json!(["s.i3f.metal"]),
        "the remedy in the message does not work",
    );
}

fn an_unknown_endpoint_has_no_fallback(protocol: Protocol) {
    refuses_to_guess(&with_unknown_argument(protocol, "vm_endpoint", ""), "vm_endpoint");
}

fn an_unknown_region_of_the_provider_does_not_affect_a_block_with_a_region(protocol: Protocol) {
    let case = with_unknown_argument(protocol, "region", "region = \"cn-north-1\"");
    same(
        &case.planned_outputs()["excluded"],
        &json!(["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"]),
        "a block with a region is not read",
    );
}

fn depends_on_defers_a_read_until_the_provider_is_known(protocol: Protocol) {
    let case = with_unknown_argument(protocol, "region", "depends_on = [terraform_data.later]");
    let plan = case.planned();
    assert_eq!(plan["output_changes"]["excluded"]["after_unknown"], true, "{plan:#}");
    assert_eq!(case.emulator().counters().calls, 0);
    case.apply().succeeded();
    same(&case.outputs()["excluded"], &json!(["s.i3f.metal"]), "the read in apply was for the wrong region");
}
