//! `on_missing = "verify"`: an id with a typing error must not count as an image without a constraint.

use jdcloud_emulator::{Answer, Image, Options, Scenario, Signature, Source};
use serde_json::json;

use crate::harness::{Case, Expected, Protocol, cases, same};

cases!(
    unusable_images_fail_the_plan_each_with_its_reason,
    private_shared_and_community_images_pass,
    without_missing_ids_no_verification_is_requested,
    the_missing_permission_is_named_with_the_alternatives,
    a_failed_verification_is_an_error,
    version_3_of_the_signature_is_used_with_one_warning,
    without_ids_a_warning_says_that_nothing_is_verified,
    blocks_that_are_read_together_share_the_lookup,
);

fn block(ids: &str) -> String {
    format!(
        "data \"jdcloud_image_constraints\" \"web\" {{\n  ids        = {ids}\n  on_missing = \"verify\"\n}}\n\
         output \"missing\" {{\n  value = data.jdcloud_image_constraints.web.missing_ids\n}}\n"
    )
}

/// An image without a constraint that is delisted, one that is shared and one of the community.
fn with_others(options: &mut Options) {
    let region = "cn-north-1";
    let delisted = Image::default().with_details(json!({"offline": true}));
    options.catalogue.insert(region, "img-delisted", delisted);
    for (id, source) in [("img-shared", Source::Shared), ("img-community", Source::Community)] {
        options.catalogue.insert(region, id, Image::default().from_source(source));
    }
}

fn unusable_images_fail_the_plan_each_with_its_reason(protocol: Protocol) {
    let ids = "[\"img-ubuntu2204\", \"img-ubunut2204\", \"img-private\", \"img-delisted\"]";
    let case = Case::build(protocol, &block(ids)).emulator(with_others).init();
    case.plan().refused_with(&[Expected {
        summary: "Images that can't be used",
        says: &["No server can be created from these images in cn-north-1: \
             - img-delisted: is delisted (offline), so no new server can be created from it \
             - img-ubunut2204: does not exist, or is not visible to this account \
             Correct misspelt ids"],
        at: "ids",
    }]);
}

fn private_shared_and_community_images_pass(protocol: Protocol) {
    let ids = "[\"img-private\", \"img-shared\", \"img-community\", \"img-free\"]";
    let case = Case::build(protocol, &block(ids)).emulator(with_others).init();
    case.plan().warned_of(&[]);
    let operations: Vec<_> = case.emulator().calls().into_iter().filter_map(|call| call.operation).collect();
    // No image has a row, so that the listing and a check follow the request.
    let constraints = ["describeImageConstraintsBatch"; 3];
    assert_eq!(operations, [&constraints[..], &["describeImages"]].concat(), "one call for all images");
    let expected = json!(["img-community", "img-free", "img-private", "img-shared"]);
    same(&case.planned_outputs()["missing"], &expected, "images that were verified are not listed any more");
}

fn without_missing_ids_no_verification_is_requested(protocol: Protocol) {
    let case = Case::new(protocol, &block("[\"img-ubuntu2204\", \"img-gpu\"]"));
    case.plan().warned_of(&[]);
    assert_eq!(case.emulator().counters().calls, 1, "no id was missing, but there was a second request");
}

fn the_missing_permission_is_named_with_the_alternatives(protocol: Protocol) {
    let case = Case::new(protocol, &block("[\"img-private\"]"));
    case.emulator().set_scenario(Scenario {
        answer: Answer::PermissionDenied,
        only_operations: vec!["describeImages".to_owned()],
        ..Scenario::default()
    });
    case.plan().refused_with(&[Expected {
        summary: "JD Cloud denies the permission",
        says: &[
            "is not allowed to call describeImages",
            "or set on_missing to \"ignore\", \"warn\" or \"error\".",
            "describeImages for 1 image (img-private) in cn-north-1",
        ],
        at: "on_missing",
    }]);
}

fn a_failed_verification_is_an_error(protocol: Protocol) {
    let case = Case::new(protocol, &block("[\"img-private\"]"));
    case.emulator().set_scenario(Scenario {
        fail_first: u64::MAX,
        fail_status: 400,
        only_operations: vec!["describeImages".to_owned()],
        ..Scenario::default()
    });
    let says: &[&str] = &["describeImages for 1 image (img-private)"];
    case.plan().refused_with(&[Expected { summary: "JD Cloud refused the request", says, at: "" }]);
}

fn version_3_of_the_signature_is_used_with_one_warning(protocol: Protocol) {
    let hcl = block("[\"img-private\"]");
    let case = Case::build(protocol, &hcl).emulator(|options| options.signature = Signature::V3).init();
    case.plan().warned_of(&[Expected {
        summary: "JD Cloud refused the documented signature",
        says: &["accepted it signed with JDCLOUD3-HMAC-SHA256"],
        at: "",
    }]);
    let case = Case::build(protocol, &hcl).emulator(|options| options.signature = Signature::V2).init();
    case.plan().warned_of(&[]);
}

fn without_ids_a_warning_says_that_nothing_is_verified(protocol: Protocol) {
    let nothing_is_verified = Expected {
        summary: "Unused on_missing",
        says: &["on_missing has no effect, because ids is not set"],
        at: "on_missing",
    };
    // The emulator's region has an image with such a constraint.
    let unknown_kind = Expected {
        summary: "Constraint of an unknown kind",
        says: &["img-sometimes"],
        at: "data \"jdcloud_image_constraints\" \"web\"",
    };
    Case::new(protocol, &block("null")).plan().warned_of(&[nothing_is_verified, unknown_kind]);
}

/// `for_each` with one image in each block must not take a request for each.
fn blocks_that_are_read_together_share_the_lookup(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_image_constraints" "web" {
  for_each   = toset([for number in range(10) : "img-mine-${number}"])
  ids        = [each.value]
  on_missing = "verify"
}
"#;
    let with_images = |options: &mut Options| {
        for number in 0..10 {
            let image = Image::default().from_source(Source::Private);
            options.catalogue.insert("cn-north-1", &format!("img-mine-{number}"), image);
        }
    };
    let case = Case::build(protocol, hcl).emulator(with_images).init();
    case.plan().warned_of(&[]);
    let operations = case.emulator().calls().into_iter().filter_map(|call| call.operation);
    let lookups = operations.filter(|operation| operation == "describeImages").count();
    // All ten at once, unless the machine is busy.
    assert!((1..=4).contains(&lookups), "{lookups} requests");
}
