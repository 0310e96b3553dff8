//! The results of `jdcloud_image_constraints`.

use jdcloud_emulator::{Catalogue, Credentials, Emulator, Options, WithoutIds};
use serde_json::json;

use crate::harness::{Case, Expected, Protocol, cases, same};

cases!(
    an_empty_set_of_ids_needs_no_request_and_no_credentials,
    omitted_ids_read_the_whole_region,
    ids_are_sent_exactly_as_written,
    duplicate_ids_are_requested_once,
    missing_and_private_images_are_ignored_by_default,
    missing_and_private_images_can_be_a_warning,
    missing_and_private_images_can_be_an_error,
    included_types_are_in_a_map_of_their_own,
    an_unknown_kind_is_returned_with_a_warning,
    an_unknown_kind_in_the_region_gives_a_warning,
    null_constraints_count_as_no_constraint,
    for_each_reads_each_image,
    concurrent_reads_do_not_mix_their_results,
    many_ids_are_requested_in_batches,
    a_refused_id_fails_only_its_own_read,
    aliases_have_their_own_keys_and_endpoints,
    each_region_has_its_own_results,
    the_region_of_a_block_overrides_the_providers,
);

fn an_empty_set_of_ids_needs_no_request_and_no_credentials(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_image_constraints" "web" {
  region = "cn-north-1"
  ids    = [for id in [] : id]
}
output "web" {
  value = data.jdcloud_image_constraints.web
}
"#;
    let case = Case::build(protocol, hcl).without_settings().init();
    let expected = json!({
        // The beginning of the SHA-256 of nothing.
        "id": "cn-north-1/e3b0c44298fc",
        "region": "cn-north-1",
        "ids": [],
        "on_missing": null,
        "image_constraints": [],
        "excluded_instance_types": {},
        "included_instance_types": {},
        "missing_ids": [],
    });
    same(&case.planned_outputs()["web"], &expected, "an empty list has another result");
    assert_eq!(case.emulator().counters().calls, 0, "an empty list needs no request");
}

fn omitted_ids_read_the_whole_region(protocol: Protocol) {
    let case = Case::new(
        protocol,
        r#"
data "jdcloud_image_constraints" "all" {
  region = "cn-east-2"
}
output "all" {
  value = data.jdcloud_image_constraints.all
}
"#,
    );
    let expected = json!({
        "id": "cn-east-2",
        "region": "cn-east-2",
        "ids": null,
        "on_missing": null,
        "image_constraints": [
            {"image_id": "img-east", "constraints_type": "includes", "instance_types": ["g.n3.large", "g.n3.xlarge"]},
            {"image_id": "img-ubuntu2204", "constraints_type": "excludes", "instance_types": ["s.i3f.metal"]},
        ],
        "excluded_instance_types": {"img-east": null, "img-ubuntu2204": ["s.i3f.metal"]},
        "included_instance_types": {"img-east": ["g.n3.large", "g.n3.xlarge"]},
        "missing_ids": [],
    });
    same(&case.planned_outputs()["all"], &expected, "the constraints of the whole region are missing");
    let counters = case.emulator().counters();
    assert_eq!(
        (counters.calls, counters.without_ids),
        (1, 1),
        "the whole region needs more than one request"
    );
}

fn ids_are_sent_exactly_as_written(protocol: Protocol) {
    let ids = ["a%20b", "a&b=c", "a+b", "a/b?c#d", "img-~_.", "镜像"];
    let case = Case::new(
        protocol,
        &format!(
            "data \"jdcloud_image_constraints\" \"web\" {{\n  ids = {}\n}}\n\
             output \"missing\" {{\n  value = data.jdcloud_image_constraints.web.missing_ids\n}}\n",
            json!(ids)
        ),
    );
    same(&case.planned_outputs()["missing"], &json!(ids), "an id was changed");
    let calls = case.emulator().calls();
    // The listing and the check follow.
    let [call, ..] = &calls[..] else { panic!("no call") };
    let mut requested = call.ids.clone();
    requested.sort();
    assert_eq!(requested, ids, "other ids were requested");
}

fn duplicate_ids_are_requested_once(protocol: Protocol) {
    let case = Case::new(
        protocol,
        "data \"jdcloud_image_constraints\" \"web\" {\n  ids = [\"img-free\", \"img-free\"]\n}\n",
    );
    case.plan().warned_of(&[]);
    assert_eq!(case.emulator().calls()[0].ids, ["img-free"], "an id was requested twice");
}

