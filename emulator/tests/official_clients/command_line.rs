//! The command line client, `jdc`.

use std::path::Path;
use std::process::Command;

use jdcloud_emulator::{ACCESS_KEY, Emulator, Options, SECRET_KEY};
use serde_json::{Value, json};

use crate::packages::Package;

// Its last release is from 2022 and may not run on the newest Python.
const CLI: Package =
    Package { name: "jdcloud_cli", version: "1.2.12", module: "jdcloud_cli.jdc", required: false };

/// What `jdc` prints, with its configuration under `home`.
fn jdc(python: &Path, home: &Path, arguments: &[&str]) -> String {
    let start = "import sys; from jdcloud_cli.jdc import main; sys.exit(main())";
    let output = Command::new(python)
        .args(["-W", "ignore", "-c", start])
        .args(arguments)
        .env("HOME", home)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_command_line_client_makes_every_call() {
    let Some(python) = CLI.python() else { return };
    let emulator = Emulator::start(Options::default()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let endpoint = emulator.url().trim_start_matches("http://").to_owned();
    let keys = ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY];
    let place = ["--region-id", "cn-east-1", "--endpoint", &endpoint, "--scheme", "http"];
    jdc(
        &python,
        home.path(),
        &[&["configure", "add", "--profile", "emulator"], &keys[..], &place[..]].concat(),
    );

    let vm = |arguments: &[&str]| -> Value {
        let printed = jdc(&python, home.path(), &[&["vm"], arguments].concat());
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    };
    let ids = r#"["img-gpu", "img-free"]"#;
    let constraints = vm(&["describe-image-constraints-batch", "--region-id", "cn-north-1", "--ids", ids]);
    assert_eq!(constraints["result"]["imageConstraints"][0]["imageId"], "img-gpu");
    let images = vm(&["describe-images", "--image-source", "private", "--page-size", "10"]);
    assert_eq!(images["result"]["totalCount"], 5);
    let filters = r#"{"filters": [{"name": "instanceTypes", "values": ["c.n4.large"]}]}"#;
    let types = vm(&["describe-instance-types", "--input-json", filters]);
    assert_eq!(
        types["result"]["instanceTypes"][0]["state"][0],
        json!({"az": "cn-east-1a", "inStock": false})
    );
    let image = vm(&["describe-image", "--image-id", "img-nowhere"]);
    assert_eq!(image["error"]["code"], 404);
    assert_eq!(emulator.calls().len(), 4);
}
