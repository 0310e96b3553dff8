//! `describeInstanceTypes`: filters, stock by zone, and whether the images' constraints fit the types.

use std::collections::BTreeSet;

use jdcloud_emulator::{Catalogue, Emulator, Scenario};
use serde_json::{Value, json};

use crate::client::{Call, Response, emulator};

fn get(emulator: &Emulator, query: &str) -> Response {
    Call::of("instanceTypes", query).send(emulator).unwrap()
}

fn names(response: &Response) -> Vec<String> {
    response.column("instanceTypes", "instanceType")
}

#[test]
fn a_region_has_150_types_in_three_zones_in_stock_and_sold_out() {
    let emulator = emulator(Scenario::default());
    for region in ["cn-north-1", "cn-east-1", "cn-east-2"] {
        let answer = Call::of("instanceTypes", "").region(region).send(&emulator).unwrap();
        let names: BTreeSet<_> = names(&answer).into_iter().collect();
        assert_eq!((names.len(), &answer.json()["result"]["totalCount"]), (150, &json!(150)), "{region}");
        for known in ["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large", "s.i3f.metal"] {
            assert!(names.contains(known), "{known}");
        }
        let json = answer.json();
        let types = json["result"]["instanceTypes"].as_array().unwrap();
        let states: Vec<_> = types.iter().flat_map(|one| one["state"].as_array().unwrap()).collect();
        let zones: BTreeSet<_> = states.iter().map(|state| state["az"].as_str().unwrap()).collect();
        assert_eq!(
            zones.into_iter().collect::<Vec<_>>(),
            ["a", "b", "c"].map(|zone| format!("{region}{zone}"))
        );
        let in_stock = states.iter().filter(|state| state["inStock"] == true).count();
        assert!(
            in_stock > 200 && states.len() - in_stock > 60 && states.len() < 450,
            "{in_stock} of {}",
            states.len()
        );
    }
    assert!(names(&Call::of("instanceTypes", "").region("cn-south-1").send(&emulator).unwrap()).is_empty());
}

#[test]
fn filters_select_by_name_zone_and_architecture() {
    let emulator = emulator(Scenario::default());
    let by_name = "filters.1.name=instanceTypes&filters.1.values.1=g.n4.large&filters.1.values.2=nonsense";
    let answer = get(&emulator, by_name);
    assert_eq!(names(&answer), ["g.n4.large"]);
    let state = answer.json()["result"]["instanceTypes"][0]["state"].clone();
    assert_eq!(state.as_array().unwrap().len(), 3, "zones that were not asked for stay");

    let zone = "filters.1.name=az&filters.1.values.1=cn-east-1a";
    let in_zone = names(&get(&emulator, zone)).len();
    assert!((100..150).contains(&in_zone), "{in_zone}");
    assert!(names(&get(&emulator, "filters.1.name=az&filters.1.values.1=cn-east-1x")).is_empty());

    let arm = names(&get(&emulator, "filters.1.name=architecture&filters.1.values.1=arm64"));
    assert!(arm.len() == 12 && arm.iter().all(|name| name.starts_with("g.r")), "{arm:?}");
    let both = "filters.2.name=architecture&filters.2.values.1=arm64";
    assert!(names(&get(&emulator, &format!("{by_name}&{both}"))).is_empty(), "all filters have to hold");
    assert!(names(&get(&emulator, "serviceName=nc")).is_empty());
    assert_eq!(names(&get(&emulator, "serviceName=vm&chargeMode=postpaid_by_spot")).len(), 150);
}

#[test]
fn a_wrong_filter_is_refused() {
    let emulator = emulator(Scenario::default());
    for query in [
        "filters.1.name=zone&filters.1.values.1=cn-east-1a",
        "filters.1.name=az",
        "filters.1.name=architecture&filters.1.values.1=arm64&filters.1.values.2=x86_64",
        "filters.1.values.1=g.n4.large",
        "serviceName=gpu",
        "pageSize=100",
    ] {
        assert_eq!(get(&emulator, query).error(), (400, "INVALID_ARGUMENT".to_owned()), "{query}");
    }
}

#[test]
fn stock_changes_with_every_second_call() {
    let emulator = emulator(Scenario { stock_changes: true, ..Scenario::default() });
    let stock = || {
        let query = "filters.1.name=instanceTypes&filters.1.values.1=c.n4.large";
        let state = get(&emulator, query).json()["result"]["instanceTypes"][0]["state"].clone();
        state.as_array().unwrap().iter().map(|zone| zone["inStock"] == true).collect::<Vec<_>>()
    };
    assert_eq!(stock(), [false, true, true]);
    assert_eq!(stock(), [true, false, false]);
    assert_eq!(stock(), [false, true, true]);
}

#[test]
fn types_are_sent_as_the_catalogue_has_them() {
    let emulator = emulator(Scenario::default());
    let one = json!({"instanceType": "g.n9.large", "state": null});
    let mut catalogue = Catalogue::empty();
    catalogue.insert_instance_type("cn-east-1", one.clone());
    catalogue.insert_instance_type("cn-east-1", Value::Null);
    let text = serde_json::to_string(&catalogue).unwrap();
    assert_eq!(text, r#"{"cn-east-1":{"instanceTypes":[{"instanceType":"g.n9.large","state":null},null]}}"#);
    emulator.set_catalogue(Catalogue::from_json(&text).unwrap());
    assert_eq!(get(&emulator, "").json()["result"]["instanceTypes"], json!([one, null]));
}

#[test]
fn constraints_of_the_realistic_region_name_its_own_types_and_leave_some() {
    let emulator = emulator(Scenario::default());
    let known: BTreeSet<_> = names(&get(&emulator, "")).into_iter().collect();
    let rows = Call::new(&[]).region("cn-east-1").send(&emulator).unwrap().json();
    let rows = rows["result"]["imageConstraints"].as_array().unwrap().clone();
    assert!(rows.len() > 40, "{}", rows.len());
    for row in &rows {
        let constraint = &row["imageInstanceTypeConstraint"];
        let types: BTreeSet<String> = serde_json::from_value(constraint["instanceTypes"].clone()).unwrap();
        assert!(types.is_subset(&known) && !types.is_empty() && types.len() < known.len(), "{row}");
    }
    let of = |id: &str| rows.iter().find(|row| row["imageId"] == id);
    assert!(of("img-debian12").is_none() && of("img-mine-web").is_none() && of("img-shared-web").is_none());
    assert_eq!(of("img-cuda").unwrap()["imageInstanceTypeConstraint"]["constraintsType"], "includes");
}

#[test]
fn the_documentation_has_a_catalogue_of_its_own() {
    let emulator = emulator(Scenario::default());
    emulator.set_catalogue(Catalogue::documented());
    let answer = Call::new(&[]).send(&emulator).unwrap();
    assert_eq!(answer.ids(), ["img-m5s0****29", "img-m5s0****30"]);
    let masked = Call { query: "ids.1=img-m5s0%2A%2A%2A%2A30".to_owned(), ..Call::new(&[]) };
    let types = masked.send(&emulator).unwrap().json()["result"]["imageConstraints"][0].clone();
    assert_eq!(
        types["imageInstanceTypeConstraint"],
        json!({"constraintsType": "excludes", "instanceTypes": ["p.c1p40g.3large", "p.c1p40g.xlarge", "m.n4.2xlarge", "g.n4.8xlarge"]})
    );
}
