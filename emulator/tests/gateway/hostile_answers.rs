//! Answers that a client must not believe, or not repeat.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use jdcloud_emulator::{AnswerTo, Credentials, Emulator, Options, RawAnswer, Scenario, TokenEncoding};
use serde_json::json;

use crate::client::{Call, Response, emulator};

fn raw(answer: RawAnswer) -> Emulator {
    emulator(Scenario { raw_answer: Some(answer), ..Scenario::default() })
}

fn get(emulator: &Emulator, ids: &[&str]) -> Response {
    Call::new(ids).send(emulator).unwrap()
}

#[test]
fn an_answer_can_be_written_by_hand() {
    let body = r#"{"requestId":"{{request-id}}","code":500,"message":"internal error"}"#;
    let answer = get(&raw(RawAnswer::new(200, body)), &["img-gpu"]);
    assert_eq!((answer.status, &answer.json()["code"]), (200, &json!(500)));
    assert_eq!(answer.headers["x-jdcloud-request-id"], answer.json()["requestId"].as_str().unwrap());
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");

    let rows = r#"{"requestId":"","result":{"imageConstraints":[{{rows}}]}}"#;
    let nameless = get(&raw(RawAnswer::new(200, rows)), &["img-gpu"]);
    assert_eq!((nameless.ids(), &nameless.json()["requestId"]), (vec!["img-gpu".to_owned()], &json!("")));

    let other_case = r#"{"requestId":"r","result":{"imageConstraints":[{"imageId":"{{id|upper}}"}]}}"#;
    assert_eq!(get(&raw(RawAnswer::new(200, other_case)), &["img-gpu"]).ids(), ["IMG-GPU"]);
}

#[test]
fn a_hand_written_answer_has_any_status() {
    for status in [101, 204, 206, 304, 418, 599] {
        let emulator = emulator(Scenario {
            raw_answer: Some(RawAnswer::new(status, r#"{"requestId":"r"}"#)),
            only_first: Some(1),
            ..Scenario::default()
        });
        assert_eq!(get(&emulator, &["img-gpu"]).status, status);
        assert_eq!(get(&emulator, &["img-gpu"]).ids(), ["img-gpu"], "after {status}");
    }
}

#[test]
fn a_token_can_be_echoed_anywhere() {
    let token = "secret/+=token";
    for (encoding, sent, placeholder) in [
        (TokenEncoding::Base64, STANDARD.encode(token), "{{token|unbase64"),
        (TokenEncoding::Raw, token.to_owned(), "{{token"),
    ] {
        let body =
            format!(r#"{{"requestId":"r {placeholder}|slashes}}}}","error":"{placeholder}|unicode}}}}"}}"#);
        let answer = RawAnswer::new(401, body)
            .header("Location", &format!("/login?t={placeholder}|percent}}}}"))
            .header("Content-Type", &format!("text/{placeholder}}}}}"))
            .header("x-jdcloud-request-id", &format!("{placeholder}}}}}"));
        let credentials =
            Credentials { security_token: Some(token.to_owned()), ..Credentials::new("AK", "SK") };
        let scenario = Scenario { raw_answer: Some(answer), ..Scenario::default() };
        let options = Options {
            credentials: vec![credentials],
            token_encoding: encoding,
            scenario,
            ..Options::default()
        };
        let emulator = Emulator::start(options).unwrap();
        let (access_key, secret_key) = ("AK".to_owned(), "SK".to_owned());
        let call = Call { token: Some(sent), access_key, secret_key, ..Call::new(&["img-gpu"]) };
        let echo = call.send(&emulator).unwrap();
        assert_eq!(echo.headers["location"], "/login?t=secret%2F%2B%3Dtoken");
        assert_eq!(echo.headers["content-type"], "text/secret/+=token");
        assert_eq!(echo.headers["x-jdcloud-request-id"], token);
        let text = String::from_utf8(echo.body.clone()).unwrap();
        assert!(text.contains(r"secret\/+=token") && text.contains(r"\u0073\u0065"), "{text}");
        assert_eq!(
            (&echo.json()["requestId"], &echo.json()["error"]),
            (&json!(format!("r {token}")), &json!(token))
        );
    }
}

#[test]
fn a_small_download_can_hold_millions_of_rows() {
    let body = r#"{"requestId":"r","result":{"imageConstraints":[{{repeat:2000000:{},}}{}]}}"#;
    let emulator = raw(RawAnswer::new(200, body));
    let packed = Call::new(&["img-gpu"]).unsigned("accept-encoding", "gzip").send(&emulator).unwrap();
    assert!(packed.body.len() < 64 * 1024, "{}", packed.body.len());
    let mut unpacked = String::new();
    GzDecoder::new(&packed.body[..]).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked.matches("{}").count(), 2_000_001);
}

#[test]
fn control_characters_and_megabytes_of_text_reach_the_client() {
    let body =
        r#"{"requestId":"r\u001b[2J","error":{"code":400,"status":"{{repeat:3000000:x}}","message":"m"}}"#;
    let answer = get(&raw(RawAnswer::new(400, body)), &["img-gpu"]).json();
    assert_eq!(answer["requestId"], "r\u{1b}[2J");
    assert_eq!(answer["error"]["status"].as_str().unwrap().len(), 3_000_000);
}

#[test]
fn fields_have_other_names_at_every_depth() {
    let renamed = |pairs: &[&str]| {
        let rename_fields = pairs.iter().map(|&pair| pair.to_owned()).collect();
        get(&emulator(Scenario { rename_fields, ..Scenario::default() }), &["img-gpu"]).json()
    };
    let answer = renamed(&["imageInstanceTypeConstraint=constraint", "instanceTypes=types"]);
    let row = &answer["result"]["imageConstraints"][0];
    assert_eq!(row["constraint"]["types"][0], "p.c1p40.large");
    assert_eq!(row.as_object().unwrap().len(), 2);
    let answer = renamed(&["imageConstraints=constraints", "requestId=request_id"]);
    assert!(answer["request_id"].is_string() && answer["result"]["constraints"].is_array());
}

#[test]
fn an_answer_can_belong_to_another_question() {
    let emulator =
        emulator(Scenario { answer_to: AnswerTo::WithoutQuery, only_first: Some(2), ..Scenario::default() });
    let all = get(&emulator, &[]).ids();
    assert_eq!(get(&emulator, &["img-gpu"]).ids(), all, "the whole region, whatever was asked");
    assert_eq!(get(&emulator, &["img-gpu"]).ids(), ["img-gpu"]);

    emulator.set_scenario(Scenario { answer_to: AnswerTo::PreviousCall, ..Scenario::default() });
    assert_eq!(get(&emulator, &["img-gpu"]).ids(), ["img-gpu"], "there is no call before the first");
    assert_eq!(get(&emulator, &["img-ubuntu2204"]).ids(), ["img-gpu"]);
    assert_eq!(get(&emulator, &["img-null"]).ids(), ["img-ubuntu2204"]);
}
