//! README: its configuration runs unchanged, and its output is that of Terraform.

use std::fs;

use crate::example::{accepts, flat, root, suits, typed};
use crate::harness::{Case, Feature, Protocol};

/// The fenced blocks of the README in one language.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("../README.md")).unwrap();
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_configuration_runs_as_printed() {
    if !suits(Feature::Functions) {
        return;
    }
    let configuration = &blocks("terraform")[0];
    assert_eq!(
        *configuration,
        fs::read_to_string(root().join("quickstart/main.tf")).unwrap(),
        "README.md prints another configuration than examples/quickstart/main.tf, which `make demo` runs"
    );
    let case = Case::build(Protocol::V6, configuration).file("terraform.tf", "").without(&["JDCLOUD_REGION"]);
    let case = case.init();
    accepts(&case, &["image_id=img-ubuntu2204", "instance_type=g.n2.large"]);

    let variables = ["image_id=img-ubuntu2204", "instance_type=g.n4.large"];
    let (refused, text) = typed(&case, &["plan"], &variables);
    refused.failed();
    let printed = blocks("console").into_iter().find(|block| block.starts_with("$ terraform plan")).unwrap();
    // "..." in the README stands for omitted text.
    let mut rest = &*flat(&text);
    for part in printed.split("...").map(flat) {
        let (_, after) = rest
            .split_once(&part)
            .unwrap_or_else(|| panic!("README.md prints {part}; Terraform says {text}"));
        rest = after;
    }
}

#[test]
fn the_image_supports_the_instance_type_that_is_found() {
    if !suits(Feature::Functions) {
        return;
    }
    let [_, chain] = &blocks("terraform")[..] else { panic!("README.md has another number of examples") };
    let case = Case::new(Protocol::V6, chain);
    accepts(&case, &[]);
    assert_eq!(
        case.planned_outputs()["instance_type"],
        "g.s2.small",
        "the smallest that is in stock and supported"
    );
}
