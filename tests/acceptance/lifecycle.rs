//! The life of a configuration: validate, plan, apply, refresh, destroy, and interruptions.

use std::time::{Duration, Instant};

use jdcloud_emulator::Options;
use serde_json::json;

use crate::harness::{Case, Protocol, Signal, cases, same};

cases!(
    a_configuration_can_be_planned_applied_refreshed_and_destroyed,
    validate_needs_neither_credentials_nor_network,
    a_plan_reads_each_block_once,
    reads_work_without_logging,
    ctrl_c_ends_a_read_that_hangs,
    a_killed_terraform_leaves_no_provider,
);

const WEB: &str = r#"
data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204", "img-free"]
}
output "web" {
  value = data.jdcloud_image_constraints.web
}
"#;

fn a_configuration_can_be_planned_applied_refreshed_and_destroyed(protocol: Protocol) {
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
    // One request, and one that checks that the image without a row was not left out silently.
    assert_eq!(case.emulator().counters().calls, 2, "a plan of one data block costs more than two calls");

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
    let validated = case.run(&["validate", "-json"]);
    validated.warned_of(&[]);
    assert_eq!(validated.calls("ValidateProviderConfig") + validated.calls("PrepareProviderConfig"), 0);
    assert_eq!(validated.calls("ReadDataSource"), 0, "a validation reads");
    assert_eq!(case.emulator().counters().calls, 0);
}

fn a_plan_reads_each_block_once(protocol: Protocol) {
    let case = Case::new(protocol, &format!("{WEB}data \"jdcloud_image_constraints\" \"all\" {{}}\n"));
    let planned = case.plan();
    planned.succeeded();
    assert_eq!(planned.calls("ReadDataSource"), 2, "Terraform reads more often than it has blocks");
    // One request for each block, and one that checks the response of the first unless the listing came earlier.
    let calls = case.emulator().counters().calls;
    assert!((2..=3).contains(&calls), "a plan of two blocks costs {calls} calls");
}

fn reads_work_without_logging(protocol: Protocol) {
    let case = Case::build(protocol, WEB).variable("TF_LOG_PROVIDER", "").init();
    let planned = case.text(&["plan"]);
    planned.succeeded();
    assert_eq!(planned.stderr, "", "the provider writes to stderr");
    planned.shows("data.jdcloud_image_constraints.web: Read complete");
    planned.shows("[id=cn-north-1/978e7c6edcf7]");
}

/// A case whose API does not respond, with timeouts that are longer than any test.
fn hanging(protocol: Protocol) -> Case {
    let patient = "provider \"jdcloud\" {\n  request_timeout = \"10m\"\n  read_timeout = \"20m\"\n}\n";
    let hang = |options: &mut Options| options.scenario.hang_first = 100;
    Case::build(protocol, &format!("{WEB}{patient}")).emulator(hang).init()
}

fn ctrl_c_ends_a_read_that_hangs(protocol: Protocol) {
    let case = hanging(protocol);
    let begun = Instant::now();
    let interrupted = case.plan_until(Signal::CtrlC);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "a person at the terminal waits for {:?}",
        begun.elapsed()
    );
    interrupted.failed();
    interrupted.shows("Error: Read cancelled");
}

fn a_killed_terraform_leaves_no_provider(protocol: Protocol) {
    // That nothing is left behind is checked after every command.
    let killed = hanging(protocol).plan_until(Signal::Kill);
    killed.failed();
}
