//! The cookbook: each rule accepts supported instance types and refuses the others.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use crate::example::{accepts, build, files, open, refuses, root, shows, suits};
use crate::harness::{Case, Cli, Feature, Protocol, same};

const V6: Protocol = Protocol::V6;
const SUPPORTED: &[&str] = &["instance_type=g.n2.large"];
const EXCLUDED: &[&str] = &["instance_type=g.n4.large"];
const EXPLANATION: &str = "Image img-ubuntu2204 does not support instance type g.n4.large: it is one of the 3 instance \
                           types that this image excludes (g.n4.large, m.n2.18xlarge, p.c1p40g.large).";
const NOT_INCLUDED: &str = "Image img-gpu does not support instance type g.n2.large: it is not one of the 2 instance \
                            types that this image supports (p.c1p40.large, p.c1p40g.large).";

/// A rule about `image_id` and `instance_type` is correct for images that exclude types, that include types, and without a
/// constraint.
#[track_caller]
fn judges(case: &Case, summary: &str, excluded: &str, not_included: &str) {
    accepts(case, SUPPORTED);
    accepts(case, &["image_id=img-gpu", "instance_type=p.c1p40.large"]);
    accepts(case, &["image_id=img-private", "instance_type=g.n4.large"]);
    refuses(case, &["plan"], EXCLUDED, summary, excluded);
    refuses(case, &["plan"], &["image_id=img-gpu", "instance_type=g.n2.large"], summary, not_included);
}

fn precondition_on(protocol: Protocol) {
    let name = "rules/precondition";
    let Some(case) = open(protocol, Feature::Functions, name) else { return };
    judges(&case, "Resource precondition failed", EXPLANATION, NOT_INCLUDED);
    shows(&case, "rules/precondition/refused.txt", &["plan"], EXCLUDED);
}

#[test]
fn precondition() {
    precondition_on(V6);
}

#[test]
fn precondition_on_protocol_5() {
    precondition_on(Protocol::V5);
}

#[test]
fn variable_validation() {
    let Some(case) = open(V6, Feature::CrossValidation, "rules/variable-validation") else { return };
    let checked = "This was checked by the validation rule at main.tf:9,3-13.";
    judges(
        &case,
        "Invalid value for variable",
        &format!("{EXPLANATION} {checked}"),
        &format!("{NOT_INCLUDED} {checked}"),
    );
    shows(&case, "rules/variable-validation/refused.txt", &["plan"], EXCLUDED);
}

#[test]
fn validation_of_an_object() {
    let Some(case) = open(V6, Feature::CrossValidation, "rules/validation-of-an-object") else { return };
    let server = |image: &str, instance_type: &str| {
        format!("server={{image_id=\"{image}\",instance_type=\"{instance_type}\"}}")
    };
    // The catalogue has an image of an unknown kind, which a read of the whole region warns of.
    let known = |image, instance_type| {
        case.run(&["plan", "-json", "-input=false", "-var", &server(image, instance_type)]).succeeded();
    };
    known("img-ubuntu2204", "g.n2.large");
    known("img-private", "g.n4.large");
    refuses(
        &case,
        &["plan"],
        &[&server("img-ubuntu2204", "g.n4.large")],
        "Invalid value for variable",
        &format!("{EXPLANATION} This was checked by the validation rule at main.tf:4,3-13."),
    );
}

#[test]
fn postcondition() {
    let Some(case) = open(V6, Feature::Functions, "rules/postcondition") else { return };
    judges(&case, "Resource postcondition failed", EXPLANATION, NOT_INCLUDED);
    shows(&case, "rules/postcondition/refused.txt", &["plan"], EXCLUDED);
}

#[test]
fn output_precondition() {
    let Some(case) = open(V6, Feature::Functions, "rules/output-precondition") else { return };
    judges(&case, "Module output value precondition failed", EXPLANATION, NOT_INCLUDED);
    shows(&case, "rules/output-precondition/refused.txt", &["plan"], EXCLUDED);
}

#[test]
fn check() {
    let Some(case) = open(V6, Feature::Functions, "rules/check") else { return };
    accepts(&case, SUPPORTED);
    let warned = shows(&case, "rules/check/warned.txt", &["plan"], EXCLUDED);
    warned.succeeded();
    warned.shows(EXPLANATION);
}

#[test]
fn first_supported_type() {
    let Some(case) = open(V6, Feature::Functions, "rules/first-supported-type") else { return };
    let preferred = "preferred_types=[\"g.n4.large\",\"g.n3.large\",\"g.n2.large\"]";
    case.run(&["plan", "-input=false", "-out=plan.tfplan", "-var", preferred]).succeeded();
    let plan = case.json(&["show", "-json", "plan.tfplan"]);
    same(
        &plan["planned_values"]["outputs"]["instance_type"]["value"],
        &json!("g.n3.large"),
        "the first supported instance type is not chosen",
    );
    refuses(
        &case,
        &["plan"],
        &["preferred_types=[\"g.n4.large\",\"m.n2.18xlarge\"]"],
        "Resource precondition failed",
        "Image img-ubuntu2204 supports none of: g.n4.large, m.n2.18xlarge.",
    );
    shows(
        &case,
        "rules/first-supported-type/refused.txt",
        &["plan"],
        &["preferred_types=[\"g.n4.large\",\"m.n2.18xlarge\"]"],
    );
}

