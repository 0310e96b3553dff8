//! Images, instance types and constraints combined: from filters to a server that can be created.

use serde_json::{Value, json};

use crate::example::{accepts, open, refuses, shows};
use crate::harness::{Case, Feature, Protocol, same};

const V6: Protocol = Protocol::V6;
const FAILED: &str = "Resource precondition failed";

#[track_caller]
fn planned_output(case: &Case, variables: &[&str], output: &str) -> Value {
    let variables = variables.iter().flat_map(|variable| ["-var", *variable]);
    let plan: Vec<&str> = ["plan", "-input=false", "-out=plan.tfplan"].into_iter().chain(variables).collect();
    case.run(&plan).succeeded();
    case.json(&["show", "-json", "plan.tfplan"])["planned_values"]["outputs"][output]["value"].clone()
}

#[test]
fn newest_image_and_smallest_type() {
    let name = "rules/newest-image-smallest-type";
    let Some(case) = open(V6, Feature::Functions, name) else { return };
    accepts(&case, &[]);
    same(
        &planned_output(&case, &[], "server"),
        &json!({"image_id": "img-ubuntu2204c", "instance_type": "c.n3.large", "zone": "cn-east-1a"}),
        "not the newest image that is not delisted, or not the smallest type that is in stock",
    );
    refuses(&case, &["plan"], &["os_version=99.04"], FAILED, "There is no public image of Ubuntu 99.04.");
    refuses(
        &case,
        &["plan"],
        &["zone=cn-east-1z"],
        FAILED,
        "No instance type with at least 2 CPUs and 4 GB of memory for image img-ubuntu2204c is in stock in cn-east-1z.",
    );
    let unsupported = ["os_version=16.04", "min_cpu=96"];
    shows(&case, "rules/newest-image-smallest-type/refused.txt", &["plan"], &unsupported).failed();
}

/// The example of the guide with `ignore_changes` and a check.
#[test]
fn a_newer_image_does_not_replace_a_server() {
    let Some(case) = open(V6, Feature::Functions, "rules/newest-image-smallest-type") else { return };
    let old = ["apply", "-json", "-input=false", "-auto-approve", "-var=os_version=20.04"];
    case.run(&old).warned_of(&[]);
    let newer = case.text(&["plan", "-input=false"]);
    newer.succeeded();
    newer.shows("No changes.");
    newer.shows("The server was created from image img-ubuntu2004b; the newest one is img-ubuntu2204c.");
}

#[test]
fn preferences_in_all_zones() {
    let name = "rules/preferences-in-all-zones";
    let Some(case) = open(V6, Feature::Functions, name) else { return };
    let preferred = "preferred_types=[\"c.n4.large\",\"c.n3.large\",\"g.n4.large\"]";
    accepts(&case, &[preferred]);
    // The first is sold out in one zone only.
    same(
        &planned_output(&case, &[preferred], "instance_type"),
        &json!("c.n3.large"),
        "not the first that fits",
    );
    let one_zone = "zones=[\"cn-east-1b\"]";
    same(
        &planned_output(&case, &[preferred, one_zone], "instance_type"),
        &json!("c.n4.large"),
        "a zone too many",
    );
    let unusable = "preferred_types=[\"c.n4.large\",\"g.r1.large\"]";
    shows(&case, "rules/preferences-in-all-zones/refused.txt", &["plan"], &[unusable]).failed();
}

#[test]
fn checked_fleet() {
    let name = "rules/checked-fleet";
    let Some(case) = open(V6, Feature::Functions, name) else { return };
    let servers = |list: &[(&str, &str, &str)]| {
        let object = |(index, (image, instance_type, zone)): (usize, &(&str, &str, &str))| {
            format!("s{index}={{image_id=\"{image}\",instance_type=\"{instance_type}\",zone=\"{zone}\"}}")
        };
        format!("servers={{{}}}", list.iter().enumerate().map(object).collect::<Vec<_>>().join(","))
    };
    let fit = [
        ("img-ubuntu2204c", "c.n3.large", "cn-east-1a"),
        ("img-mine-web", "g.n4.large", "cn-east-1b"),
        ("img-ubuntu2204arm", "g.r1.large", "cn-east-1a"),
    ];
    case.emulator().reset();
    accepts(&case, &[&servers(&fit)]);
    // The private image has no constraint; the first such result is verified with another request.
    assert_eq!(case.emulator().counters().calls, 4, "three servers need more than one request of each kind");
    for (server, problem) in [
        (
            ("img-ubunut2204", "c.n3.large", "cn-east-1a"),
            "Image img-ubunut2204 does not exist or is not visible to this account.",
        ),
        (("img-mine-new", "c.n3.large", "cn-east-1a"), "Image img-mine-new is not ready."),
        (("img-ubuntu2204a", "c.n3.large", "cn-east-1a"), "Image img-ubuntu2204a is delisted."),
        (
            ("img-ubuntu2204c", "c.n3.larg", "cn-east-1a"),
            "Instance type c.n3.larg does not exist in this region.",
        ),
        (
            ("img-ubuntu2204c", "c.n4.large", "cn-east-1a"),
            "Instance type c.n4.large is not in stock in cn-east-1a.",
        ),
        (
            ("img-mine-arm", "c.n3.large", "cn-east-1a"),
            "Image img-mine-arm is for arm64, instance type c.n3.large is x86_64.",
        ),
    ] {
        let message = format!("Server s0 cannot be created. {problem}");
        refuses(&case, &["plan"], &[&servers(&[server])], FAILED, &message);
    }
    let all = servers(&[("img-centos74", "c.n4.large", "cn-east-1a")]);
    shows(&case, "rules/checked-fleet/refused.txt", &["plan"], &[&all]).failed();
}
