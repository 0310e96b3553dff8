//! `jdcloud_images`: the images that are found, and the number of requests.

use jdcloud_emulator::{Answer, Catalogue, Paging, Scenario};
use serde_json::json;

use crate::harness::{Case, Expected, Protocol, cases, same};

cases!(
    images_of_a_source_are_found_newest_first,
    ids_find_images_of_any_source_and_state,
    an_empty_set_of_ids_needs_no_request_and_no_credentials,
    delisted_images_are_found_only_with_offline,
    an_absent_property_matches_no_filter,
    no_match_is_an_empty_list,
    many_images_are_read_page_by_page_and_once,
    inconsistent_pages_are_an_error_or_a_complete_list,
    the_missing_permission_is_named,
    a_404_of_a_known_region_does_not_blame_the_region,
    invalid_arguments_are_found_by_validate,
);
mod with_data {
    use super::*;
    cases!(TerraformData: an_unknown_argument_leaves_everything_unknown_until_apply);
}
mod with_mocks {
    use super::*;
    cases!(Mocks: mocked_images_reach_the_lists);
}

fn block(arguments: &str) -> String {
    format!(
        "data \"jdcloud_images\" \"web\" {{\n  region = \"cn-east-1\"\n  {arguments}\n}}\n\
         output \"web\" {{\n  value = data.jdcloud_images.web\n}}\n\
         output \"ids\" {{\n  value = data.jdcloud_images.web.image_ids\n}}\n"
    )
}

fn images_of_a_source_are_found_newest_first(protocol: Protocol) {
    let arguments = "image_source = \"public\"\n  platform = \"Ubuntu\"\n  os_version = \"22.04\"\n  \
                     architecture = \"x86_64\"";
    let case = Case::new(protocol, &block(arguments));
    let outputs = case.planned_outputs();
    same(
        &outputs["ids"],
        &json!(["img-ubuntu2204c", "img-ubuntu2204b"]),
        "the newest image is not the first",
    );
    let mut web = outputs["web"].clone();
    web["images"].as_array_mut().unwrap().truncate(1);
    let expected = json!({
        "id": web["id"],
        "region": "cn-east-1",
        "ids": null,
        "image_source": "public",
        "platform": "Ubuntu",
        "os_version": "22.04",
        "name": null,
        "architecture": "x86_64",
        "status": null,
        "offline": null,
        "image_ids": ["img-ubuntu2204c", "img-ubuntu2204b"],
        "images": [{
            "image_id": "img-ubuntu2204c",
            "name": "Ubuntu 22.04 64位",
            "platform": "Ubuntu",
            "os_version": "22.04",
            "os_type": "linux",
            "architecture": "x86_64",
            "image_source": "public",
            "status": "ready",
            "offline": false,
            "create_time": "2024-09-12 17:31:48",
            "expired_time": "",
            "description": "",
            "system_disk_size_gb": 40,
            "size_mb": 0,
            "root_device_type": "cloudDisk",
            "boot_mode": "bios",
            "owner_pin": "admin",
            "launch_permission": "all",
        }],
        "missing_ids": [],
    });
    same(&web, &expected, "an attribute differs from JD Cloud's response");
    assert!(web["id"].as_str().unwrap().starts_with("cn-east-1/"), "{}", web["id"]);
    assert_eq!(case.emulator().counters().calls, 1, "a page was read twice");
}

fn ids_find_images_of_any_source_and_state(protocol: Protocol) {
    let ids = "ids = [\"img-typo\", \"img-ubuntu2204a\", \"img-mine-new\", \"img-community-arch\"]";
    let case = Case::new(protocol, &block(ids));
    let outputs = case.planned_outputs();
    let expected = json!(["img-mine-new", "img-community-arch", "img-ubuntu2204a"]);
    same(&outputs["ids"], &expected, "an image that exists is not found by its id");
    same(&outputs["web"]["missing_ids"], &json!(["img-typo"]), "an id with a typing error is not missing");
    let images = &outputs["web"]["images"];
    same(&images[0]["status"], &json!("pending"), "an image that is not ready looks as if it were");
    same(&images[0]["offline"], &json!(null), "a missing property is not null");
    same(&images[2]["offline"], &json!(true), "a delisted image is not marked");
    assert_eq!(case.emulator().counters().calls, 2, "the id that is missing is requested once more");
}

fn an_empty_set_of_ids_needs_no_request_and_no_credentials(protocol: Protocol) {
    let case = Case::build(protocol, &block("ids = []")).without_settings().init();
    let outputs = case.planned_outputs();
    same(&outputs["ids"], &json!([]), "an empty list has another result");
    same(&outputs["web"]["images"], &json!([]), "an empty list has another result");
    assert_eq!(case.emulator().counters().calls, 0, "an empty list needs no request");
}

