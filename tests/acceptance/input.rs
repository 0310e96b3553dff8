//! Invalid arguments of the data source: found before any request; the error points at them.

use crate::harness::{Case, Cli, Expected, Protocol, cases};

cases!(
    invalid_arguments_are_found_by_validate,
    all_invalid_ids_are_quoted_in_one_error,
    an_invalid_value_that_is_known_in_the_plan_is_found_there,
    a_long_id_is_rejected_before_it_is_sent,
    misspelt_names_get_a_suggestion,
);

fn block(arguments: &str) -> String {
    format!("data \"jdcloud_image_constraints\" \"web\" {{\n  {arguments}\n}}\n")
}

fn invalid_arguments_are_found_by_validate(protocol: Protocol) {
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
            "on_missing must be \"ignore\", \"warn\", \"error\" or \"verify\", not \"fail\".",
        ),
        ("on_missing = \"\"", "Invalid on_missing", "not \"\"."),
        ("ids = [\"img-a\", \"\"]", "Invalid image ID", "\"\" (empty)"),
        ("ids = [\" \\t\"]", "Invalid image ID", "\" \\t\" (white space)"),
        ("ids = [\"img-a \"]", "Invalid image ID", "\"img-a \" (white space)"),
        ("ids = [\"img-a\\n\"]", "Invalid image ID", "\"img-a\\n\" (white space)"),
        ("ids = [\"img-a\\u0007\"]", "Invalid image ID", "\"img-a\\u{7}\" (a control character)"),
        (
            "ids = [\"img-m5s0****29\"]",
            "Invalid image ID",
            "\"img-m5s0****29\" (an asterisk, as in a masked value)",
        ),
        ("ids = [null]", "Invalid image ID", "null (not set)"),
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

fn all_invalid_ids_are_quoted_in_one_error(protocol: Protocol) {
    let case = Case::new(protocol, &block("ids = [\"img-a\", \"\", null, \"  \"]"));
    case.plan().refused_with(&[Expected {
        summary: "Invalid image ID",
        says: &[
            "some elements are not valid: \"\" (empty), \"  \" (white space), null (not set).",
            "compact([...])",
            "to read every image of the region, omit ids.",
        ],
        at: "ids = [\"img-a\", \"\", null, \"  \"]",
    }]);
    assert_eq!(case.emulator().counters().calls, 0, "an invalid id was sent");
}

fn an_invalid_value_that_is_known_in_the_plan_is_found_there(protocol: Protocol) {
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

fn a_long_id_is_rejected_before_it_is_sent(protocol: Protocol) {
    let hcl = format!("{}variable \"id\" {{}}\n", block("ids = [var.id]"));
    let case = Case::build(protocol, &hcl).variable("TF_VAR_id", "x".repeat(66_000)).init();
    case.plan().refused_with(&[Expected {
        summary: "Invalid image ID",
        says: &["\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"… (longer than 256 characters)."],
        at: "ids = [var.id]",
    }]);
    assert_eq!(case.emulator().counters().calls, 0);
}

fn misspelt_names_get_a_suggestion(protocol: Protocol) {
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
            Cli::get().says("Did you mean \"jdcloud_image_constraints\"?", "jdcloud_image_constraint"),
        ),
        (block("on_mising = \"warn\""), "Unsupported argument", "Did you mean \"on_missing\"?"),
    ] {
        case.write("main.tf", &hcl);
        case.run(&["validate", "-json"]).refused_with(&[Expected { summary, says: &[says], at: "" }]);
    }
}
