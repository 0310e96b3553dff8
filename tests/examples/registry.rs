//! The examples on the Registry's pages: of the provider block, of the data source, of the functions.

use std::fs;

use jdcloud_emulator::{ACCESS_KEY, Credentials, SECRET_KEY};
use serde_json::json;

use crate::example::{accepts, build, open, shows};
use crate::harness::{Feature, Protocol, same};

const V6: Protocol = Protocol::V6;
/// Uses the provider, so that it is configured.
const READ: &str = "data \"jdcloud_image_constraints\" \"probe\" {\n  ids = [\"img-ubuntu2204\"]\n}\n";

#[test]
fn the_provider_takes_its_keys_from_the_environment() {
    for protocol in [Protocol::V5, V6] {
        let builder = build(protocol, "provider/provider.tf").without(&["JDCLOUD_REGION"]);
        accepts(&builder.file("probe.tf", READ).init(), &[]);
    }
}

#[test]
fn the_provider_takes_its_keys_from_a_profile() {
    let mut builder = build(V6, "provider/provider_profile.tf").file("probe.tf", READ);
    builder = builder
        .without(&["JDCLOUD_SECRET_KEY", "JDCLOUD_REGION"])
        .variable("JDCLOUD_ACCESS_KEY", "not-this-one");
    let case = builder.variable("JDCLOUD_SECRET_KEY", "nor-this").init();
    let directory = case.path("home/.jdc");
    fs::create_dir_all(&directory).unwrap();
    let profile =
        format!("[staging]\naccess_key = {ACCESS_KEY}\nsecret_key = {SECRET_KEY}\nregion_id = cn-north-1\n");
    fs::write(directory.join("config"), profile).unwrap();
    accepts(&case, &[]);
}

#[test]
fn each_region_has_its_alias() {
    let case = build(V6, "provider/provider_regions.tf").without(&["JDCLOUD_REGION"]).init();
    accepts(&case, &[]);
    let regions = case.emulator().counters().per_region;
    assert_eq!(regions, [("cn-east-2".to_owned(), 1), ("cn-north-1".to_owned(), 1)].into());
}

#[test]
fn temporary_keys_come_as_ephemeral_variables() {
    if !crate::example::suits(Feature::Ephemeral) {
        return;
    }
    let case = build(V6, "provider/provider_temporary_keys.tf")
        .file("probe.tf", READ)
        .without(&["JDCLOUD_ACCESS_KEY", "JDCLOUD_SECRET_KEY", "JDCLOUD_REGION"])
        .emulator(|options| {
            let mut pair = Credentials::new("temporary", "pair");
            pair.security_token = Some("token".to_owned());
            options.credentials = vec![pair];
        })
        .init();
    accepts(&case, &["access_key=temporary", "secret_key=pair", "security_token=token"]);
}

#[test]
fn the_defaults_of_the_load_arguments_are_accepted() {
    accepts(&build(V6, "provider/provider_slow_network.tf").file("probe.tf", READ).init(), &[]);
}

#[test]
fn the_data_source_has_the_documented_results() {
    let Some(case) = open(V6, Feature::Plain, "data-sources/jdcloud_image_constraints/data-source.tf") else {
        return;
    };
    same(
        &case.planned_outputs(),
        &json!({"excluded": ["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"]}),
        "the example has another result",
    );
    let name = "data-sources/jdcloud_image_constraints/data-source_region.tf";
    let Some(case) = open(V6, Feature::Plain, name) else { return };
    same(
        &case.planned_outputs(),
        &json!({"constrained_images": ["img-east", "img-ubuntu2204"]}),
        "the example has another result",
    );
}

