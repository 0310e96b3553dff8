//! Limits on one call, with an error or silent, and faults of whole-region listings.

use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use jdcloud_emulator::{Catalogue, Scenario, SilentIds, WithoutIds};

use crate::client::{Call, TIMEOUT, connect, emulator};

const CONSTRAINED: [&str; 3] = ["img-excludes-none", "img-gpu", "img-ubuntu2204"];

#[test]
fn a_silent_limit_on_ids_answers_the_first_of_them_only() {
    let emulator = emulator(Scenario { silent_max_ids: Some(2), ..Scenario::default() });
    let ids = |asked: &[&str]| Call::new(asked).send(&emulator).unwrap().ids();
    assert_eq!(ids(&CONSTRAINED), CONSTRAINED[..2]);
    assert_eq!(ids(&["img-free", "img-private", "img-gpu"]), [""; 0], "ids without a row count, too");
    assert_eq!(ids(&["img-gpu"]), ["img-gpu"]);
    assert_eq!(ids(&[]).len(), 9, "a call without ids names none");
}

#[test]
fn a_silent_limit_on_ids_may_leave_the_last_or_the_smallest_ones() {
    let asked = ["img-gpu", "img-ubuntu2204", "img-excludes-none"];
    for (silent_ids, mut expected) in
        [(SilentIds::Last, asked[1..].to_vec()), (SilentIds::Smallest, vec![asked[2], asked[0]])]
    {
        let emulator = emulator(Scenario { silent_max_ids: Some(2), silent_ids, ..Scenario::default() });
        let mut answered = Call::new(&asked).send(&emulator).unwrap().ids();
        answered.sort();
        expected.sort_unstable();
        assert_eq!(answered, expected, "{silent_ids:?}");
    }
}

#[test]
fn a_silent_limit_on_rows_cuts_the_list() {
    let emulator = emulator(Scenario { silent_max_rows: Some(2), ..Scenario::default() });
    let ids = |asked: &[&str]| Call::new(asked).send(&emulator).unwrap().ids();
    assert_eq!(ids(&["img-free", "img-private", "img-gpu"]), ["img-gpu"]);
    assert_eq!(ids(&CONSTRAINED), CONSTRAINED[..2]);
    assert_eq!(ids(&[]).len(), 2);
}

#[test]
fn a_bad_id_can_be_refused_without_being_named() {
    for (poisoned_status, error) in [(400, "INVALID_ARGUMENT"), (404, "NOT_FOUND"), (500, "INTERNAL")] {
        let poisoned_ids = vec!["img-bad".to_owned()];
        let emulator = emulator(Scenario {
            poisoned_ids,
            poisoned_status,
            poisoned_anonymous: true,
            ..Scenario::default()
        });
        let refused = Call::new(&["img-gpu", "img-bad"]).send(&emulator).unwrap();
        assert_eq!(
            (refused.status, refused.error()),
            (poisoned_status, (poisoned_status.into(), error.to_owned()))
        );
        assert!(!String::from_utf8_lossy(&refused.body).contains("img-bad"));
        assert_eq!(Call::new(&["img-gpu"]).send(&emulator).unwrap().ids(), ["img-gpu"]);
    }
}

#[test]
fn a_listing_can_hold_images_without_their_constraints() {
    let constraint = "imageInstanceTypeConstraint";
    for (without_ids, has_constraint) in [(WithoutIds::BareRows, false), (WithoutIds::RowsWithoutTypes, true)]
    {
        let emulator = emulator(Scenario { without_ids, ..Scenario::default() });
        let listing = Call::new(&[]).send(&emulator).unwrap();
        assert!(
            listing.ids().contains(&"img-gpu".to_owned()) && listing.ids().contains(&"img-free".to_owned())
        );
        assert!(!listing.ids().contains(&"img-private".to_owned()));
        for row in listing.json()["result"]["imageConstraints"].as_array().unwrap() {
            assert_eq!(row.get(constraint).is_some(), has_constraint, "{row}");
            assert!(row[constraint]["instanceTypes"].is_null(), "{row}");
        }
        let by_name = Call::new(&["img-gpu"]).send(&emulator).unwrap().json();
        assert!(by_name["result"]["imageConstraints"][0][constraint]["instanceTypes"].is_array());
    }
}

#[test]
fn a_listing_that_hangs_leaves_calls_with_ids_alone() {
    let emulator = emulator(Scenario { without_ids: WithoutIds::Hang, ..Scenario::default() });
    let mut stream = connect(&emulator.url());
    stream.write_all(Call::new(&[]).text().as_bytes()).unwrap();
    assert!(emulator.wait_for(TIMEOUT, |counters| counters.in_flight == 1));
    assert_eq!(Call::new(&["img-gpu"]).send(&emulator).unwrap().ids(), ["img-gpu"]);
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn only_the_listing_is_slow() {
    let scenario = Scenario { without_ids_latency_ms: 300, ..Scenario::default() };
    let emulator = emulator(scenario);
    let took = |ids: &[&str]| {
        let start = Instant::now();
        assert_eq!(Call::new(ids).send(&emulator).unwrap().status, 200);
        start.elapsed()
    };
    assert!(took(&[]) >= Duration::from_millis(300));
    let fastest = (0..20).map(|_| took(&["img-gpu"])).min();
    assert!(fastest < Some(Duration::from_millis(300)), "{fastest:?}");
}

#[test]
fn a_silent_limit_holds_for_a_large_batch() {
    let emulator = emulator(Scenario { silent_max_ids: Some(33), ..Scenario::default() });
    emulator.set_catalogue(Catalogue::generated(100, 1));
    let ids: Vec<_> = (1..=100).map(|number| format!("img-{number:010}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(Call::new(&ids).send(&emulator).unwrap().ids(), ids[..33]);
}
