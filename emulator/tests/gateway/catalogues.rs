//! What the API says about images.

use jdcloud_emulator::{Catalogue, Image, Scenario};
use serde_json::{Value, json};

use crate::client::{Call, emulator, exchange};

fn constraint(answer: &Value) -> &Value {
    &answer["result"]["imageConstraints"][0]["imageInstanceTypeConstraint"]
}

#[test]
fn each_kind_of_constraint_has_its_image() {
    let emulator = emulator(Scenario::default());
    let ask = |region: &str, id: &str| Call::new(&[id]).region(region).send(&emulator).unwrap().json();
    let rule = |kind: &str, types: Value| json!({"constraintsType": kind, "instanceTypes": types});
    for (region, id, expected) in [
        (
            "cn-north-1",
            "img-ubuntu2204",
            rule("excludes", json!(["m.n2.18xlarge", "p.c1p40g.large", "g.n4.large"])),
        ),
        ("cn-east-2", "img-ubuntu2204", rule("excludes", json!(["s.i3f.metal"]))),
        ("cn-north-1", "img-gpu", rule("includes", json!(["p.c1p40.large", "p.c1p40g.large"]))),
        ("cn-north-1", "img-includes-none", rule("includes", json!([]))),
        ("cn-north-1", "img-excludes-none", rule("excludes", json!([]))),
        ("cn-north-1", "img-sometimes", rule("sometimes", json!(["g.n4.large"]))),
        ("cn-north-1", "img-null", Value::Null),
        ("cn-north-1", "img-nulllist", rule("excludes", Value::Null)),
        ("cn-odd-1", "img-notype", json!({"constraintsType": null, "instanceTypes": []})),
        ("cn-odd-1", "img-emptytype", rule("", json!([]))),
        ("cn-odd-1", "img-includes-null", rule("includes", Value::Null)),
    ] {
        let answer = ask(region, id);
        assert_eq!(constraint(&answer), &expected, "{id}");
        assert_eq!(answer["result"]["imageConstraints"][0]["imageId"], id);
        assert_eq!(answer["result"]["imageConstraints"].as_array().unwrap().len(), 1, "{id}");
    }
    for id in ["img-free", "img-private", "img-nowhere"] {
        assert_eq!(ask("cn-north-1", id)["result"]["imageConstraints"], json!([]), "{id}");
    }
    assert_eq!(ask("cn-north-1", "img-twice")["result"]["imageConstraints"].as_array().unwrap().len(), 2);
    assert_eq!(ask("cn-odd-1", "img-quarrel")["result"]["imageConstraints"].as_array().unwrap().len(), 2);
    assert_eq!(ask("cn-odd-1", "img-noid")["result"]["imageConstraints"][0]["imageId"], Value::Null);
}

#[test]
fn a_call_without_ids_lists_every_constrained_image_of_the_region() {
    let emulator = emulator(Scenario::default());
    let mut ids = Call::new(&[]).send(&emulator).unwrap().ids();
    ids.dedup();
    assert_eq!(
        ids,
        [
            "img-excludes-none",
            "img-gpu",
            "img-includes-none",
            "img-null",
            "img-nulllist",
            "img-sometimes",
            "img-twice",
            "img-ubuntu2204"
        ]
    );
    assert_eq!(
        Call::new(&[]).region("cn-east-2").send(&emulator).unwrap().ids(),
        ["img-east", "img-ubuntu2204"]
    );
    assert!(Call::new(&[]).region("cn-south-1").send(&emulator).unwrap().ids().is_empty());
}

#[test]
fn the_catalogue_can_change_while_the_emulator_runs() {
    let emulator = emulator(Scenario::default());
    let mut catalogue = Catalogue::empty();
    catalogue.insert("cn-north-1", "img-new", Image::includes(&["g.n4.large"]));
    emulator.set_catalogue(catalogue.clone());
    assert_eq!(Call::new(&[]).send(&emulator).unwrap().ids(), ["img-new"]);

    let body = r#"{"cn-north-1": {"镜像/1": {"excludes": ["a"]}}}"#;
    let length = body.len();
    let put = format!(
        "PUT /_emulator/catalogue HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    assert_eq!(exchange(&emulator.url(), &put).unwrap().status, 204);
    let call = Call { query: "ids.1=%E9%95%9C%E5%83%8F%2F1".to_owned(), ..Call::new(&[]) };
    assert_eq!(call.send(&emulator).unwrap().ids(), ["镜像/1"]);
    assert_eq!(exchange(&emulator.url(), &put.replace("excludes", "excluded")).unwrap().status, 400);
}

#[test]
fn a_malformed_call_is_refused() {
    let emulator = emulator(Scenario::default());
    for query in ["ids.1=", "ids.2=img-gpu", "ids=img-gpu", "pageSize=10", "ids.1=%FF"] {
        let response = Call { query: query.to_owned(), ..Call::new(&[]) }.send(&emulator).unwrap();
        assert_eq!(response.status, 400, "{query}");
        assert_eq!(response.error().1, "INVALID_ARGUMENT");
    }
    for (from, to) in
        [("GET /", "POST /"), ("/v1/", "/v2/"), ("imageConstraints", "instances"), ("/cn-north-1/", "//")]
    {
        let request = Call::new(&["img-gpu"]).text().replacen(from, to, 1);
        let response = exchange(&emulator.url(), &request).unwrap();
        assert_eq!((response.status, response.error()), (404, (404, "NOT_FOUND".to_owned())), "{to}");
    }
}