#[test]
fn several_images() {
    let Some(case) = open(V6, Feature::Functions, "rules/several-images") else { return };
    accepts(&case, &["instance_type=p.c1p40.large"]);
    let gpu = "Image img-gpu does not support instance type g.n4.large: it is not one of the 2 instance types \
               that this image supports (p.c1p40.large, p.c1p40g.large).";
    let summary = "Resource precondition failed";
    refuses(&case, &["plan"], EXCLUDED, summary, &format!("{gpu}\n{EXPLANATION}"));
    refuses(&case, &["plan"], SUPPORTED, summary, NOT_INCLUDED);
    case.emulator().reset();
    shows(&case, "rules/several-images/refused.txt", &["plan"], EXCLUDED);
    assert_eq!(case.emulator().counters().calls, 1, "two images need more than one request");
}

#[test]
fn for_each_pairs() {
    let Some(case) = open(V6, Feature::Functions, "rules/for-each-pairs") else { return };
    let servers = |web: &str| {
        format!(
            "servers={{web={{image_id=\"img-ubuntu2204\",instance_type=\"{web}\"}},\
             gpu={{image_id=\"img-gpu\",instance_type=\"p.c1p40.large\"}}}}"
        )
    };
    case.emulator().reset();
    accepts(&case, &[&servers("g.n2.large")]);
    assert_eq!(case.emulator().counters().calls, 1, "two servers need more than one request");
    let refused = servers("g.n4.large");
    let sentence = format!("Server web: {EXPLANATION}");
    refuses(&case, &["plan"], &[&refused], "Resource precondition failed", &sentence);
    shows(&case, "rules/for-each-pairs/refused.txt", &["plan"], &[&refused]);
}

#[test]
fn whole_region() {
    let Some(case) = open(V6, Feature::Functions, "rules/whole-region") else { return };
    for (image, instance_type) in
        [("img-ubuntu2204", "g.n2.large"), ("img-gpu", "p.c1p40.large"), ("img-private", "g.n4.large")]
    {
        let (image, instance_type) = (format!("image_id={image}"), format!("instance_type={instance_type}"));
        case.run(&["plan", "-json", "-input=false", "-var", &image, "-var", &instance_type]).succeeded();
    }
    refuses(&case, &["plan"], EXCLUDED, "Resource precondition failed", EXPLANATION);
    refuses(
        &case,
        &["plan"],
        &["image_id=img-gpu", "instance_type=g.n2.large"],
        "Resource precondition failed",
        NOT_INCLUDED,
    );
}

/// An image whose constraint is of an unknown kind never passes.
#[track_caller]
fn never_guesses(case: &Case) {
    let refused = case.run(&[
        "plan",
        "-json",
        "-input=false",
        "-var=image_id=img-sometimes",
        "-var=instance_type=g.n2.large",
    ]);
    refused.failed();
}

fn maps_with_ids_on(protocol: Protocol) {
    let Some(case) = open(protocol, Feature::Plain, "rules/maps-with-ids") else { return };
    judges(
        &case,
        "Module output value precondition failed",
        "Image img-ubuntu2204 does not support instance type g.n4.large.",
        "Image img-gpu does not support instance type g.n2.large.",
    );
    accepts(&case, &["image_id=img-excludes-none", "instance_type=g.n4.large"]);
    refuses(
        &case,
        &["plan"],
        &["image_id=img-includes-none", "instance_type=g.n4.large"],
        "Module output value precondition failed",
        "Image img-includes-none does not support instance type g.n4.large.",
    );
    never_guesses(&case);
    shows(&case, "rules/maps-with-ids/refused.txt", &["plan"], EXCLUDED);
}

#[test]
fn maps_with_ids() {
    maps_with_ids_on(V6);
}

#[test]
fn maps_with_ids_on_protocol_5() {
    maps_with_ids_on(Protocol::V5);
}

