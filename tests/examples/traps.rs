//! The problems that the guides describe, and their solutions.

use jdcloud_emulator::{Catalogue, Image};

use crate::example::{accepts, build, open, shows, suits};
use crate::harness::{Case, Cli, Expected, Feature, Protocol, same};

const V6: Protocol = Protocol::V6;

/// From now on the image excludes an instance type that it supported before.
fn exclude(case: &Case, instance_type: &str) {
    let mut catalogue = Catalogue::empty();
    catalogue.insert("cn-north-1", "img-ubuntu2204", Image::excludes(&[instance_type]));
    case.emulator().set_catalogue(catalogue);
}

#[test]
fn a_validation_of_what_the_data_source_needs_is_a_cycle() {
    let Some(case) = open(V6, Feature::CrossValidation, "rules/validation-cycle") else { return };
    let server = "server={image_id=\"img-ubuntu2204\",instance_type=\"g.n2.large\"}";
    let refused = case.text(&["plan", "-input=false", "-var", server]);
    refused.failed();
    // In which order Terraform names the two is not fixed.
    refused.shows("Error: Cycle: ");
    refused.shows(Cli::get().says("var.server (validation)", "var.server (expand, reference)"));
    refused.shows("data.jdcloud_image_constraints.web");
}

#[test]
fn a_validation_passes_silently_while_the_image_is_unknown() {
    let Some(case) = open(V6, Feature::CrossValidation, "rules/validation-first-plan") else { return };
    accepts(&case, &["instance_type=g.n4.large"]);
    let refused = shows(
        &case,
        "rules/validation-first-plan/refused.txt",
        &["apply", "-auto-approve"],
        &["instance_type=g.n4.large"],
    );
    refused.failed();
    let state = case.json(&["show", "-json"]);
    let made = state["values"]["root_module"]["resources"].as_array().unwrap();
    let mut made: Vec<_> = made.iter().filter_map(|resource| resource["name"].as_str()).collect();
    made.sort_unstable();
    assert_eq!(made, ["image", "web"], "the image is created, and the server is not");
}

#[test]
fn a_validation_blocks_destroy_and_a_precondition_does_not() {
    if !suits(Feature::CrossValidation) {
        return;
    }
    for (example, blocks) in [("rules/variable-validation", true), ("rules/precondition", false)] {
        let case = build(V6, example).init();
        let variable = "-var=instance_type=g.n2.large";
        case.run(&["apply", "-json", "-input=false", "-auto-approve", variable]).succeeded();
        exclude(&case, "g.n2.large");
        let destroy = case.run(&["plan", "-destroy", "-json", "-input=false", variable]);
        assert_eq!(destroy.success, !blocks, "{example}: {destroy}");
        // The solution: any supported instance type allows the destroy.
        case.run(&["destroy", "-json", "-input=false", "-auto-approve", "-var=instance_type=g.n3.large"])
            .succeeded();
    }
}

#[test]
fn a_check_warns_of_a_changed_constraint_and_the_plan_succeeds() {
    let Some(case) = open(V6, Feature::Functions, "rules/check") else { return };
    accepts(&case, &["instance_type=g.n2.large"]);
    exclude(&case, "g.n2.large");
    case.run(&["plan", "-json", "-input=false", "-var=instance_type=g.n2.large"]).warned_of(&[Expected {
        summary: "Check block assertion failed",
        says: &["Image img-ubuntu2204 does not support instance type g.n2.large"],
        at: "condition ",
    }]);
}

/// The cookbook's table of expressions to avoid, for an image that includes certain types only.
#[test]
fn natural_expressions_fail_or_pass_silently_as_the_cookbook_says() {
    let data = "data \"jdcloud_image_constraints\" \"web\" {\n  ids = [\"img-gpu\"]\n}\nlocals {\n  \
                excluded = data.jdcloud_image_constraints.web.excluded_instance_types\n}\n";
    let cookbook =
        std::fs::read_to_string(crate::example::root().join("../docs/guides/rules-cookbook.md")).unwrap();
    for (rule, passes) in [
        ("!contains(excluded[id], t)", false),
        ("!contains(lookup(excluded, id, []), t)", false),
        ("!contains(try(excluded[id], []), t)", false),
        ("!contains(coalesce(excluded[id], []), t)", true),
        ("!contains(flatten(values(excluded)), t)", true),
    ] {
        let row = cookbook.lines().find(|line| line.starts_with(&format!("| `{rule}` |"))).unwrap();
        assert_eq!(row.contains("**passes silently**"), passes, "the cookbook says something else: {row}");
        let real = rule.replace("excluded", "local.excluded").replace("[id]", "[\"img-gpu\"]");
        let real = real.replace(" id,", " \"img-gpu\",").replace(", t)", ", \"g.n2.large\")");
        let case = Case::new(V6, &format!("{data}output \"passes\" {{\n  value = {real}\n}}\n"));
        let plan = case.plan();
        assert_eq!(plan.success, passes, "{real}: {plan}");
        if passes {
            assert_eq!(case.planned_outputs()["passes"], true, "{real}");
        }
    }
    // Images that are not among the ids: the third row's "the same" and the second's remark.
    for rule in ["lookup(local.excluded, \"img-other\", [])", "try(local.excluded[\"img-other\"], [])"] {
        let case =
            Case::new(V6, &format!("{data}output \"passes\" {{\n  value = !contains({rule}, \"t\")\n}}\n"));
        assert_eq!(case.planned_outputs()["passes"], true, "{rule}");
    }
}

#[test]
fn a_check_reports_in_the_plan_that_its_result_is_unknown() {
    let Some(case) = open(V6, Feature::Functions, "rules/check") else { return };
    let main = std::fs::read_to_string(crate::example::root().join("rules/check/main.tf")).unwrap();
    let unknown = main.replace("ids = [var.image_id]", "ids = [terraform_data.image.output]");
    case.write(
        "main.tf",
        &(unknown + "resource \"terraform_data\" \"image\" {\n  input = \"img-ubuntu2204\"\n}\n"),
    );
    let plan = case.text(&["plan", "-input=false", "-var=instance_type=g.n4.large"]);
    plan.succeeded();
    plan.shows("Warning: Check block assertion known after apply");
}

#[test]
fn a_provider_that_is_known_after_apply_is_read_in_apply() {
    let name = "rules/provider-known-after-apply";
    let Some(case) = open(V6, Feature::TerraformData, name) else { return };
    case.apply().succeeded();
    same(
        &case.outputs()["excluded"],
        &serde_json::json!(["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"]),
        "the deferred read has another answer",
    );
    let main = std::fs::read_to_string(crate::example::root().join(name).join("main.tf")).unwrap();
    let without = main.replace("  depends_on = [terraform_data.account]\n", "");
    let case = build(V6, name).file("main.tf", &without).init();
    shows(&case, "rules/provider-known-after-apply/refused.txt", &["plan"], &[]).failed();
}
