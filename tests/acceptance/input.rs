//! Arguments of the data source that cannot be right: found before any call, and shown where they stand.

use crate::harness::{Case, Expected, Protocol, cases};

cases!(
    wrong_arguments_are_found_by_validate,
    all_blank_ids_are_quoted_in_one_error,
    a_wrong_value_that_only_a_plan_knows_is_found_there,
    misspelt_names_are_corrected,
);

fn block(arguments: &str) -> String {
    format!("data \"jdcloud_image_constraints\" \"web\" {{\n  {arguments}\n}}\n")
}

fn wrong_arguments_are_found_by_validate(protocol: Protocol) {
    let case = Case::build(protocol, "").without_settings().init();
    for (arguments, summary, says) in [
        ("region = \"../x\"", "Invalid region", "\"../x\""),
        ("region = \"\"", "Invalid region", "\"\""),
        (
            "region = \"CN-NORTH-1\"",
            "Invalid region",
            "lower-case letters, digits and hyphens, such as \"cn-north-1\"",
        ),
        (
            "on_missing = \"fail\"",
            "Invalid on_missing",
            "on_missing must be \"ignore\", \"warn\" or \"error\", not \"fail\".",
        ),
        ("on_missing = \"\"", "Invalid on_missing", "not \"\"."),
        ("ids = [\"img-a\", \"\"]", "Blank image id", "\"\" can't be one."),
        ("ids = [\" \\t\"]", "Blank image id", "\" \\t\" can't be one."),
        ("ids = [null]", "Blank image id", "null can't be one."),
        ("ids = \"img-a\"", "Incorrect attribute value type", "set of string required"),
        (
            "image_constraints = []",
            "Read-only attribute",
            "\"image_constraints\" is set by the provider and can't be set here.",
        ),
        ("id = \"mine\"", "Read-only attribute", "\"id\" is set by the provider"),
        ("missing_ids = [\"img-a\"]", "Read-only attribute", "\"missing_ids\" is set by the provider"),
        (
            "excluded_instance_types = {}",
            "Read-only attribute",
            "\"excluded_instance_types\" is set by the provider",
        ),
        (
            "included_instance_types = {}",
            "Read-only attribute",
            "\"included_instance_types\" is set by the provider",
        ),
    ] {
        case.write("main.tf", &block(arguments));
        case.run(&["validate", "-json"]).refused_with(&[Expected { summary, says: &[says], at: arguments }]);
    }
}

fn all_blank_ids_are_quoted_in_one_error(protocol: Protocol) {
    let case = Case::new(protocol, &block("ids = [\"img-a\", \"\", null, \"  \"]"));
    case.plan().refused_with(&[Expected {
        summary: "Blank image id",
        says: &[
            "ids must hold image ids, and \"\", \"  \", null can't be one.",
            "compact([...])",
            "to ask about every image of the region, leave ids out.",
        ],
        at: "ids = [\"img-a\", \"\", null, \"  \"]",
    }]);
    assert_eq!(case.emulator().counters().calls, 0, "a blank id was asked about");
}

fn a_wrong_value_that_only_a_plan_knows_is_found_there(protocol: Protocol) {
    let hcl = format!("{}variable \"region\" {{}}\n", block("region = var.region"));
    let case = Case::build(protocol, &hcl).variable("TF_VAR_region", "../../v2/x?y#").init();
    case.run(&["validate", "-json"]).warned_of(&[]);
    case.plan().refused_with(&[Expected {
        summary: "Invalid region",
        says: &["\"../../v2/x?y#\""],
        at: "region = var.region",
    }]);
    assert!(case.emulator().calls().is_empty(), "a region changed the path of a request");
}

fn misspelt_names_are_corrected(protocol: Protocol) {
    let case = Case::new(protocol, "");
    for (hcl, summary, says) in [
        (
            block("") + "provider \"jdcloud\" {\n  accesskey = \"a\"\n}\n",
            "Unsupported argument",
            "Did you mean \"access_key\"?",
        ),
        (
            block("").replace("constraints", "constraint"),
            "Invalid data source",
            "Did you mean \"jdcloud_image_constraints\"?",
        ),
        (block("on_mising = \"warn\""), "Unsupported argument", "Did you mean \"on_missing\"?"),
    ] {
        case.write("main.tf", &hcl);
        case.run(&["validate", "-json"]).refused_with(&[Expected { summary, says: &[says], at: "" }]);
    }
}
