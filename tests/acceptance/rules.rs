//! Rules that reject an instance type, in every form of rules that Terraform has.

use crate::harness::{Case, Expected, Outcome, Protocol, cases};

mod with_data {
    use super::*;
    cases!(
        TerraformData:
        a_precondition_on_the_map_refuses,
        a_rule_for_exclusions_never_passes_an_image_that_includes,
    );
}
mod with_checks {
    use super::*;
    cases!(Checks: a_check_warns_and_lets_the_plan_go_on);
}
mod with_functions {
    use super::*;
    cases!(
        Functions:
        a_precondition_refuses_with_the_explanation,
        a_postcondition_refuses_with_the_explanation,
        an_outputs_precondition_refuses_with_the_explanation,
        a_filter_chooses_the_first_type_that_works,
        every_kind_of_constraint_is_judged_and_explained,
        an_unknown_kind_is_refused_once,
    );
}
mod with_validation {
    use super::*;
    cases!(
        CrossValidation:
        a_validation_on_the_map_refuses,
        a_validation_refuses_with_the_explanation,
        a_validation_in_a_module_points_at_its_caller,
        an_unknown_kind_in_a_validation_is_one_error,
    );
}

/// The image excludes three types, including `g.n4.large`, but not `g.n3.large`.
const WEB: &str = r#"
data "jdcloud_image_constraints" "web" {
  ids = [var.image_id]
}
variable "image_id" {
  default = "img-ubuntu2204"
}
"#;
const INSTANCE_TYPE: &str = "variable \"instance_type\" {}\n";
const EXPLANATION: &str = "Image img-ubuntu2204 does not support instance type g.n4.large: it is one of the 3 instance \
                           types that this image excludes (g.n4.large, m.n2.18xlarge, p.c1p40g.large).";

/// Plans `hcl` with a supported type and then with an unsupported one. Returns the outcome of the second plan, with output
/// for people.
#[track_caller]
fn refusal(protocol: Protocol, hcl: &str) -> Outcome {
    let mut case = Case::new(protocol, &format!("{}{hcl}", WEB.trim_start()));
    case.set("TF_VAR_instance_type", "g.n3.large");
    case.plan().warned_of(&[]);
    case.set("TF_VAR_instance_type", "g.n4.large");
    case.emulator().reset();
    let refused = case.text(&["plan"]);
    assert_eq!(case.emulator().counters().calls, 1, "a plan of one data block costs more than one call");
    refused
}

fn a_precondition_on_the_map_refuses(protocol: Protocol) {
    let rule = r#"
resource "terraform_data" "server" {
  lifecycle {
    precondition {
      condition     = !contains(data.jdcloud_image_constraints.web.excluded_instance_types[var.image_id], var.instance_type)
      error_message = "Image ${var.image_id} does not support instance type ${var.instance_type}."
    }
  }
}
"#;
    let refused = refusal(protocol, &(INSTANCE_TYPE.to_owned() + rule));
    refused.failed();
    refused.shows(
        r#"Error: Resource precondition failed
           on main.tf line 12, in resource "terraform_data" "server":
           12: condition = !contains(data.jdcloud_image_constraints.web.excluded_instance_types[var.image_id], var.instance_type)
           ├────────────────
           data.jdcloud_image_constraints.web.excluded_instance_types is map of list of string with 1 element
           var.image_id is "img-ubuntu2204"
           var.instance_type is "g.n4.large"
           Image img-ubuntu2204 does not support instance type g.n4.large."#,
    );
}

fn a_rule_for_exclusions_never_passes_an_image_that_includes(protocol: Protocol) {
    let case = Case::new(protocol, "");
    // If the map had no key, all except the first would pass silently.
    for rule in [
        "!contains(local.excluded[\"img-gpu\"], \"g.n3.large\")",
        "!contains(lookup(local.excluded, \"img-gpu\", []), \"g.n3.large\")",
        "!contains(try(local.excluded[\"img-gpu\"], []), \"g.n3.large\")",
        "alltrue([for image, types in local.excluded : !contains(types, \"g.n3.large\")])",
    ] {
        let hcl = format!(
            r#"
data "jdcloud_image_constraints" "web" {{
  ids = ["img-gpu"]
}}
locals {{
  excluded = data.jdcloud_image_constraints.web.excluded_instance_types
}}
output "passes" {{
  value = {rule}
}}
"#
        );
        case.write("main.tf", &hcl);
        let refused = case.plan();
        assert!(!refused.success, "this rule passes a type that the image does not include: {rule}");
        let errors = refused.diagnostics();
        let [error] = &errors.0[..] else { panic!("not one error for {rule}:\n{errors}") };
        assert!(error.detail.contains("null"), "the error does not say why: {errors}");
        assert!(error.code().contains(rule), "the error points elsewhere: {errors}");
    }
}