/// A block with two images that JD Cloud does not return, and one that it does.
fn with_missing(protocol: Protocol, on_missing: &str) -> Case {
    Case::new(
        protocol,
        &format!(
            r#"
data "jdcloud_image_constraints" "web" {{
  ids = ["img-ubuntu2204", "img-typo", "img-private"]
  {on_missing}
}}
output "missing" {{
  value = data.jdcloud_image_constraints.web.missing_ids
}}
output "excluded" {{
  value = data.jdcloud_image_constraints.web.excluded_instance_types
}}
"#
        ),
    )
}

fn missing_and_private_images_are_ignored_by_default(protocol: Protocol) {
    for on_missing in ["", "on_missing = \"ignore\"", "on_missing = null"] {
        let case = with_missing(protocol, on_missing);
        case.plan().warned_of(&[]);
        let outputs = case.planned_outputs();
        same(&outputs["missing"], &json!(["img-private", "img-typo"]), "missing images are not listed");
        same(&outputs["excluded"]["img-typo"], &json!([]), "a missing image has no key in the map");
        same(&outputs["excluded"]["img-private"], &json!([]), "a private image has no key in the map");
    }
}

const RETURNED_NOTHING: &str = "JD Cloud returned no constraint in cn-north-1 for img-private, img-typo. These are images \
                                without a constraint, such as private images, or IDs that don't exist there; the response does not distinguish them.";

fn missing_and_private_images_can_be_a_warning(protocol: Protocol) {
    let case = with_missing(protocol, "on_missing = \"warn\"");
    case.plan().warned_of(&[Expected {
        summary: "Image IDs not returned",
        says: &[
            RETURNED_NOTHING,
            "Set on_missing to \"verify\" to check whether they exist, or to \"ignore\"",
        ],
        at: "ids = [\"img-ubuntu2204\", \"img-typo\", \"img-private\"]",
    }]);
    same(
        &case.planned_outputs()["missing"],
        &json!(["img-private", "img-typo"]),
        "a result with a warning is incomplete",
    );
}

fn missing_and_private_images_can_be_an_error(protocol: Protocol) {
    with_missing(protocol, "on_missing = \"error\"").plan().refused_with(&[Expected {
        summary: "Image IDs not returned",
        says: &[RETURNED_NOTHING, "Correct the ids, or set on_missing to \"verify\""],
        at: "ids = [\"img-ubuntu2204\", \"img-typo\", \"img-private\"]",
    }]);
}

fn included_types_are_in_a_map_of_their_own(protocol: Protocol) {
    let case = Case::new(
        protocol,
        r#"
data "jdcloud_image_constraints" "web" {
  ids = ["img-gpu", "img-includes-none", "img-excludes-none"]
}
output "web" {
  value = data.jdcloud_image_constraints.web
}
output "rule_for_both" {
  value = { for id in data.jdcloud_image_constraints.web.ids : id => try(
    contains(data.jdcloud_image_constraints.web.included_instance_types[id], "p.c1p40.large"),
    !contains(data.jdcloud_image_constraints.web.excluded_instance_types[id], "p.c1p40.large"),
  ) }
}
"#,
    );
    let outputs = case.planned_outputs();
    let web = &outputs["web"];
    same(
        &web["included_instance_types"],
        &json!({"img-gpu": ["p.c1p40.large", "p.c1p40g.large"], "img-includes-none": []}),
        "the included types are missing",
    );
    same(
        &web["excluded_instance_types"],
        &json!({"img-excludes-none": [], "img-gpu": null, "img-includes-none": null}),
        "an image with included types looks as if it excluded nothing",
    );
    same(
        &web["image_constraints"],
        &json!([
            {"image_id": "img-excludes-none", "constraints_type": "excludes", "instance_types": []},
            {"image_id": "img-gpu", "constraints_type": "includes", "instance_types": ["p.c1p40.large", "p.c1p40g.large"]},
            {"image_id": "img-includes-none", "constraints_type": "includes", "instance_types": []},
        ]),
        "the constraints are not what JD Cloud returned",
    );
    same(
        &outputs["rule_for_both"],
        &json!({"img-excludes-none": true, "img-gpu": true, "img-includes-none": false}),
        "a rule on both maps decides wrongly",
    );
}

const UNKNOWN_KIND: Expected<'_> = Expected {
    summary: "Constraint of an unknown kind",
    says: &[
        "JD Cloud returned constraints of a kind that this version of the provider does not know: img-sometimes (\"sometimes\").",
        "excluded_instance_types is null for these images",
        "Look for a newer version of the provider.",
    ],
    at: "data \"jdcloud_image_constraints\" \"web\"",
};

