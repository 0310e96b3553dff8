//! `describeImages` and `describeImage`: what a query selects, how it is paged, and what goes wrong with pages.

use std::collections::BTreeSet;

use jdcloud_emulator::{Answer, Catalogue, Emulator, Image, MalformedRow, Paging, RawAnswer, Scenario};
use serde_json::{Value, json};

use crate::client::{Call, Response, emulator};

fn get(emulator: &Emulator, query: &str) -> Response {
    Call::of("images", query).send(emulator).unwrap()
}

fn ids(response: &Response) -> Vec<String> {
    response.column("images", "imageId")
}

fn total(response: &Response) -> u64 {
    response.json()["result"]["totalCount"].as_u64().unwrap()
}

#[test]
fn every_source_has_its_images_and_delisted_ones_come_only_when_asked_for() {
    let emulator = emulator(Scenario::default());
    for (query, expected) in [
        ("imageSource=public", 35),
        ("imageSource=public&offline=false", 35),
        ("imageSource=public&offline=true", 8),
        ("imageSource=thirdparty", 7),
        ("imageSource=thirdparty&offline=true", 1),
        ("imageSource=private", 5),
        ("imageSource=private&offline=true", 5),
        ("imageSource=shared", 3),
        ("imageSource=community", 3),
    ] {
        let response = get(&emulator, &format!("{query}&pageSize=100"));
        assert_eq!((ids(&response).len() as u64, total(&response)), (expected, expected), "{query}");
    }
}

#[test]
fn all_parameters_have_to_hold() {
    let emulator = emulator(Scenario::default());
    for (query, expected) in [
        ("platform=Ubuntu&imageName=22.04&architecture=x86_64", &["img-ubuntu2204b", "img-ubuntu2204c"][..]),
        ("platform=Ubuntu&imageName=22.04&architecture=arm64", &["img-ubuntu2204arm"]),
        ("platform=Windows%20Server&imageName=2022", &["img-win2022en", "img-win2022zh"]),
        (
            "imageName=Debian&status=ready&rootDeviceType=cloudDisk&launchPermission=all",
            &["img-debian10", "img-debian11", "img-debian12"],
        ),
        ("imageName=Debian&status=pending", &[]),
        ("imageName=Debian&rootDeviceType=localDisk", &[]),
        ("bootMode=uefi&platform=CentOS", &["img-centos79arm", "img-centos82arm"]),
    ] {
        assert_eq!(ids(&get(&emulator, &format!("imageSource=public&{query}"))), expected, "{query}");
    }
}

#[test]
fn ids_find_images_of_any_source_and_unknown_ones_are_left_out() {
    let emulator = emulator(Scenario::default());
    let query =
        "ids.1=img-mine-web&ids.2=img-nowhere&ids.3=img-shared-web&ids.4=img-ubuntu2204a&ids.5=img-lamp";
    let response = get(&emulator, query);
    assert_eq!(ids(&response), ["img-lamp", "img-mine-web", "img-shared-web", "img-ubuntu2204a"]);
    let json = response.json();
    let images = json["result"]["images"].as_array().unwrap();
    assert_eq!(
        (&images[3]["offline"], images[1].get("offline")),
        (&json!(true), None),
        "offline is not for private ones"
    );
    assert_eq!(
        ids(&get(&emulator, &format!("{query}&offline=true"))).len(),
        4,
        "offline is ignored beside ids"
    );
    assert_eq!(ids(&get(&emulator, &format!("{query}&imageSource=private"))), ["img-mine-web"]);
}

#[test]
fn pages_cover_all_images_once_and_end() {
    let emulator = emulator(Scenario::default());
    let page = |number: u64| get(&emulator, &format!("imageSource=public&pageSize=10&pageNumber={number}"));
    let pages: Vec<_> = (1..=4).map(|number| ids(&page(number))).collect();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 10, 5]);
    assert_eq!(pages.concat().into_iter().collect::<BTreeSet<_>>().len(), 35);
    let past_the_end = page(5);
    assert_eq!((ids(&past_the_end).len(), total(&past_the_end)), (0, 35));
    assert_eq!(ids(&get(&emulator, "imageSource=public")).len(), 20, "the default page size");
}

#[test]
fn ids_are_paged_like_everything_else() {
    let emulator = emulator(Scenario::default());
    let mut catalogue = Catalogue::empty();
    let query: String = (1..=30).map(|number| format!("&ids.{number}=img-{number:02}")).collect();
    for number in 1..=30 {
        catalogue.insert("cn-east-1", &format!("img-{number:02}"), Image::default());
    }
    emulator.set_catalogue(catalogue);
    let first = get(&emulator, &query[1..]);
    assert_eq!((ids(&first).len(), total(&first)), (20, 30));
    assert_eq!(ids(&get(&emulator, &format!("pageSize=100{query}"))).len(), 30);
}

#[test]
fn invalid_parameters_are_refused_with_the_documented_errors() {
    let emulator = emulator(Scenario::default());
    for (query, status, message) in [
        ("", "FAILED_PRECONDITION", "Parameter ImageSource missing"),
        ("platform=Ubuntu", "FAILED_PRECONDITION", "Parameter ImageSource missing"),
        ("imageSource=public&pageSize=9", "OUT_OF_RANGE", "PageSize out of range"),
        ("imageSource=public&pageSize=101", "OUT_OF_RANGE", "PageSize out of range"),
        ("imageSource=public&pageNumber=0", "OUT_OF_RANGE", "PageNumber out of range"),
        ("imageSource=public&pageNumber=x", "INVALID_ARGUMENT", "pageNumber is not a number"),
        ("imageSource=marketplace", "INVALID_ARGUMENT", "Invalid imageSource 'marketplace'"),
        ("imageSource=public&offline=yes", "INVALID_ARGUMENT", "offline is not a boolean"),
        ("imageSource=public&osVersion=22.04", "INVALID_ARGUMENT", "unknown parameter 'osVersion'"),
        ("ids.2=img-a", "INVALID_ARGUMENT", "ids.1 is missing or repeated"),
        ("imageSource=public&imageSource=private", "INVALID_ARGUMENT", "imageSource is repeated"),
    ] {
        let response = get(&emulator, query);
        let error = response.json()["error"].clone();
        assert_eq!(
            (response.status, &error["status"], &error["message"]),
            (400, &json!(status), &json!(message)),
            "{query}"
        );
    }
    let nowhere = Call::of("images", "imageSource=public").region("cn-nowhere-9").send(&emulator).unwrap();
    assert_eq!(nowhere.error(), (404, "NOT_FOUND".to_owned()));
}