fn a_check_warns_and_lets_the_plan_go_on(protocol: Protocol) {
    let rule = r#"
check "instance_type" {
  assert {
    condition     = !contains(data.jdcloud_image_constraints.web.excluded_instance_types[var.image_id], var.instance_type)
    error_message = "Image ${var.image_id} does not support instance type ${var.instance_type}."
  }
}
"#;
    let warned = refusal(protocol, &(INSTANCE_TYPE.to_owned() + rule));
    warned.succeeded();
    warned.shows("Warning: Check block assertion failed");
    warned.shows("Image img-ubuntu2204 does not support instance type g.n4.large.");
}

fn a_precondition_refuses_with_the_explanation(protocol: Protocol) {
    let rule = r#"
resource "terraform_data" "server" {
  lifecycle {
    precondition {
      condition     = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
      error_message = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
    }
  }
}
"#;
    let refused = refusal(protocol, &(INSTANCE_TYPE.to_owned() + rule));
    refused.failed();
    refused.shows(
        "Error: Resource precondition failed on main.tf line 12, in resource \"terraform_data\" \"server\":",
    );
    refused.shows(&format!("var.instance_type is \"g.n4.large\" {EXPLANATION}"));
}

fn a_postcondition_refuses_with_the_explanation(protocol: Protocol) {
    let hcl = r#"
variable "instance_type" {}
data "jdcloud_image_constraints" "self" {
  ids = ["img-ubuntu2204"]
  lifecycle {
    postcondition {
      condition     = provider::jdcloud::supports_instance_type(self, "img-ubuntu2204", var.instance_type)
      error_message = provider::jdcloud::explain_instance_type(self, "img-ubuntu2204", var.instance_type)
    }
  }
}
"#;
    let mut case = Case::new(protocol, hcl);
    case.set("TF_VAR_instance_type", "g.n3.large");
    case.plan().warned_of(&[]);
    case.set("TF_VAR_instance_type", "g.n4.large");
    let refused = case.text(&["plan"]);
    refused.failed();
    refused.shows("Error: Resource postcondition failed on main.tf line 6, in data \"jdcloud_image_constraints\" \"self\":");
    refused.shows(EXPLANATION);
}

fn an_outputs_precondition_refuses_with_the_explanation(protocol: Protocol) {
    let rule = r#"
output "instance_type" {
  value = var.instance_type
  precondition {
    condition     = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
    error_message = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
  }
}
"#;
    let refused = refusal(protocol, &(INSTANCE_TYPE.to_owned() + rule));
    refused.failed();
    refused.shows("Error: Module output value precondition failed");
    refused.shows(EXPLANATION);
}

fn a_filter_chooses_the_first_type_that_works(protocol: Protocol) {
    let case = Case::new(
        protocol,
        &format!(
            r#"{WEB}
output "chosen" {{
  value = provider::jdcloud::filter_instance_types(data.jdcloud_image_constraints.web, var.image_id, ["g.n4.large", "g.n3.xlarge", "p.c1p40g.large", "g.n3.large"])
}}
output "none" {{
  value = provider::jdcloud::filter_instance_types(data.jdcloud_image_constraints.web, var.image_id, ["g.n4.large"])
}}
"#
        ),
    );
    let outputs = case.planned_outputs();
    assert_eq!(
        outputs["chosen"],
        serde_json::json!(["g.n3.xlarge", "g.n3.large"]),
        "the caller's order is the order of preference"
    );
    assert_eq!(outputs["none"], serde_json::json!([]), "a list without a supported type must not fail");
}

fn every_kind_of_constraint_is_judged_and_explained(protocol: Protocol) {
    let case = Case::new(
        protocol,
        r#"
data "jdcloud_image_constraints" "some" {
  ids = ["img-ubuntu2204", "img-gpu", "img-includes-none", "img-excludes-none", "img-null", "img-nulllist", "img-twice", "img-free", "img-private", "img-sometimes"]
}
locals {
  asked = setproduct(setsubtract(data.jdcloud_image_constraints.some.ids, ["img-sometimes"]), ["g.n4.large", "p.c1p40.large"])
}
output "supports" {
  value = { for asked in local.asked : join(" ", asked) => provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.some, asked[0], asked[1]) }
}
output "explain" {
  value = { for asked in local.asked : join(" ", asked) => provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.some, asked[0], asked[1]) }
}
output "unknown" {
  value = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.some, "img-sometimes", "g.n4.large")
}
"#,
    );
    let outputs = case.planned_outputs();
    let g = "g.n4.large";
    let p = "p.c1p40.large";
    for (image, instance_type, supports, why) in [
        (
            "img-ubuntu2204",
            g,
            false,
            "it is one of the 3 instance types that this image excludes (g.n4.large, m.n2.18xlarge, p.c1p40g.large).",
        ),
        ("img-ubuntu2204", p, true, "it is not one of the 3 instance types that this image excludes."),
        (
            "img-gpu",
            g,
            false,
            "it is not one of the 2 instance types that this image supports (p.c1p40.large, p.c1p40g.large).",
        ),
        ("img-gpu", p, true, "it is one of the 2 instance types that this image supports."),
        ("img-includes-none", g, false, "this image supports no instance type at all."),
        ("img-includes-none", p, false, "this image supports no instance type at all."),
        ("img-excludes-none", g, true, "JD Cloud has no constraint for this image."),
        ("img-null", g, true, "JD Cloud has no constraint for this image."),
        ("img-nulllist", g, true, "JD Cloud has no constraint for this image."),
        ("img-twice", g, false, "it is the only instance type that this image excludes."),
        ("img-free", g, true, "JD Cloud has no constraint for this image."),
        ("img-private", g, true, "JD Cloud has no constraint for this image."),
    ] {
        let asked = format!("{image} {instance_type}");
        assert_eq!(outputs["supports"][&asked], supports, "a rule about {asked} decides wrongly");
        let verb = if supports { "supports" } else { "does not support" };
        assert_eq!(
            outputs["explain"][&asked],
            format!("Image {image} {verb} instance type {instance_type}: {why}"),
            "the reason for {asked} is wrong"
        );
    }
    assert_eq!(
        outputs["unknown"],
        "The provider cannot tell whether image img-sometimes supports instance type g.n4.large: its constraint is of the kind \
         \"sometimes\", which this version of the provider does not know.",
        "an explanation that fails adds a second error to that of the rule itself"
    );
}