fn an_unknown_kind_is_returned_with_a_warning(protocol: Protocol) {
    let case = Case::new(
        protocol,
        r#"
data "jdcloud_image_constraints" "web" {
  ids = ["img-sometimes"]
}
output "web" {
  value = data.jdcloud_image_constraints.web
}
"#,
    );
    case.plan().warned_of(&[UNKNOWN_KIND]);
    let outputs = case.planned_outputs();
    let web = &outputs["web"];
    same(
        &web["excluded_instance_types"],
        &json!({"img-sometimes": null}),
        "an unknown kind looks like no constraint",
    );
    same(&web["included_instance_types"], &json!({}), "an unknown kind was treated as includes");
    same(&web["missing_ids"], &json!([]), "an image with a constraint counts as missing");
    same(
        &web["image_constraints"],
        &json!([{"image_id": "img-sometimes", "constraints_type": "sometimes", "instance_types": ["g.n4.large"]}]),
        "a constraint of an unknown kind is lost",
    );
}

fn an_unknown_kind_in_the_region_gives_a_warning(protocol: Protocol) {
    let case = Case::new(protocol, "data \"jdcloud_image_constraints\" \"web\" {}\n");
    case.plan().warned_of(&[UNKNOWN_KIND]);
}

fn null_constraints_count_as_no_constraint(protocol: Protocol) {
    let case = Case::new(
        protocol,
        r#"
data "jdcloud_image_constraints" "web" {
  ids = ["img-null", "img-nulllist"]
}
output "web" {
  value = data.jdcloud_image_constraints.web
}
output "loop" {
  value = flatten([for types in values(data.jdcloud_image_constraints.web.excluded_instance_types) : types])
}
"#,
    );
    let outputs = case.planned_outputs();
    let web = &outputs["web"];
    same(
        &web["excluded_instance_types"],
        &json!({"img-null": [], "img-nulllist": []}),
        "an image without exclusions can't be looped over",
    );
    same(
        &web["image_constraints"],
        &json!([{"image_id": "img-nulllist", "constraints_type": "excludes", "instance_types": []}]),
        "null lists reach the configuration",
    );
    same(&web["missing_ids"], &json!([]), "an image with a null constraint counts as missing");
    same(&outputs["loop"], &json!([]), "a loop over the map fails");
}

fn for_each_reads_each_image(protocol: Protocol) {
    let case = Case::new(
        protocol,
        r#"
data "jdcloud_image_constraints" "each" {
  for_each = toset(["img-ubuntu2204", "img-gpu", "img-free", "img-typo"])
  ids      = [each.key]
}
output "excluded" {
  value = { for id, asked in data.jdcloud_image_constraints.each : id => asked.excluded_instance_types[id] }
}
"#,
    );
    same(
        &case.planned_outputs()["excluded"],
        &json!({
            "img-free": [],
            "img-gpu": null,
            "img-typo": [],
            "img-ubuntu2204": ["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"],
        }),
        "an image got the result of another",
    );
    let calls = case.emulator().counters().calls;
    assert!((1..=4).contains(&calls), "4 blocks cost {calls} calls");
}

fn concurrent_reads_do_not_mix_their_results(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_image_constraints" "each" {
  for_each = toset([for number in range(1, 61) : format("img-%010d", number)])
  ids      = [each.key]
}
output "asked" {
  value = { for id, asked in data.jdcloud_image_constraints.each : id => asked.image_constraints }
}
"#;
    let images = Catalogue::generated(60, 3);
    let case = Case::build(protocol, hcl).emulator(|options| options.catalogue = images).init();
    let outputs = case.planned_outputs();
    for number in 1..=60 {
        let id = format!("img-{number:010}");
        let asked = &outputs["asked"][&id];
        let [constraint] = &asked.as_array().unwrap()[..] else {
            panic!("not one constraint for {id}: {asked:#}")
        };
        assert_eq!(constraint["image_id"], id, "an image got the result of another");
        let first = format!("g.n{}.{number}xlarge", number % 9);
        let types = constraint["instance_types"].as_array().unwrap();
        assert!(types.contains(&json!(first)), "{id} got another image's types: {asked:#}");
    }
    let calls = case.emulator().counters().calls;
    assert!((1..=60).contains(&calls), "60 blocks cost {calls} calls");
}

