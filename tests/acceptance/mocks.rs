//! `terraform test`: users test their rules without an account, so every attribute must be mockable.

use crate::harness::{Case, Protocol, cases};

cases!(Mocks: mocked_constraints_reach_the_maps_and_lists);
mod with_validation {
    use super::*;
    cases!(CrossValidation: mocked_constraints_reach_the_functions, an_override_reaches_the_functions);
}

/// A rule that the runs test.
const VALIDATED: &str = r#"
variable "instance_type" {
  validation {
    condition     = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, "img-a", var.instance_type)
    error_message = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, "img-a", var.instance_type)
  }
}
data "jdcloud_image_constraints" "web" {
  ids = ["img-a"]
}
"#;
/// One run with a supported type and one with an unsupported type.
const RUNS: &str = r#"
run "accepted" {
  command = plan
  variables {
    instance_type = "g.n3.large"
  }
}
run "refused" {
  command = plan
  variables {
    instance_type = "g.n4.large"
  }
  expect_failures = [var.instance_type]
}
"#;

#[track_caller]
fn passes(case: &Case, runs: usize) {
    let test = case.text(&["test"]);
    test.succeeded();
    test.shows(&format!("Success! {runs} passed, 0 failed."));
    assert_eq!(case.emulator().counters().calls, 0, "a test with mocks called JD Cloud");
}

fn mocked_constraints_reach_the_maps_and_lists(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_image_constraints" "web" {
  ids = ["img-a"]
}
output "web" {
  value = data.jdcloud_image_constraints.web
}
"#;
    let test = r#"
mock_provider "jdcloud" {
  mock_data "jdcloud_image_constraints" {
    defaults = {
      image_constraints       = [{ image_id = "img-a", constraints_type = "excludes", instance_types = ["g.n4.large"] }]
      excluded_instance_types = { img-a = ["g.n4.large"] }
      missing_ids             = ["img-b"]
    }
  }
}
run "mocked" {
  assert {
    condition     = output.web.image_constraints[0].instance_types[0] == "g.n4.large"
    error_message = "the list is not the mocked one"
  }
  assert {
    condition     = contains(output.web.excluded_instance_types["img-a"], "g.n4.large")
    error_message = "the map is not the mocked one"
  }
  assert {
    condition     = output.web.missing_ids[0] == "img-b"
    error_message = "missing_ids is not the mocked one"
  }
}
"#;
    let case = Case::build(protocol, hcl).without_settings().file("web.tftest.hcl", test).init();
    passes(&case, 1);
}

fn mocked_constraints_reach_the_functions(protocol: Protocol) {
    let test = format!(
        r#"
mock_provider "jdcloud" {{
  mock_data "jdcloud_image_constraints" {{
    defaults = {{
      image_constraints = [{{ image_id = "img-a", constraints_type = "excludes", instance_types = ["g.n4.large"] }}]
    }}
  }}
}}
{RUNS}"#
    );
    let case = Case::build(protocol, VALIDATED).without_settings().file("web.tftest.hcl", &test).init();
    passes(&case, 2);
}

fn an_override_reaches_the_functions(protocol: Protocol) {
    let test = format!(
        r#"
override_data {{
  target = data.jdcloud_image_constraints.web
  values = {{
    image_constraints = [{{ image_id = "img-a", constraints_type = "includes", instance_types = ["g.n3.large"] }}]
  }}
}}
{RUNS}"#
    );
    let case = Case::build(protocol, VALIDATED).without_settings().file("web.tftest.hcl", &test).init();
    passes(&case, 2);
}
