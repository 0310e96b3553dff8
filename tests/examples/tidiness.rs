//! All examples: each is formatted and run by a test.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::example::{files, root, suits};
use crate::harness::{Cli, Feature};

#[test]
fn examples_are_formatted() {
    // In an older one, provider:: is a syntax error.
    if !suits(Feature::Functions) {
        return;
    }
    let output = Command::new(Cli::get().path())
        .args(["fmt", "-check", "-recursive", "-diff"])
        .arg(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "run terraform fmt -recursive examples:\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn every_example_is_run_by_a_test() {
    let tests: String = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples"))
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let mut missing = Vec::new();
    for file in files(&root()) {
        let relative = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        // Named itself, or one of the directories that it is in.
        let named =
            Path::new(&relative).ancestors().any(|part| tests.contains(&format!("\"{}\"", part.display())));
        if !named {
            missing.push(relative);
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "no test runs these");
}
