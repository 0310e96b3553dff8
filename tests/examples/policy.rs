//! Policy as code: the Rego policy of the guide denies the plans that it should, on a Rego engine.

use std::fs;
use std::process::Command;

use crate::example::{build, root, suits};
use crate::harness::{Feature, Protocol, same};
use crate::packages::Package;

/// regorus, an implementation of OPA's language in Rust, as a Python package.
const ENGINE: Package = Package {
    name: "celine-regorus",
    version: "0.9.1.post20260227075446",
    module: "regorus",
    required: false,
};

/// Prints the messages of `deny` for the policy and the plan that it is given.
const EVALUATE: &str = "
import json, sys, regorus
engine = regorus.Engine()
engine.add_policy('policy', open(sys.argv[1]).read())
engine.set_input_json(open(sys.argv[2]).read())
print(json.dumps(sorted(engine.eval_rule('data.main.deny'))))
";

#[test]
fn the_policy_denies_servers_that_no_read_supports() {
    if !suits(Feature::TerraformData) {
        return;
    }
    let Some(python) = ENGINE.python() else { return };
    let policy = root().join("policy/image_constraints.rego");
    let main = fs::read_to_string(root().join("policy/main.tf")).unwrap();
    let unknown = main.replace("image_id = var.image_id", "image_id = terraform_data.image.output")
        + "resource \"terraform_data\" \"image\" {\n  input = \"img-ubuntu2204\"\n}\n";
    let deferred = unknown.replace("ids = var.checked_image_ids", "ids = [terraform_data.image.output]");
    let unknown_type = main
        .replace("instance_type = var.instance_type", "instance_type = terraform_data.type.output")
        + "resource \"terraform_data\" \"type\" {\n  input = var.instance_type\n}\n";
    let no_type = main.replace(", instance_type = var.instance_type", "");
    let other_region = main.clone()
        + "data \"jdcloud_image_constraints\" \"east\" {\n  region = \"cn-east-2\"\n  ids    = var.checked_image_ids\n}\n";
    for (configuration, image_id, instance_type, expected) in [
        (&main, "img-ubuntu2204", "g.n2.large", ""),
        (&main, "img-gpu", "p.c1p40.large", ""),
        (
            &main,
            "img-ubuntu2204",
            "g.n4.large",
            "image img-ubuntu2204 does not support instance type g.n4.large",
        ),
        (&main, "img-gpu", "g.n2.large", "image img-gpu does not support instance type g.n2.large"),
        (&main, "img-free", "g.n2.large", "no jdcloud_image_constraints has the image img-free in its ids"),
        (&unknown, "", "g.n2.large", "no jdcloud_image_constraints has the image (unknown) in its ids"),
        (&unknown_type, "img-ubuntu2204", "g.n4.large", "the instance type is not known in the plan"),
        (&unknown_type, "img-gpu", "p.c1p40.large", "the instance type is not known in the plan"),
        (&no_type, "img-ubuntu2204", "", "the instance type is not known in the plan"),
        (
            &other_region,
            "img-ubuntu2204",
            "g.n4.large",
            "image img-ubuntu2204 does not support instance type g.n4.large",
        ),
        (&deferred, "", "g.n2.large", "no jdcloud_image_constraints has the image (unknown) in its ids"),
    ] {
        let case = build(Protocol::V6, "policy").file("main.tf", configuration).init();
        let variables = [format!("-var=image_id={image_id}"), format!("-var=instance_type={instance_type}")];
        let [image, instance] = &variables;
        case.run(&["plan", "-input=false", "-out=plan.tfplan", image, instance]).succeeded();
        let plan = case.path("plan.json");
        fs::write(&plan, case.json(&["show", "-json", "plan.tfplan"]).to_string()).unwrap();
        let output = Command::new(&python).args(["-c", EVALUATE]).arg(&policy).arg(&plan).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let denied = serde_json::from_slice(&output.stdout).unwrap();
        let expected: Vec<String> = [expected]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| format!("terraform_data.server: {text}"))
            .collect();
        same(&denied, &expected.into(), "the policy decides otherwise");
    }
}