fn delisted_images_are_found_only_with_offline(protocol: Protocol) {
    let case = Case::new(protocol, "");
    for (offline, expected) in [
        ("", json!(["img-ubuntu2204c", "img-ubuntu2204b"])),
        ("offline = false", json!(["img-ubuntu2204c", "img-ubuntu2204b"])),
        ("offline = true", json!(["img-ubuntu2204a"])),
    ] {
        let arguments = format!(
            "image_source = \"public\"\n  os_version = \"22.04\"\n  architecture = \"x86_64\"\n  {offline}"
        );
        case.write("main.tf", &block(&arguments));
        same(&case.planned_outputs()["ids"], &expected, offline);
    }
}

fn an_absent_property_matches_no_filter(protocol: Protocol) {
    let case = Case::new(protocol, &block("image_source = \"thirdparty\"\n  platform = \"Other Linux\""));
    let outputs = case.planned_outputs();
    same(&outputs["ids"], &json!(["img-firewall"]), "an image without an architecture is not found");
    same(&outputs["web"]["images"][0]["architecture"], &json!(null), "an architecture was guessed");
    let arguments =
        "image_source = \"thirdparty\"\n  platform = \"Other Linux\"\n  architecture = \"x86_64\"";
    case.write("main.tf", &block(arguments));
    same(&case.planned_outputs()["ids"], &json!([]), "an architecture was guessed");
}

fn no_match_is_an_empty_list(protocol: Protocol) {
    for arguments in [
        "image_source = \"public\"\n  os_version = \"22\"",
        "image_source = \"public\"\n  name = \"Ubuntu\"",
        "image_source = \"public\"\n  status = \"pending\"",
        "image_source = \"public\"\n  platform = \"ubuntu\"",
    ] {
        let case = Case::new(protocol, &block(arguments));
        case.plan().warned_of(&[]);
        same(&case.planned_outputs()["ids"], &json!([]), arguments);
    }
}

fn many_images_are_read_page_by_page_and_once(protocol: Protocol) {
    let hcl = r#"
data "jdcloud_images" "all" {
  for_each     = toset(["a", "b", "c", "d"])
  image_source = "public"
}
output "count" {
  value = { for key, images in data.jdcloud_images.all : key => length(images.image_ids) }
}
"#;
    let catalogue = Catalogue::generated(250, 1);
    let case = Case::build(protocol, hcl).emulator(|options| options.catalogue = catalogue).init();
    let expected = json!({"a": 250, "b": 250, "c": 250, "d": 250});
    same(&case.planned_outputs()["count"], &expected, "images of later pages are lost");
    assert_eq!(case.emulator().counters().calls, 3, "four equal blocks need more requests than one");
}

fn inconsistent_pages_are_an_error_or_a_complete_list(protocol: Protocol) {
    let catalogue = Catalogue::generated(250, 1);
    let hcl = "data \"jdcloud_images\" \"all\" {\n  image_source = \"public\"\n}\n\
               output \"count\" {\n  value = length(data.jdcloud_images.all.image_ids)\n}\n";
    let case = Case::build(protocol, hcl).emulator(|options| options.catalogue = catalogue).init();
    for paging in [Paging::ShrinkingTotal, Paging::Overlap] {
        case.emulator().set_scenario(Scenario { paging, ..Scenario::default() });
        same(&case.planned_outputs()["count"], &json!(250), "images are lost or there twice");
    }
    for paging in [Paging::EmptyEarly, Paging::FirstPage, Paging::GrowingTotal] {
        case.emulator().set_scenario(Scenario { paging, ..Scenario::default() });
        case.plan().refused_with(&[Expected {
            summary: "JD Cloud's list is incomplete",
            says: &["The incomplete list was not used.", "describeImages for images with imageSource=public"],
            at: "",
        }]);
    }
}

fn a_404_of_a_known_region_does_not_blame_the_region(protocol: Protocol) {
    let case = Case::new(protocol, &block("image_source = \"public\""));
    case.emulator().set_scenario(Scenario { fail_first: 1, fail_status: 404, ..Scenario::default() });
    case.plan().refused_with(&[Expected {
        summary: "JD Cloud found nothing at this address",
        says: &["There is no describeImages in cn-east-1. Run Terraform again later. Check that JDCLOUD_VM_ENDPOINT is the endpoint"],
        at: "data \"jdcloud_images\" \"web\"",
    }]);
}

