//! From the first plan to the last: what a configuration goes through.

use serde_json::json;

use crate::harness::{Case, Protocol, cases, same};

cases!(a_configuration_lives_from_plan_to_destroy, validate_needs_neither_credentials_nor_network);

const WEB: &str = r#"
data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204", "img-free"]
}
output "web" {
  value = data.jdcloud_image_constraints.web
}
"#;

fn a_configuration_lives_from_plan_to_destroy(protocol: Protocol) {
    let case = Case::new(protocol, WEB);
    let excluded = ["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"];
    let web = json!({
        // The beginning of the SHA-256 of "img-free\nimg-ubuntu2204".
        "id": "cn-north-1/978e7c6edcf7",
        "region": "cn-north-1",
        "ids": ["img-free", "img-ubuntu2204"],
        "on_missing": null,
        "image_constraints": [
            {"image_id": "img-ubuntu2204", "constraints_type": "excludes", "instance_types": excluded},
        ],
        "excluded_instance_types": {"img-free": [], "img-ubuntu2204": excluded},
        "included_instance_types": {},
        "missing_ids": ["img-free"],
    });
    same(&case.planned_outputs()["web"], &web, "a plan does not show what JD Cloud answered");
    assert_eq!(case.emulator().counters().calls, 1, "a plan of one data block costs more than one call");

    case.apply().succeeded();
    same(&case.outputs()["web"], &web, "the state is not what the plan said");

    let again = case.text(&["plan", "-detailed-exitcode"]);
    again.succeeded();
    again.shows("No changes. Your infrastructure matches the configuration.");
    case.text(&["refresh"]).succeeded();
    same(&case.outputs()["web"], &web, "a refresh changes what did not change");

    case.text(&["destroy", "-auto-approve"]).succeeded();
    same(&case.outputs(), &json!({}), "a destroy leaves outputs");
}

fn validate_needs_neither_credentials_nor_network(protocol: Protocol) {
    let case = Case::build(protocol, WEB).without_settings().init();
    case.run(&["validate", "-json"]).warned_of(&[]);
    assert_eq!(case.emulator().counters().calls, 0);
}
