//! `jdcloud_instance_types`: the types that are found, and the zones where they are in stock.

use jdcloud_emulator::Scenario;
use serde_json::{Value, json};

use crate::harness::{Case, Expected, Protocol, cases, same};

cases!(
    types_in_stock_are_found_smallest_first,
    names_find_types_whether_they_are_in_stock_or_not,
    local_disks_and_burstable_types_are_told_apart,
    an_empty_set_needs_no_request_and_no_credentials,
    blocks_with_other_filters_share_one_call,
    each_plan_reads_the_stock,
    invalid_arguments_are_found_by_validate,
);
mod with_functions {
    use super::*;
    cases!(Functions: the_smallest_type_that_an_image_supports_is_found);
}
mod with_data {
    use super::*;
    cases!(TerraformData: an_unknown_zone_leaves_everything_unknown_until_apply);
}
mod with_mocks {
    use super::*;
    cases!(Mocks: mocked_types_reach_the_lists);
}

fn block(arguments: &str) -> String {
    format!(
        "data \"jdcloud_instance_types\" \"small\" {{\n  region = \"cn-east-1\"\n  {arguments}\n}}\n\
         output \"small\" {{\n  value = data.jdcloud_instance_types.small\n}}\n\
         output \"names\" {{\n  value = data.jdcloud_instance_types.small.instance_type_names\n}}\n"
    )
}

fn types_in_stock_are_found_smallest_first(protocol: Protocol) {
    let arguments = "zones = [\"cn-east-1a\", \"cn-east-1b\"]\n  in_stock = true\n  min_cpu = 2\n  \
                     min_memory_mb = 4096\n  architecture = \"x86_64\"\n  families = [\"c.n\", \"g.n\"]";
    let case = Case::new(protocol, &block(arguments));
    let outputs = case.planned_outputs();
    let types = outputs["small"]["instance_types"].as_array().unwrap();
    assert!(types.len() > 5, "{types:#?}");
    let number = |one: &Value, name: &str| one[name].as_i64().unwrap();
    for one in types {
        assert!(number(one, "cpu") >= 2 && number(one, "memory_mb") >= 4096, "too small: {one}");
        assert!(["c.n", "g.n"].contains(&one["family"].as_str().unwrap()), "another family: {one}");
        let zones = one["zones"].as_array().unwrap();
        for az in ["cn-east-1a", "cn-east-1b"] {
            assert!(zones.contains(&json!({"az": az, "in_stock": true})), "sold out in {az}: {one}");
        }
    }
    let key = |one: &Value| (number(one, "cpu"), number(one, "memory_mb"), -number(one, "generation"));
    assert!(types.is_sorted_by_key(key), "the smallest type is not the first: {types:#?}");
    let names: Vec<_> = types.iter().map(|one| one["instance_type"].clone()).collect();
    same(&outputs["names"], &json!(names), "the names are in another order");
    // c.n4.large is sold out in zone a.
    same(&names[0], &json!("c.n3.large"), "a type that is sold out is offered");
    same(
        &outputs["small"]["region_zones"],
        &json!(["cn-east-1a", "cn-east-1b", "cn-east-1c"]),
        "a zone of the region is not listed",
    );
}

fn names_find_types_whether_they_are_in_stock_or_not(protocol: Protocol) {
    let case = Case::new(protocol, &block("names = [\"p.n1.2xlarge\", \"nonsense\"]"));
    let outputs = case.planned_outputs();
    let sold_out = |zone: char| json!({"az": format!("cn-east-1{zone}"), "in_stock": false});
    let expected = json!([{
        "instance_type": "p.n1.2xlarge",
        "family": "p.n",
        "generation": 1,
        "cpu": 8,
        "memory_mb": 65536,
        "architecture": null,
        "nic_limit": 4,
        "cloud_disk_count_limit": 8,
        "cloud_disk_types": ["hdd.std1", "ssd.gp1", "ssd.io1"],
        "zones": [sold_out('a'), sold_out('b'), sold_out('c')],
        "gpu_model": "Nvidia Tesla P40",
        "gpu_count": 1,
        "local_disks": [],
        "burstable": false,
        "description": "",
    }]);
    same(&outputs["small"]["instance_types"], &expected, "an attribute differs from JD Cloud's response");
    case.write("main.tf", &block("names = [\"p.n1.2xlarge\"]\n  in_stock = true"));
    same(&case.planned_outputs()["names"], &json!([]), "a type that is sold out everywhere is offered");
}

fn local_disks_and_burstable_types_are_told_apart(protocol: Protocol) {
    let case = Case::new(protocol, &block("names = [\"g.s1.small\", \"s.i2.xlarge\"]"));
    let types = &case.planned_outputs()["small"]["instance_types"];
    let of = |one: &Value| json!([one["instance_type"], one["burstable"], one["local_disks"]]);
    let nvme = json!([{"disk_type": "nvme", "disk_size_gb": 1862}]);
    same(&of(&types[0]), &json!(["g.s1.small", true, []]), "a burstable type looks like another");
    same(&of(&types[1]), &json!(["s.i2.xlarge", false, nvme]), "a local disk is lost");
}

fn an_empty_set_needs_no_request_and_no_credentials(protocol: Protocol) {
    let case = Case::build(protocol, "").without_settings().init();
    for argument in ["names", "zones", "families"] {
        case.write("main.tf", &block(&format!("{argument} = []")));
        let outputs = case.planned_outputs();
        same(&outputs["names"], &json!([]), "an empty set filters nothing");
        same(&outputs["small"]["region_zones"], &json!([]), "an empty set needs no request");
    }
    assert_eq!(case.emulator().counters().calls, 0, "an empty set needs no request");
}