fn the_missing_permission_is_named(protocol: Protocol) {
    let case = Case::new(protocol, &block("image_source = \"public\""));
    case.emulator().set_scenario(Scenario { answer: Answer::PermissionDenied, ..Scenario::default() });
    case.plan().refused_with(&[Expected {
        summary: "JD Cloud denies the permission",
        says: &["is not allowed to call describeImages"],
        at: "",
    }]);
}

fn invalid_arguments_are_found_by_validate(protocol: Protocol) {
    let case = Case::build(protocol, "").without_settings().init();
    for (arguments, summary, says, at) in [
        ("", "Image source missing", "public, thirdparty, private, shared and community", ""),
        ("image_source = \"\"", "Empty argument", "image_source is an empty string", "image_source"),
        ("image_source = \"marketplace\"", "Invalid image source", "not \"marketplace\"", "image_source"),
        ("image_source = [\"public\"]", "Incorrect attribute value type", "string required", "image_source"),
        (
            "ids = []\n  platform = \"Ubuntu\"",
            "Conflicting arguments",
            "platform can't be combined",
            "platform",
        ),
        ("ids = [\"a\"]\n  offline = true", "Conflicting arguments", "offline can't be combined", "offline"),
        (
            "ids = [\"a\"]\n  image_source = \"public\"",
            "Conflicting arguments",
            "image_source can't be combined with ids",
            "image_source",
        ),
        (
            "image_source = \"private\"\n  offline = true",
            "Conflicting arguments",
            "only images of the sources public and thirdparty can be delisted",
            "offline",
        ),
        ("ids = [\"\"]", "Invalid image ID", "\"\" (empty)", "ids"),
        ("ids = [null]", "Invalid image ID", "null (not set)", "ids"),
        (
            "image_source = \"public\"\n  os_version = \"\"",
            "Empty argument",
            "os_version is an empty",
            "os_version",
        ),
        (
            "image_source = \"public\"\n  name = \"a \"",
            "Invalid filter",
            "\"a \" begins or ends with",
            "name",
        ),
        (
            "image_source = \"public\"\n  name = \" a\"",
            "Invalid filter",
            "\" a\" begins or ends with",
            "name",
        ),
        (
            "image_source = \"public\"\n  name = \"a\\u0007b\"",
            "Invalid filter",
            "contains control characters",
            "name",
        ),
        ("image_source = \"public\"\n  region = \"../x\"", "Invalid region", "\"../x\"", "region"),
        ("image_source = \"public\"\n  images = []", "Read-only attribute", "\"images\" is set by", "images"),
        (
            "image_source = \"public\"\n  most_recent = true",
            "Unsupported argument",
            "\"most_recent\"",
            "most_recent",
        ),
    ] {
        case.write("main.tf", &format!("data \"jdcloud_images\" \"web\" {{\n  {arguments}\n}}\n"));
        case.run(&["validate", "-json"]).refused_with(&[Expected { summary, says: &[says], at }]);
    }
}

fn an_unknown_argument_leaves_everything_unknown_until_apply(protocol: Protocol) {
    let hcl = format!(
        "resource \"terraform_data\" \"version\" {{\n  input = \"22.04\"\n}}\n{}",
        block(
            "image_source = \"public\"\n  os_version = terraform_data.version.output\n  architecture = \"x86_64\""
        )
    );
    let case = Case::new(protocol, &hcl);
    let plan = case.planned();
    assert_eq!(case.emulator().counters().calls, 0, "a plan made a request with an unknown argument");
    let web = &plan["output_changes"]["web"];
    for name in ["id", "image_ids", "images", "missing_ids"] {
        assert_eq!(web["after_unknown"][name], true, "a plan claims to know {name}: {web:#}");
    }
    case.apply().succeeded();
    let expected = json!(["img-ubuntu2204c", "img-ubuntu2204b"]);
    same(&case.outputs()["ids"], &expected, "an apply did not read");
}

fn mocked_images_reach_the_lists(protocol: Protocol) {
    let test = r#"
mock_provider "jdcloud" {
  mock_data "jdcloud_images" {
    defaults = {
      image_ids = ["img-a"]
      images    = [{ image_id = "img-a", offline = false, system_disk_size_gb = 40 }]
    }
  }
}
run "mocked" {
  assert {
    condition     = output.ids[0] == "img-a" && output.web.images[0].system_disk_size_gb == 40
    error_message = "the lists are not the mocked ones"
  }
}
"#;
    let hcl = block("image_source = \"public\"");
    let case = Case::build(protocol, &hcl).without_settings().file("web.tftest.hcl", test).init();
    case.text(&["test"]).shows("Success! 1 passed, 0 failed.");
    assert_eq!(case.emulator().counters().calls, 0, "a test with mocks called JD Cloud");
}