fn many_ids_are_requested_in_batches(protocol: Protocol) {
    let hcl = r#"
variable "batch_size" {
  type = number
}
provider "jdcloud" {
  batch_size = var.batch_size
}
data "jdcloud_image_constraints" "many" {
  ids = [for number in range(1, 1001) : format("img-%010d", number)]
}
output "many" {
  value = data.jdcloud_image_constraints.many
}
"#;
    let mut case = Case::build(protocol, hcl)
        .emulator(|options| options.catalogue = Catalogue::generated(999, 3))
        .init();
    // One request more asks for the missing image alone, unless its first one was sent with known images, after a response.
    for (batch_size, calls) in [("100", 10..=11), ("350", 3..=4)] {
        case.set("TF_VAR_batch_size", batch_size);
        case.emulator().reset();
        let outputs = case.planned_outputs();
        let many = &outputs["many"];
        assert_eq!(many["image_constraints"].as_array().unwrap().len(), 999, "rows of a batch are lost");
        assert_eq!(
            many["excluded_instance_types"].as_object().unwrap().len(),
            1000,
            "rows of a batch are lost"
        );
        same(&many["missing_ids"], &json!(["img-0000001000"]), "a batch's missing image is lost");
        let count = case.emulator().counters().calls;
        assert!(calls.contains(&count), "{count} calls in batches of {batch_size}");
    }
}

fn a_refused_id_fails_only_its_own_read(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_image_constraints" "each" {
  for_each = toset(["img-ubuntu2204", "img-gpu", "img-free", "img-poison"])
  ids      = [each.key]
}
"#;
    let poison = |options: &mut Options| options.scenario.poisoned_ids = vec!["img-poison".to_owned()];
    let case = Case::build(protocol, hcl).emulator(poison).init();
    let refused = case.plan();
    refused.refused_with(&[Expected {
        summary: "JD Cloud refused the request",
        says: &["for 1 image (img-poison)", "HTTP 400"],
        at: "data \"jdcloud_image_constraints\" \"each\"",
    }]);
    let errors = refused.diagnostics().of_severity("error");
    assert_eq!(errors.0[0].address, "data.jdcloud_image_constraints.each[\"img-poison\"]", "{errors}");
}

fn aliases_have_their_own_keys_and_endpoints(protocol: Protocol) {
    let mut options =
        Options { credentials: vec![Credentials::new("other-key", "other-secret")], ..Options::default() };
    let image = jdcloud_emulator::Image::excludes(&["of.another.account"]);
    options.catalogue.insert("cn-north-1", "img-ubuntu2204", image);
    let other = Emulator::start(options).unwrap();
    let hcl = r#"
variable "endpoint" {}
provider "jdcloud" {}
provider "jdcloud" {
  alias       = "other"
  access_key  = "other-key"
  secret_key  = "other-secret"
  vm_endpoint = var.endpoint
}
data "jdcloud_image_constraints" "own" {
  ids = ["img-ubuntu2204"]
}
data "jdcloud_image_constraints" "other" {
  provider = jdcloud.other
  ids      = ["img-ubuntu2204"]
}
output "own" {
  value = data.jdcloud_image_constraints.own.excluded_instance_types["img-ubuntu2204"]
}
output "other" {
  value = data.jdcloud_image_constraints.other.excluded_instance_types["img-ubuntu2204"]
}
"#;
    let case = Case::build(protocol, hcl).variable("TF_VAR_endpoint", other.url()).init();
    same(
        &case.planned_outputs(),
        &json!({"own": ["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"], "other": ["of.another.account"]}),
        "the constraints are those of another account",
    );
    assert_eq!((case.emulator().counters().calls, other.counters().calls), (1, 1));
}

fn each_region_has_its_own_results(protocol: Protocol) {
    let case = Case::new(
        protocol,
        r#"
data "jdcloud_image_constraints" "north" {
  ids = ["img-ubuntu2204"]
}
data "jdcloud_image_constraints" "east" {
  region = "cn-east-2"
  ids    = ["img-ubuntu2204"]
}
output "north" {
  value = data.jdcloud_image_constraints.north.excluded_instance_types["img-ubuntu2204"]
}
output "east" {
  value = data.jdcloud_image_constraints.east.excluded_instance_types["img-ubuntu2204"]
}
"#,
    );
    same(
        &case.planned_outputs(),
        &json!({"north": ["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"], "east": ["s.i3f.metal"]}),
        "the constraints are those of another region",
    );
    let counters = case.emulator().counters();
    assert_eq!(counters.per_region, [("cn-east-2".to_owned(), 1), ("cn-north-1".to_owned(), 1)].into());
}

fn the_region_of_a_block_overrides_the_providers(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_image_constraints" "east" {
  region = "cn-east-2"
  ids    = ["img-east"]
}
output "region" {
  value = data.jdcloud_image_constraints.east.region
}
"#;
    let case = Case::build(protocol, hcl)
        .without(&["JDCLOUD_REGION"])
        .emulator(|options| options.scenario.without_ids = WithoutIds::Refused)
        .init();
    assert_eq!(case.planned_outputs()["region"], "cn-east-2");
}