#[test]
fn one_image_is_an_object_or_not_found() {
    let emulator = emulator(Scenario::default());
    let image =
        Call::of("images/img-ubuntu2204c", "").send(&emulator).unwrap().json()["result"]["image"].clone();
    assert_eq!((&image["name"], &image["osVersion"]), (&json!("Ubuntu 22.04 64位"), &json!("22.04")));
    let absent = Call::of("images/img-nowhere", "").send(&emulator).unwrap();
    assert_eq!(absent.error(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(absent.json()["error"]["message"], "Image 'img-nowhere' not found");
}

#[test]
fn a_catalogue_says_what_an_image_is() {
    let emulator = emulator(Scenario::default());
    let text =
        r#"{"cn-east-1": {"img-a": {"details": {"status": "sleeping", "osVersion": null, "name": "A"}}}}"#;
    emulator.set_catalogue(Catalogue::from_json(text).unwrap());
    let image = get(&emulator, "ids.1=img-a").json()["result"]["images"][0].clone();
    assert_eq!(
        image,
        json!({"imageId": "img-a", "imageSource": "public", "offline": false, "name": "A", "status": "sleeping", "osVersion": null})
    );
}

#[test]
fn each_paging_fault_has_its_form() {
    let pages = |paging| {
        let emulator = emulator(Scenario { paging, ..Scenario::default() });
        [1, 2, 3].map(|number| {
            let page = get(&emulator, &format!("imageSource=public&pageSize=10&pageNumber={number}"));
            (total(&page), ids(&page))
        })
    };
    let [first, second, third] = pages(Paging::Normal);
    let totals = |pages: [(u64, Vec<String>); 3]| pages.map(|(total, _)| total);
    assert_eq!(totals(pages(Paging::GrowingTotal)), [35, 36, 37]);
    assert_eq!(totals(pages(Paging::ShrinkingTotal)), [35, 34, 33]);
    let [a, b, c] = pages(Paging::Overlap);
    assert_eq!((&a, b.1.first(), &b.1[1..]), (&first, first.1.last(), &second.1[..9]));
    assert_eq!(c.1[..2], second.1[8..]);
    assert_eq!(pages(Paging::EmptyEarly), [first.clone(), (35, Vec::new()), (35, Vec::new())]);
    assert_eq!(pages(Paging::FirstPage), [first.clone(), first.clone(), first.clone()]);
    assert!(!third.1.is_empty());
}

#[test]
fn faults_can_be_limited_to_one_operation() {
    let scenario = Scenario {
        answer: Answer::PermissionDenied,
        only_operations: vec!["describeImages".to_owned()],
        fail_first: 1,
        latency_ms: 1,
        ..Scenario::default()
    };
    let emulator = emulator(scenario);
    assert_eq!(Call::new(&["img-gpu"]).send(&emulator).unwrap().ids(), ["img-gpu"], "it is not counted");
    assert_eq!(get(&emulator, "imageSource=public").status, 500);
    assert_eq!(get(&emulator, "imageSource=public").error(), (403, "PERMISSION_DENIED".to_owned()));
    assert_eq!(Call::of("instanceTypes", "").send(&emulator).unwrap().status, 200);
    assert_eq!(Call::of("images/img-debian12", "").send(&emulator).unwrap().status, 200);
}

#[test]
fn faults_apply_to_images_as_to_constraints() {
    let scenario = |scenario| {
        emulator(Scenario { poisoned_ids: vec!["img-bad".to_owned()], max_ids: Some(2), ..scenario })
    };
    let plain = scenario(Scenario { poisoned_status: 404, silent_max_ids: Some(1), ..Scenario::default() });
    assert_eq!(get(&plain, "ids.1=img-bad").error(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(Call::of("images/img-bad", "").send(&plain).unwrap().status, 404);
    assert_eq!(get(&plain, "ids.1=a&ids.2=b&ids.3=c").status, 400);
    assert_eq!(ids(&get(&plain, "ids.1=img-lamp&ids.2=img-docker")), ["img-lamp"]);

    let faulty = scenario(Scenario {
        extra_fields: true,
        malformed_row: Some(MalformedRow::NoImageId),
        ..Scenario::default()
    });
    let image = get(&faulty, "ids.1=img-lamp").json()["result"]["images"][0].clone();
    assert_eq!((image.get("imageId"), &image["uefiSupport"]), (None, &json!(true)));

    let body = r#"{"requestId":"r","result":{"images":[{{rows}}],"totalCount":7}}"#;
    let raw = scenario(Scenario { raw_answer: Some(RawAnswer::new(200, body)), ..Scenario::default() });
    let answer = get(&raw, "ids.1=img-lamp");
    assert_eq!((ids(&answer), total(&answer)), (vec!["img-lamp".to_owned()], 7));
    assert_ne!(answer.json()["result"]["images"][0]["platform"], Value::Null);
}