fn blocks_with_other_filters_share_one_call(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_instance_types" "of" {
  for_each = toset(["g.n", "c.n", "m.n", "g.r"])
  families = [each.key]
}
output "count" {
  value = { for family, types in data.jdcloud_instance_types.of : family => length(types.instance_type_names) }
}
"#;
    let case = Case::new(protocol, hcl);
    let expected = json!({"c.n": 29, "g.n": 29, "g.r": 12, "m.n": 29});
    same(&case.planned_outputs()["count"], &expected, "types of a family are lost");
    assert_eq!(case.emulator().counters().calls, 1, "the blocks do not share a request");
}

fn each_plan_reads_the_stock(protocol: Protocol) {
    let case = Case::new(
        protocol,
        &block("names = [\"c.n3.large\"]\n  zones = [\"cn-east-1a\"]\n  in_stock = true"),
    );
    case.emulator().set_scenario(Scenario { stock_changes: true, ..Scenario::default() });
    let first = case.planned_outputs()["names"].clone();
    let second = case.planned_outputs()["names"].clone();
    assert_ne!(first, second, "a plan used the stock of another plan");
}

fn invalid_arguments_are_found_by_validate(protocol: Protocol) {
    let case = Case::build(protocol, "").without_settings().init();
    for (arguments, summary, says) in [
        ("min_cpu = -1", "Invalid number", "min_cpu must be a whole number of at least 0, not -1."),
        ("min_cpu = 1e20", "Invalid number", "min_cpu is too large: 100000000000000000000."),
        ("min_cpu = 1e300", "Invalid number", "is too large: 1000000000000000000000000000000000000000…."),
        (
            "min_cpu = 1e5000",
            "Invalid number",
            "min_cpu can't be used: the number has more than 4096 digits.",
        ),
        ("min_memory_mb = 1.5", "Invalid number", "not 1.5"),
        ("min_cpu = \"many\"", "Incorrect attribute value type", "a number is required"),
        ("architecture = \"\"", "Empty argument", "architecture is an empty string"),
        ("names = [\"img-ubuntu2204\"]", "Invalid instance type", "(looks like an image ID)"),
        ("names = [\"\"]", "Invalid instance type", "\"\" (empty)"),
        ("zones = [\"cn-east-1a \"]", "Invalid zone", "(white space)"),
        ("families = [null]", "Invalid family", "null (not set)"),
        ("zones = \"cn-east-1a\"", "Incorrect attribute value type", "set of string required"),
        ("region = \"\"", "Invalid region", "\"\""),
        ("region_zones = []", "Read-only attribute", "\"region_zones\" is set by the provider"),
    ] {
        case.write("main.tf", &format!("data \"jdcloud_instance_types\" \"small\" {{\n  {arguments}\n}}\n"));
        case.run(&["validate", "-json"]).refused_with(&[Expected { summary, says: &[says], at: arguments }]);
    }
}

fn the_smallest_type_that_an_image_supports_is_found(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_image_constraints" "web" {
  region = "cn-east-1"
  ids    = ["img-centos79a"]
}
data "jdcloud_instance_types" "small" {
  region   = "cn-east-1"
  zones    = ["cn-east-1b"]
  in_stock = true
  min_cpu  = 2
  families = ["c.n"]
}
output "all" {
  value = data.jdcloud_instance_types.small.instance_type_names[0]
}
output "supported" {
  value = provider::jdcloud::filter_instance_types(
    data.jdcloud_image_constraints.web, "img-centos79a", data.jdcloud_instance_types.small.instance_type_names)[0]
}
"#;
    let case = Case::new(protocol, hcl);
    let outputs = case.planned_outputs();
    // The image is older than the fourth generation.
    same(&outputs["all"], &json!("c.n4.large"), "the newest of the smallest types is not the first");
    same(&outputs["supported"], &json!("c.n3.large"), "a type that the image excludes is offered");
    assert_eq!(case.emulator().counters().calls, 2, "two blocks need more than two requests");
}

fn an_unknown_zone_leaves_everything_unknown_until_apply(protocol: Protocol) {
    let hcl = format!(
        "resource \"terraform_data\" \"zone\" {{\n  input = \"cn-east-1c\"\n}}\n{}",
        block("names = [\"c.n4.large\"]\n  zones = [terraform_data.zone.output]\n  in_stock = true")
    );
    let case = Case::new(protocol, &hcl);
    let plan = case.planned();
    assert_eq!(case.emulator().counters().calls, 0, "a plan made a request with an unknown argument");
    let small = &plan["output_changes"]["small"];
    for name in ["id", "instance_type_names", "instance_types", "region_zones"] {
        assert_eq!(small["after_unknown"][name], true, "a plan claims to know {name}: {small:#}");
    }
    case.apply().succeeded();
    same(&case.outputs()["names"], &json!(["c.n4.large"]), "an apply did not read");
}

fn mocked_types_reach_the_lists(protocol: Protocol) {
    let test = r#"
mock_provider "jdcloud" {
  mock_data "jdcloud_instance_types" {
    defaults = {
      instance_type_names = ["g.n3.large"]
      instance_types      = [{ instance_type = "g.n3.large", cpu = 2, zones = [{ az = "cn-east-1a", in_stock = true }] }]
    }
  }
}
run "mocked" {
  assert {
    condition     = output.names[0] == "g.n3.large" && output.small.instance_types[0].zones[0].in_stock
    error_message = "the lists are not the mocked ones"
  }
}
"#;
    let case = Case::build(protocol, &block("")).without_settings().file("web.tftest.hcl", test).init();
    case.text(&["test"]).shows("Success! 1 passed, 0 failed.");
    assert_eq!(case.emulator().counters().calls, 0, "a test with mocks called JD Cloud");
}