#[test]
fn images_and_instance_types_have_the_documented_results() {
    let in_stock = |zones: &[&str]| json!(zones);
    for (name, output, check) in [
        ("jdcloud_images/data-source.tf", "newest_image_id", json!("img-ubuntu2204")),
        ("jdcloud_images/data-source_ids.tf", "unknown_image_ids", json!([])),
        ("jdcloud_images/data-source_ids.tf", "delisted_image_ids", json!([])),
    ] {
        let Some(case) = open(V6, Feature::Plain, &format!("data-sources/{name}")) else { return };
        same(&case.planned_outputs()[output], &check, "the example has another result");
    }
    let name = "data-sources/jdcloud_instance_types/data-source.tf";
    let Some(case) = open(V6, Feature::Plain, name) else { return };
    let outputs = case.planned_outputs();
    let names = outputs["instance_type_names"].as_array().unwrap();
    assert!(names.contains(&json!("c.n3.large")) && !names.contains(&json!("c.n4.large")), "{names:?}");
    let name = "data-sources/jdcloud_instance_types/data-source_names.tf";
    let Some(case) = open(V6, Feature::Plain, name) else { return };
    let all = in_stock(&["cn-north-1a", "cn-north-1b", "cn-north-1c"]);
    let expected = json!({"c.n3.large": all, "g.n4.large": all});
    same(&case.planned_outputs()["zones_in_stock"], &expected, "the example has another result");
}

#[test]
fn a_misspelt_id_fails_the_plan_and_private_images_pass() {
    let name = "data-sources/jdcloud_image_constraints/data-source_verify.tf";
    let Some(case) = open(V6, Feature::Plain, name) else { return };
    accepts(&case, &[]);
    crate::example::refuses(
        &case,
        &["plan"],
        &["image_ids=[\"img-ubunut2204\",\"img-private\"]"],
        "Images that can't be used",
        "No server can be created from these images in cn-north-1: - img-ubunut2204: does not exist, or is not visible to this \
         account Correct misspelt ids, check the region and the account, and choose another image instead of a delisted one. To \
         change or destroy servers that were created from these images, set on_missing to \"ignore\".",
    );
}

#[test]
fn a_misspelt_id_of_a_public_image_fails_the_plan() {
    let name = "data-sources/jdcloud_image_constraints/data-source_on_missing.tf";
    let Some(case) = open(V6, Feature::Plain, name) else { return };
    accepts(&case, &[]);
    let misspelt = "public_image_ids=[\"img-ubuntu2204\",\"img-gpo\"]";
    crate::example::refuses(
        &case,
        &["plan"],
        &[misspelt],
        "Image IDs not returned",
        "JD Cloud returned no constraint in cn-north-1 for img-gpo. These are images without a constraint, such as private \
         images, or IDs that don't exist there; the response does not distinguish them. Correct the ids, or set on_missing to \"verify\" to \
         reject only those that don't exist or are delisted.",
    );
}

#[test]
fn the_functions_have_the_documented_results() {
    for (name, expected) in [
        ("functions/supports_instance_type/function.tf", json!({"supported": true})),
        ("functions/filter_instance_types/function.tf", json!({"supported": ["g.n3.large", "g.n2.large"]})),
        (
            "functions/explain_instance_type/function.tf",
            json!({"why": "Image img-ubuntu2204 does not support instance type g.n4.large: it is one of the 3 instance \
                           types that this image excludes (g.n4.large, m.n2.18xlarge, p.c1p40g.large)."}),
        ),
    ] {
        let Some(case) = open(V6, Feature::Functions, name) else { return };
        same(&case.planned_outputs(), &expected, "the example has another result");
        // An image that is not among the ids is an error.
        let text = fs::read_to_string(crate::example::root().join(name)).unwrap();
        let typo = text.replace("constraints.web, \"img-ubuntu2204\"", "constraints.web, \"img-ubuntu2404\"");
        assert_ne!(text, typo);
        let case = build(V6, name).file(name.rsplit('/').next().unwrap(), &typo).init();
        let refused = case.plan();
        refused.failed();
        let errors = refused.diagnostics();
        let said = crate::example::flat(&errors.0[0].detail);
        assert!(
            said.ends_with(
                "\"img-ubuntu2404\" is not among the ids that this data source asked about (img-ubuntu2204), so nothing is \
                 known about it. Add it to ids."
            ),
            "{said}"
        );
    }
}

#[test]
fn getting_started_is_a_complete_configuration() {
    let Some(case) = open(V6, Feature::Functions, "getting-started") else { return };
    accepts(&case, &["instance_type=g.n2.large"]);
    shows(&case, "getting-started/refused.txt", &["plan"], &["instance_type=g.n4.large"]).failed();
    // The first step has no rule.
    let first = build(V6, "getting-started/main.tf").file("versions.tf", "").init();
    shows(&first, "getting-started/plan.txt", &["plan"], &[]).succeeded();
}
