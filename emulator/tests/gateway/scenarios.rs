//! Each fault, as a client sees it.

use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use jdcloud_emulator::{
    Answer, Emulator, FailBody, MalformedRow, RetryAfter, Scenario, ShareForm, ThrottleForm, UnknownRegion,
    WithoutIds,
};
use serde_json::{Value, json};

use crate::client::{Call, Response, TIMEOUT, connect, emulator, exchange, parse_http_date};

fn get(emulator: &Emulator, ids: &[&str]) -> Response {
    Call::new(ids).send(emulator).unwrap()
}

fn healthy(emulator: &Emulator) -> bool {
    let answer = get(emulator, &["img-gpu"]);
    answer.status == 200 && answer.ids() == ["img-gpu"]
}

#[test]
fn latency_keeps_a_client_waiting() {
    let emulator = emulator(Scenario { latency_ms: 150, jitter_ms: 10, ..Scenario::default() });
    let start = Instant::now();
    assert!(healthy(&emulator));
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[test]
fn a_throttle_lets_some_calls_pass_and_says_how_long_to_wait() {
    let retry_after = RetryAfter::Seconds;
    let emulator = emulator(Scenario { throttle_per_minute: Some(2), retry_after, ..Scenario::default() });
    assert!(healthy(&emulator) && healthy(&emulator));
    let throttled = get(&emulator, &[]);
    assert_eq!((throttled.status, throttled.error()), (429, (429, "HTTP_RATE_LIMIT_EXCEEDED".to_owned())));
    let wait: u64 = throttled.headers["retry-after"].parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[test]
fn a_throttle_opens_again() {
    let scenario = Scenario { throttle_per_minute: Some(1), throttle_window_ms: 100, ..Scenario::default() };
    let emulator = emulator(scenario);
    let deadline = Instant::now() + TIMEOUT;
    for awaited in [429, 200, 429, 200] {
        while get(&emulator, &[]).status != awaited {
            assert!(Instant::now() < deadline, "no {awaited}");
        }
    }
}

#[test]
fn a_throttled_call_is_answered_in_the_chosen_form() {
    let throttled = |throttle_form| {
        let scenario = Scenario { throttle_per_minute: Some(0), throttle_form, ..Scenario::default() };
        get(&emulator(scenario), &["img-gpu"])
    };
    let quota = throttled(ThrottleForm::Quota);
    assert_eq!((quota.status, quota.error()), (429, (429, "QUOTA_EXCEEDED".to_owned())));
    let inside = throttled(ThrottleForm::InsideOk);
    assert_eq!((inside.status, inside.error()), (200, (429, "HTTP_RATE_LIMIT_EXCEEDED".to_owned())));
    let text = throttled(ThrottleForm::Text);
    assert_eq!((text.status, text.headers["content-type"].as_str()), (429, "text/plain"));
    assert!(!text.headers.contains_key("retry-after"));
}

#[test]
fn retry_after_comes_in_both_forms() {
    let scenario = Scenario {
        fail_first: 1,
        fail_status: 503,
        retry_after: RetryAfter::Date,
        retry_after_s: Some(300),
        clock_skew_s: -600,
        ..Scenario::default()
    };
    let emulator = emulator(scenario.clone());
    let response = get(&emulator, &[]);
    let time = |name| parse_http_date(&response.headers[name]);
    assert_eq!((time("retry-after") - time("date")).whole_seconds(), 300, "by the server's own clock");
    emulator.set_scenario(Scenario { retry_after: RetryAfter::Seconds, ..scenario });
    assert_eq!(get(&emulator, &[]).headers["retry-after"], "300");
}

#[test]
fn the_first_calls_fail_as_chosen_and_the_next_succeeds() {
    let first = |scenario| {
        let emulator = emulator(Scenario { fail_first: 2, ..scenario });
        let failed = get(&emulator, &["img-gpu"]);
        assert_eq!(get(&emulator, &["img-gpu"]).status, failed.status);
        assert!(healthy(&emulator));
        failed
    };
    for (status, error) in [
        (400, "INVALID_ARGUMENT"),
        (403, "HTTP_FORBIDDEN"),
        (404, "NOT_FOUND"),
        (413, "HTTP_REQUEST_ENTITY_TOO_LARGE"),
        (429, "HTTP_RATE_LIMIT_EXCEEDED"),
        (500, "INTERNAL"),
        (502, "HTTP_BAD_GATEWAY"),
        (503, "HTTP_SERVICE_UNAVAILABLE"),
        (504, "HTTP_SERVER_TIMING_OUT"),
    ] {
        let failed = first(Scenario { fail_status: status, ..Scenario::default() });
        assert_eq!((failed.status, failed.error()), (status, (u64::from(status), error.to_owned())));
    }
    let named = first(Scenario { fail_error: Some("UNKNOWN".to_owned()), ..Scenario::default() });
    assert_eq!(named.error(), (500, "UNKNOWN".to_owned()));
    let page = first(Scenario { fail_body: FailBody::Html, fail_status: 502, ..Scenario::default() });
    assert_eq!((page.status, page.headers["content-type"].as_str()), (502, "text/html; charset=utf-8"));
    let empty = first(Scenario { fail_body: FailBody::Empty, ..Scenario::default() });
    assert_eq!((empty.status, empty.body.len()), (500, 0));
}

#[test]
fn a_random_share_fails_and_a_seed_repeats_it() {
    let story = |seed, fail_share_form| -> Vec<bool> {
        let emulator = emulator(Scenario { fail_share: 0.5, seed, fail_share_form, ..Scenario::default() });
        (0..32).map(|_| Call::new(&[]).send(&emulator).is_ok_and(|answer| answer.status == 200)).collect()
    };
    let told = story(7, ShareForm::Status);
    assert!(told.contains(&true) && told.contains(&false));
    assert_eq!(told, story(7, ShareForm::Status));
    assert_eq!(told, story(7, ShareForm::Reset));
    assert_ne!(told, story(8, ShareForm::Status));
}

#[test]
fn a_connection_is_reset_before_the_answer() {
    let emulator = emulator(Scenario { reset_first: 1, ..Scenario::default() });
    let error = Call::new(&[]).send(&emulator).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(healthy(&emulator));
    assert_eq!(emulator.calls()[0].status, None);
}

#[test]
fn a_call_that_hangs_leaves_others_alone() {
    let emulator = emulator(Scenario { hang_first: 1, ..Scenario::default() });
    let mut stream = connect(&emulator.url());
    stream.write_all(Call::new(&[]).text().as_bytes()).unwrap();
    assert!(emulator.wait_for(TIMEOUT, |counters| counters.in_flight == 1));
    assert!(healthy(&emulator));
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_poisoned_id_fails_the_calls_that_carry_it() {
    for (poisoned_status, error) in [(400, "INVALID_ARGUMENT"), (404, "NOT_FOUND"), (500, "INTERNAL")] {
        let poisoned_ids = vec!["img-bad".to_owned(), "img-worse".to_owned()];
        let emulator = emulator(Scenario { poisoned_ids, poisoned_status, ..Scenario::default() });
        let failed = get(&emulator, &["img-gpu", "img-worse"]);
        assert_eq!(
            (failed.status, failed.error()),
            (poisoned_status, (poisoned_status.into(), error.to_owned()))
        );
        assert!(healthy(&emulator));
        assert_eq!(get(&emulator, &[]).status, 200);
    }
}

#[test]
fn too_many_ids_or_too_long_a_url_are_refused() {
    for max_ids_status in [400, 413, 414] {
        let emulator = emulator(Scenario { max_ids: Some(2), max_ids_status, ..Scenario::default() });
        assert_eq!(get(&emulator, &["a", "b"]).status, 200);
        assert_eq!(get(&emulator, &["a", "b", "c"]).status, max_ids_status);
    }
    let emulator = emulator(Scenario::default());
    let of_length = |length: usize| {
        let rest = Call::new(&["a"]).target().len() - 1;
        Call::new(&["a".repeat(length - rest).as_str()])
    };
    assert_eq!(of_length(8192).target().len(), 8192);
    assert_eq!(of_length(8192).send(&emulator).unwrap().status, 200);
    let long = of_length(8193).send(&emulator).unwrap();
    assert_eq!((long.status, long.error()), (414, (414, "HTTP_URI_TOO_LONG".to_owned())));
    emulator.set_scenario(Scenario { max_url_bytes: 100, ..Scenario::default() });
    assert_eq!(of_length(101).send(&emulator).unwrap().status, 414);
}

#[test]
fn a_call_without_ids_can_be_refused_or_answered_in_part() {
    let emulator = emulator(Scenario::default());
    let all = get(&emulator, &[]).ids();
    let with = |without_ids| {
        emulator.set_scenario(Scenario { without_ids, ..Scenario::default() });
        assert!(healthy(&emulator), "calls with ids are not meant");
        get(&emulator, &[])
    };
    assert_eq!(with(WithoutIds::Refused).error(), (400, "INVALID_ARGUMENT".to_owned()));
    assert!(with(WithoutIds::Empty).ids().is_empty());
    assert_eq!(with(WithoutIds::Subset).ids(), all[..all.len().div_ceil(2)]);
    assert_eq!(with(WithoutIds::Everything).ids(), all);
}

#[test]
fn an_unknown_region_is_not_found_or_empty() {
    let emulator = emulator(Scenario::default());
    let ask = || Call::new(&["img-gpu"]).region("cn-nowhere-9").send(&emulator).unwrap();
    assert_eq!(ask().error(), (404, "NOT_FOUND".to_owned()));
    emulator.set_scenario(Scenario { unknown_region: UnknownRegion::Empty, ..Scenario::default() });
    assert!(ask().ids().is_empty());
}

#[test]
fn each_wrong_answer_has_its_form() {
    let wrong = |answer| {
        let emulator = emulator(Scenario { answer, only_first: Some(1), ..Scenario::default() });
        let response = get(&emulator, &["img-gpu"]);
        assert!(healthy(&emulator), "only the first answer is wrong");
        response
    };
    let page = wrong(Answer::Html);
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert_eq!(wrong(Answer::EmptyObject).body, b"{}");
    let nameless = wrong(Answer::NoRequestId);
    assert_eq!((nameless.ids(), nameless.json().get("requestId")), (vec!["img-gpu".to_owned()], None));
    let null = wrong(Answer::ResultNull).json();
    assert!(null["requestId"].is_string() && null.get("result") == Some(&Value::Null));
    let absent = wrong(Answer::ResultAbsent).json();
    assert!(absent["requestId"].is_string() && absent.get("result").is_none());
    assert_eq!(wrong(Answer::ForbiddenIp).error(), (403, "HTTP_FORBIDDEN".to_owned()));
    assert_eq!(wrong(Answer::PermissionDenied).error(), (403, "PERMISSION_DENIED".to_owned()));
    let elsewhere = wrong(Answer::Redirect);
    let location = "/elsewhere/v1/regions/cn-north-1/imageConstraints?ids.1=img-gpu";
    assert_eq!((elsewhere.status, elsewhere.headers["location"].as_str()), (302, location));
}

#[test]
fn the_first_row_is_malformed() {
    let first = |fault| {
        let scenario = Scenario { malformed_row: Some(fault), ..Scenario::default() };
        let answer = get(&emulator(scenario), &["img-gpu", "img-ubuntu2204"]).json();
        assert_eq!(answer["result"]["imageConstraints"][1]["imageId"], "img-ubuntu2204");
        answer["result"]["imageConstraints"][0].clone()
    };
    assert_eq!(first(MalformedRow::NoImageId).get("imageId"), None);
    let rule = |fault| first(fault)["imageInstanceTypeConstraint"].clone();
    assert_eq!(rule(MalformedRow::EmptyType)["constraintsType"], "");
    assert_eq!(rule(MalformedRow::NullType)["constraintsType"], Value::Null);
    assert_eq!(
        rule(MalformedRow::IncludesNull),
        json!({"constraintsType": "includes", "instanceTypes": null})
    );
}

#[test]
fn undocumented_fields_surround_a_right_answer() {
    let emulator = emulator(Scenario { extra_fields: true, ..Scenario::default() });
    assert!(healthy(&emulator));
    let answer = get(&emulator, &["img-gpu", "img-null"]).json();
    assert_eq!((&answer["traceId"], &answer["result"]["nextToken"]), (&json!("t-1"), &json!("n-1")));
    let row = &answer["result"]["imageConstraints"][0];
    assert_eq!(row["uefiSupport"], true);
    assert_eq!(row["imageInstanceTypeConstraint"]["instanceTypes"][0], "p.c1p40.large");
    assert!(row["imageInstanceTypeConstraint"]["reasons"].is_array());
}

#[test]
fn a_huge_body_is_right_but_huge_and_small_on_the_wire_with_gzip() {
    let emulator = emulator(Scenario { huge_body_mb: Some(8), ..Scenario::default() });
    let plain = get(&emulator, &["img-gpu"]);
    assert!(plain.body.len() > 8 * 1024 * 1024);
    assert_eq!(plain.headers["content-length"], plain.body.len().to_string());
    assert_eq!(plain.ids(), ["img-gpu"]);

    let packed = Call::new(&["img-gpu"]).unsigned("accept-encoding", "gzip").send(&emulator).unwrap();
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert!(packed.body.len() < 256 * 1024, "{}", packed.body.len());
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked.len(), plain.body.len());
}

#[test]
fn a_cut_body_is_shorter_than_content_length_and_cut_json_is_not() {
    let whole = get(&emulator(Scenario::default()), &["img-gpu"]).body.len();
    let cut = get(&emulator(Scenario { cut_body: true, ..Scenario::default() }), &["img-gpu"]);
    assert_eq!((cut.headers["content-length"].as_str(), cut.body.len()), (&*whole.to_string(), whole / 2));
    let cut = get(&emulator(Scenario { cut_json: true, ..Scenario::default() }), &["img-gpu"]);
    assert_eq!(
        (cut.headers["content-length"].as_str(), cut.body.len()),
        (&*(whole / 2).to_string(), whole / 2)
    );
    assert!(serde_json::from_slice::<Value>(&cut.body).is_err());
}

#[test]
fn a_stalled_body_never_ends() {
    let emulator = emulator(Scenario { stall_after_bytes: Some(5), ..Scenario::default() });
    let mut stream = connect(&emulator.url());
    stream.write_all(Call::new(&[]).text().as_bytes()).unwrap();
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\n{\"req") {
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read(&mut byte).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(emulator.counters().in_flight, 1);
    drop(stream);
    assert!(emulator.wait_for(TIMEOUT, |counters| counters.in_flight == 0));
}

#[test]
fn a_slow_body_arrives_whole_in_the_end() {
    let emulator = emulator(Scenario { body_bytes_per_second: Some(500), ..Scenario::default() });
    let start = Instant::now();
    let slow = get(&emulator, &["img-gpu"]);
    let least = Duration::from_secs_f64(slow.body.len() as f64 / 500.0);
    assert!(start.elapsed() >= least, "{:?} for {} bytes", start.elapsed(), slow.body.len());
    assert_eq!(slow.ids(), ["img-gpu"]);
}

#[test]
fn compression_is_there_when_asked_for_and_can_be_refused() {
    let emulator = emulator(Scenario::default());
    let ask = || Call::new(&["img-gpu"]).unsigned("accept-encoding", "br, gzip").send(&emulator).unwrap();
    let packed = ask();
    let mut unpacked = String::new();
    GzDecoder::new(&packed.body[..]).read_to_string(&mut unpacked).unwrap();
    assert!(unpacked.contains("img-gpu"));
    emulator.set_scenario(Scenario { no_gzip: true, ..Scenario::default() });
    assert_eq!(ask().ids(), ["img-gpu"]);
}

#[test]
fn connections_close_after_each_answer() {
    let emulator = emulator(Scenario { close_connections: true, ..Scenario::default() });
    let request = Call::new(&["img-gpu"]).text().replace("connection: close\r\n", "");
    let answer = exchange(&emulator.url(), &request).unwrap();
    assert_eq!((answer.ids(), answer.headers["connection"].as_str()), (vec!["img-gpu".to_owned()], "close"));
}

#[test]
fn faults_combine() {
    let scenario = Scenario {
        reset_first: 1,
        fail_first: 2,
        fail_status: 503,
        max_ids: Some(1),
        cut_json: true,
        only_first: Some(3),
        ..Scenario::default()
    };
    let emulator = emulator(scenario);
    assert!(Call::new(&[]).send(&emulator).is_err());
    let failed = get(&emulator, &[]);
    assert_eq!((failed.status, serde_json::from_slice::<Value>(&failed.body).is_err()), (503, true));
    assert!(serde_json::from_slice::<Value>(&get(&emulator, &["img-gpu"]).body).is_err());
    assert_eq!(get(&emulator, &["a", "b"]).status, 400);
    assert!(healthy(&emulator));
}

#[test]
fn a_scenario_can_be_changed_over_http_and_heals() {
    let emulator = emulator(Scenario::default());
    let put = |body: &str| {
        let length = body.len();
        let request = format!(
            "PUT /_emulator/scenario HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        exchange(&emulator.url(), &request).unwrap()
    };
    for round in 0..2 {
        assert_eq!(put(r#"{"fail_first": 1, "fail_status": 503}"#).status, 204);
        assert_eq!(get(&emulator, &[]).status, 503, "round {round}");
        assert!(healthy(&emulator));
    }
    assert_eq!(put(r#"{"answer": "redirect"}"#).status, 204);
    assert_eq!(get(&emulator, &[]).status, 302);
    let refused = put(r#"{"fail_frist": 1}"#);
    assert_eq!(refused.status, 400);
    assert!(String::from_utf8_lossy(&refused.body).contains("fail_frist"));
    assert_eq!(get(&emulator, &[]).status, 302, "a refused scenario changes nothing");
    assert_eq!(put("{}").status, 204);
    assert!(healthy(&emulator));
    let request = "GET /_emulator/scenario HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(&emulator.url(), request).unwrap().json()["fail_status"], 500);
}
