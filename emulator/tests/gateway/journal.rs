//! The records of calls.

use std::io::{Read as _, Write as _};

use jdcloud_emulator::{Emulator, Options, Scenario};
use serde_json::Value;

use crate::client::{Call, TIMEOUT, connect, emulator, exchange};

#[test]
fn every_call_is_recorded() {
    let emulator = emulator(Scenario::default());
    Call::new(&["img-gpu", "img-free"]).unsigned("user-agent", "test/1").send(&emulator).unwrap();
    Call::new(&[]).region("cn-east-2").send(&emulator).unwrap();
    Call::new(&["img-gpu"]).region("cn-nowhere-9").send(&emulator).unwrap();
    exchange(&emulator.url(), "GET /favicon.ico HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();

    let calls = emulator.calls();
    assert_eq!(calls.iter().map(|call| call.status.unwrap()).collect::<Vec<_>>(), [200, 200, 404, 404]);
    assert_eq!(calls[0].ids, ["img-gpu", "img-free"]);
    assert_eq!(calls[0].user_agent.as_deref(), Some("test/1"));
    assert_eq!(calls[0].headers["content-type"], "application/json");
    assert_eq!(calls[1].region.as_deref(), Some("cn-east-2"));
    assert_eq!(calls[2].error.as_deref(), Some("NOT_FOUND"));
    assert_eq!((calls[3].region.as_deref(), calls[3].target.as_str()), (None, "/favicon.ico"));
    assert_eq!(
        (calls[2].operation.as_deref(), &calls[3].operation),
        (Some("describeImageConstraintsBatch"), &None)
    );

    assert!(emulator.wait_for(TIMEOUT, |counters| counters.in_flight == 0));
    let counters = emulator.counters();
    assert_eq!((counters.calls, counters.failed), (3, 1));
    assert_eq!((counters.with_ids, counters.without_ids), (2, 1));
    assert_eq!(
        counters.per_region.into_keys().collect::<Vec<_>>(),
        ["cn-east-2", "cn-north-1", "cn-nowhere-9"]
    );
    assert_eq!(counters.ids_per_call.into_iter().collect::<Vec<_>>(), [(0, 1), (1, 1), (2, 1)]);
    assert_eq!(counters.connections_accepted, 4);
}

#[test]
fn calls_are_recorded_with_their_operation() {
    let emulator = emulator(Scenario::default());
    for (resource, query) in
        [("images", "ids.1=img-debian12&ids.2=x"), ("images/img-debian12", ""), ("instanceTypes", "")]
    {
        assert_eq!(Call::of(resource, query).send(&emulator).unwrap().status, 200);
    }
    let calls = emulator.calls();
    let operations: Vec<_> = calls.iter().map(|call| call.operation.as_deref().unwrap()).collect();
    assert_eq!(operations, ["describeImages", "describeImage", "describeInstanceTypes"]);
    assert_eq!((&*calls[0].ids.concat(), &*calls[1].ids.concat()), ("img-debian12x", "img-debian12"));
    assert_eq!(emulator.counters().per_operation["describeImage"], 1);
}

#[test]
fn a_kept_connection_is_counted_once() {
    let emulator = emulator(Scenario::default());
    let mut stream = connect(&emulator.url());
    for _ in 0..3 {
        let request = Call::new(&["img-gpu"]).text().replace("connection: close\r\n", "");
        stream.write_all(request.as_bytes()).unwrap();
        let mut byte = [0];
        let mut seen = Vec::new();
        while !seen.ends_with(b"]}}]}}") {
            stream.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
    }
    let counters = emulator.counters();
    assert_eq!((counters.calls, counters.connections_accepted, counters.connections_open), (3, 1, 1));
    assert!(emulator.calls().iter().all(|call| call.connection == 1));
    drop(stream);
    assert!(emulator.wait_for(TIMEOUT, |counters| counters.connections_open == 0));
}

#[test]
fn concurrent_calls_are_counted() {
    let emulator = emulator(Scenario { hang_first: 3, ..Scenario::default() });
    let send = |_| {
        let mut stream = connect(&emulator.url());
        stream.write_all(Call::new(&[]).text().as_bytes()).unwrap();
        stream
    };
    let streams: Vec<_> = (0..3).map(send).collect();
    assert!(emulator.wait_for(TIMEOUT, |counters| counters.in_flight == 3));
    drop(streams);
    assert!(emulator.wait_for(TIMEOUT, |counters| counters.in_flight == 0));
    assert_eq!(emulator.counters().peak_in_flight, 3);
    assert_eq!(emulator.counters().failed, 3);
    assert!(emulator.calls().iter().all(|call| call.over && call.status.is_none()));
}

#[test]
fn the_records_are_available_over_http_and_can_be_reset() {
    let emulator = emulator(Scenario::default());
    Call::new(&["img-gpu"]).send(&emulator).unwrap();
    let ask = |method, path| {
        let request = format!("{method} /_emulator/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        exchange(&emulator.url(), &request).unwrap()
    };
    let report: Value = ask("GET", "calls").json();
    assert_eq!(report["calls"][0]["ids"][0], "img-gpu");
    assert_eq!(report["counters"]["calls"], 1);
    assert_eq!(ask("POST", "reset").status, 204);
    let report: Value = ask("GET", "calls").json();
    assert_eq!((&report["counters"]["calls"], report["calls"].as_array().unwrap().len()), (&0.into(), 0));
    assert_eq!(ask("GET", "nonsense").status, 404);
}

#[test]
fn an_emulator_ends_with_its_handle() {
    let emulator = emulator(Scenario { hang_first: 1, ..Scenario::default() });
    let url = emulator.url();
    let mut stream = connect(&url);
    stream.write_all(Call::new(&[]).text().as_bytes()).unwrap();
    assert!(emulator.wait_for(TIMEOUT, |counters| counters.in_flight == 1));
    drop(emulator);
    assert!(!matches!(stream.read(&mut [0; 16]), Ok(1..)));
    assert!(std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).is_err());
}

#[test]
fn only_loopback_addresses_are_accepted() {
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        let options = Options { address: address.parse().unwrap(), ..Options::default() };
        let error = Emulator::start(options).unwrap_err();
        assert!(error.to_string().contains("not a loopback address"), "{error}");
    }
}