#[test]
fn maps_whole_region() {
    let Some(case) = open(V6, Feature::Plain, "rules/maps-whole-region") else { return };
    let plan = |image: &str, instance_type: &str| {
        let (image, instance_type) = (format!("image_id={image}"), format!("instance_type={instance_type}"));
        case.run(&["plan", "-json", "-input=false", "-var", &image, "-var", &instance_type])
    };
    for (image, instance_type, supported) in [
        ("img-ubuntu2204", "g.n2.large", true),
        ("img-ubuntu2204", "g.n4.large", false),
        ("img-gpu", "p.c1p40.large", true),
        ("img-gpu", "g.n2.large", false),
        ("img-includes-none", "g.n2.large", false),
        ("img-private", "g.n4.large", true),
    ] {
        assert_eq!(plan(image, instance_type).success, supported, "{image} with {instance_type}");
    }
    never_guesses(&case);
    refuses(
        &case,
        &["plan"],
        EXCLUDED,
        "Module output value precondition failed",
        "Image img-ubuntu2204 does not support instance type g.n4.large.",
    );
}

#[test]
fn many_servers() {
    let Some(case) = open(V6, Feature::TerraformData, "rules/many-servers") else { return };
    let servers = |web: &str| {
        format!(
            "servers={{web={{image_id=\"img-ubuntu2204\",instance_type=\"{web}\"}},\
             gpu={{image_id=\"img-gpu\",instance_type=\"p.c1p40.large\"}}}}"
        )
    };
    accepts(&case, &[&servers("g.n2.large")]);
    refuses(
        &case,
        &["plan"],
        &[&servers("g.n4.large")],
        "Resource precondition failed",
        "Server web: image img-ubuntu2204 does not support instance type g.n4.large.",
    );
}

#[test]
fn known_and_unknown_ids() {
    let Some(case) = open(V6, Feature::Functions, "rules/known-and-unknown-ids") else { return };
    accepts(&case, SUPPORTED);
    // The rule about the known image is checked although the other block is deferred.
    refuses(&case, &["plan"], EXCLUDED, "Resource precondition failed", EXPLANATION);
    case.run(&["apply", "-json", "-input=false", "-auto-approve", "-var", SUPPORTED[0]]).succeeded();
}

#[test]
fn beside_hashicorp_jdcloud() {
    if !suits(Feature::Functions) {
        return;
    }
    // The archived provider cannot be downloaded in a test: this provider's binary is installed under its address.
    let mirror = tempfile::tempdir().unwrap();
    let cli = Cli::get();
    let registry = cli.registry();
    let package = |owner: &str| {
        Path::new(registry).join(owner).join("jdcloud").join(env!("CARGO_PKG_VERSION")).join(cli.platform())
    };
    for owner in ["jdcloud", "hashicorp"] {
        let directory = mirror.path().join(package(owner));
        fs::create_dir_all(&directory).unwrap();
        for file in files(&V6.mirror().join(package("jdcloud"))) {
            symlink(&file, directory.join(file.file_name().unwrap())).unwrap();
        }
    }
    let settings = mirror.path().join("cli.tfrc");
    fs::write(
        &settings,
        format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.path().display()
        ),
    )
    .unwrap();
    let case = build(V6, "rules/beside-hashicorp-jdcloud")
        .variable("TF_CLI_CONFIG_FILE", settings.to_str().unwrap())
        .init();
    let lock = fs::read_to_string(case.path("work/.terraform.lock.hcl")).unwrap();
    for owner in ["jdcloud", "hashicorp"] {
        assert!(
            lock.contains(&format!("{registry}/{owner}/jdcloud")),
            "{owner}/jdcloud is not installed: {lock}"
        );
    }
    judges(&case, "Resource precondition failed", EXPLANATION, NOT_INCLUDED);

    // Without the argument, Terraform would use the provider whose local name is jdcloud.
    let provider_of = |case: &Case| {
        case.run(&["plan", "-input=false", "-out=plan.tfplan", "-var", SUPPORTED[0]]).succeeded();
        let plan = case.json(&["show", "-json", "plan.tfplan"]);
        plan["prior_state"]["values"]["root_module"]["resources"][0]["provider_name"].clone()
    };
    assert_eq!(provider_of(&case), format!("{registry}/jdcloud/jdcloud"));
    let main = fs::read_to_string(root().join("rules/beside-hashicorp-jdcloud/main.tf")).unwrap();
    case.write("main.tf", &main.replace("  provider = jdcheck\n", ""));
    assert_eq!(provider_of(&case), format!("{registry}/hashicorp/jdcloud"));
}

#[test]
fn chinese_message() {
    let name = "rules/chinese-message";
    let Some(case) = open(V6, Feature::Functions, name) else { return };
    judges(
        &case,
        "Resource precondition failed",
        "镜像 img-ubuntu2204 不支持实例规格 g.n4.large。该镜像不支持的实例规格：g.n4.large、m.n2.18xlarge、p.c1p40g.large。",
        "镜像 img-gpu 不支持实例规格 g.n2.large。该镜像仅支持以下实例规格：p.c1p40.large、p.c1p40g.large。",
    );
    never_guesses(&case);
    shows(&case, "rules/chinese-message/refused.txt", &["plan"], EXCLUDED);
}