fn an_unknown_kind_is_refused_once(protocol: Protocol) {
    let case = Case::new(
        protocol,
        r#"
data "jdcloud_image_constraints" "web" {
  ids = ["img-sometimes"]
}
resource "terraform_data" "server" {
  lifecycle {
    precondition {
      condition     = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, "img-sometimes", "g.n3.large")
      error_message = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, "img-sometimes", "g.n3.large")
    }
  }
}
"#,
    );
    unknown_kind_is_one_error(&case);
}

/// If the explanation failed as well, there would be a second error with the same text.
#[track_caller]
fn unknown_kind_is_one_error(case: &Case) {
    case.plan().refused_with(&[Expected {
        summary: "Invalid function argument",
        says: &["the constraint of image img-sometimes is of the kind \"sometimes\", which this version of the provider \
                 does not know, so it can't say which instance types the image supports. Look for a newer version of the \
                 provider."],
        at: "condition ",
    }]);
}

fn a_validation_on_the_map_refuses(protocol: Protocol) {
    let refused = refusal(
        protocol,
        r#"variable "instance_type" {
  validation {
    condition     = !contains(data.jdcloud_image_constraints.web.excluded_instance_types[var.image_id], var.instance_type)
    error_message = "Image ${var.image_id} does not support instance type ${var.instance_type}."
  }
}
"#,
    );
    refused.failed();
    refused.shows(
        r#"Error: Invalid value for variable
           on main.tf line 7:
           7: variable "instance_type" {
           ├────────────────
           data.jdcloud_image_constraints.web.excluded_instance_types is map of list of string with 1 element
           var.image_id is "img-ubuntu2204"
           var.instance_type is "g.n4.large"
           Image img-ubuntu2204 does not support instance type g.n4.large.
           This was checked by the validation rule at main.tf:8,3-13."#,
    );
}

/// A validation with the functions.
const VALIDATED: &str = r#"variable "instance_type" {
  validation {
    condition     = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
    error_message = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
  }
}
"#;

fn a_validation_refuses_with_the_explanation(protocol: Protocol) {
    let refused = refusal(protocol, VALIDATED);
    refused.failed();
    refused.shows(&format!(
        r#"Error: Invalid value for variable
           on main.tf line 7:
           7: variable "instance_type" {{
           ├────────────────
           data.jdcloud_image_constraints.web is object with 8 attributes
           var.image_id is "img-ubuntu2204"
           var.instance_type is "g.n4.large"
           {EXPLANATION}
           This was checked by the validation rule at main.tf:8,3-13."#
    ));
}

fn a_validation_in_a_module_points_at_its_caller(protocol: Protocol) {
    let module = format!(
        "terraform {{\n  required_providers {{\n    jdcloud = {{ source = \"jdcloud/jdcloud\" }}\n  }}\n}}\n{WEB}{VALIDATED}"
    );
    let main = "module \"server\" {\n  source        = \"./server\"\n  instance_type = \"g.n4.large\"\n}\n";
    let case = Case::build(protocol, main).file("server/main.tf", &module).init();
    case.plan().refused_with(&[Expected {
        summary: "Invalid value for variable",
        says: &[EXPLANATION],
        at: "instance_type = \"g.n4.large\"",
    }]);
}

fn an_unknown_kind_in_a_validation_is_one_error(protocol: Protocol) {
    let mut case = Case::new(protocol, &format!("{}{VALIDATED}", WEB.trim_start()));
    case.set("TF_VAR_image_id", "img-sometimes");
    case.set("TF_VAR_instance_type", "g.n3.large");
    unknown_kind_is_one_error(&case);
}
