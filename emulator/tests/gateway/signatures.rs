//! Which requests are authenticated, and the errors of the others.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jdcloud_emulator::{Credentials, Emulator, Options, Scenario, Signature, TokenEncoding};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::client::{Call, date_in, emulator, exchange, parse_http_date};

const VECTORS: &str = include_str!("../signer-vectors.json");
const INVALID: &str = "Invalid authentication credentials";

/// The message of a 401.
fn denied(emulator: &Emulator, request: &str) -> String {
    let response = exchange(&emulator.url(), request).unwrap();
    assert_eq!((response.status, response.error()), (401, (401, "ACCESS_ERROR".to_owned())), "{request}");
    response.json()["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_request_of_the_official_sdks_is_accepted() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let skew = (datetime!(2024-11-22 12:00 UTC) - OffsetDateTime::now_utc()).whole_seconds();
    let second = vectors["jdcloud2"].as_array().unwrap();
    for vector in second.iter().chain(vectors["jdcloud3"].as_array().unwrap()) {
        // The same were sent under either version.
        let sent = &second.iter().find(|one| one["name"] == vector["name"]).unwrap()["headers_sent"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let inputs = &vector["inputs"];
        let mut credentials = Credentials::new(&text(&inputs["access_key"]), &text(&inputs["secret_key"]));
        let token = inputs["user_headers"]["x-jdcloud-security-token"].as_str();
        credentials.security_token = token.map(str::to_owned);
        // Its own emulator: they all carry the same nonce.
        let emulator = Emulator::start(Options {
            credentials: vec![credentials],
            scenario: Scenario { clock_skew_s: skew, ..Scenario::default() },
            ..Options::default()
        });
        let emulator = emulator.unwrap();
        let canonical = text(&vector["canonical_request"]);
        let host = canonical.lines().find_map(|line| line.strip_prefix("host:")).unwrap();
        let url = text(&vector["url_on_wire"]);
        let target = &url[url.find("/v1/").unwrap()..];
        let mut request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in sent.as_object().unwrap() {
            request += &format!("{name}: {}\r\n", text(value));
        }
        request += &format!("authorization: {}\r\n\r\n", text(&vector["authorization"]));

        let response = exchange(&emulator.url(), &request).unwrap();
        // One vector asks for a blank id, which no client of ours does.
        let expected = if vector["name"] == "empty_value" { 400 } else { 200 };
        assert_eq!(response.status, expected, "{}: {:?}", vector["name"], response.json());
        if expected == 200 {
            let ids = inputs["ids"].as_array().map_or(0, Vec::len);
            assert_eq!(emulator.calls()[0].ids.len(), ids);
        }
    }
}

#[test]
fn a_gateway_may_accept_one_version_of_the_signature_only() {
    let call = |version| Call { version, ..Call::new(&["img-gpu"]) };
    for (signature, second, third) in
        [(Signature::Any, 200, 200), (Signature::V2, 200, 401), (Signature::V3, 401, 200)]
    {
        let emulator = Emulator::start(Options { signature, ..Options::default() }).unwrap();
        assert_eq!(call(2).send(&emulator).unwrap().status, second, "{signature:?}");
        assert_eq!(call(3).send(&emulator).unwrap().status, third, "{signature:?}");
    }
}

#[test]
fn version_3_protects_a_call_like_version_2() {
    let emulator = emulator(Scenario::default());
    let call = || Call { version: 3, ..Call::new(&["img-gpu"]) }.text();
    for (from, to, message) in [
        ("ids.1=img-gpu", "ids.1=img-free", "sign result is not same"),
        ("host: vm.", "host: www.", "sign result is not same"),
        ("Credential=E", "Credential=F", "Invalid accessKey"),
        ("JDCLOUD3-HMAC", "JDCLOUD2-HMAC", INVALID),
        ("jdcloud3_request", "jdcloud2_request", INVALID),
        ("x-jdcloud-nonce: ", "x-other: ", INVALID),
    ] {
        assert_eq!(denied(&emulator, &call().replacen(from, to, 1)), message, "{from} -> {to}");
    }
    assert_eq!(exchange(&emulator.url(), &call()).unwrap().status, 200);
}

#[test]
fn a_call_that_was_changed_under_way_is_refused() {
    let emulator = emulator(Scenario::default());
    let call = || Call::new(&["img-gpu", "img-null"]).text();
    let not_same = "sign result is not same";
    let yesterday = &date_in(-86_400)[..8];
    let today = &date_in(0)[..8];
    for (from, to, message) in [
        ("ids.1=img-gpu", "ids.1=img-free", not_same),
        ("ids.1=img-gpu&", "", not_same),
        ("host: vm.", "host: www.", not_same),
        ("content-type: application/json", "content-type: text/json", not_same),
        ("content-type: application/json\r\n", "", not_same),
        ("x-jdcloud-nonce: n", "x-jdcloud-nonce: m", not_same),
        ("x-jdcloud-nonce: ", "x-jdcloud-nonce: x\r\nx-jdcloud-nonce: ", not_same),
        ("Signature=", "Signature=0", not_same),
        ("SignedHeaders=content-type;host;", "SignedHeaders=host;content-type;", not_same),
        ("connection: close", "connection: close\r\nx-jdcloud-content-sha256: 00", not_same),
        ("Credential=E", "Credential=F", "Invalid accessKey"),
        ("/cn-north-1/vm/", "/cn-east-2/vm/", INVALID),
        ("regions/cn-north-1", "regions/cn-east-2", INVALID),
        ("/vm/", "/disk/", INVALID),
        (&format!("/{today}/"), &format!("/{yesterday}/"), INVALID),
        (&format!("/{today}/"), &format!("/{}/", &today[..6]), INVALID),
        ("JDCLOUD2-HMAC", "JDCLOUD3-HMAC", INVALID),
        (";x-jdcloud-nonce", "", INVALID),
        ("x-jdcloud-nonce: ", "x-other: ", INVALID),
        ("x-jdcloud-date: 2", "x-jdcloud-date: 3", INVALID),
        ("x-jdcloud-date: ", "x-other: ", "lack of header x-jdcloud-date"),
        ("authorization: ", "x-other: ", "lack of header authorization"),
        ("Credential=", "", "lack of credential in the header authorization"),
        ("SignedHeaders=", "", "lack of header signedHeaders"),
    ] {
        let request = call();
        let changed = request.replacen(from, to, 1);
        assert_ne!(changed, request, "{from}");
        assert_eq!(denied(&emulator, &changed), message, "{from} -> {to}");
    }
    // Those failures change nothing for later requests.
    assert_eq!(exchange(&emulator.url(), &call()).unwrap().status, 200);
}

#[test]
fn a_header_written_in_other_case_or_with_spaces_around_is_the_same_header() {
    let emulator = emulator(Scenario::default());
    let request = Call::new(&["img-gpu"]).text();
    let request = request.replace("content-type: application/json", "Content-Type:   application/json  ");
    let request = request.replace("x-jdcloud-", "X-Jdcloud-").replace("X-Jdcloud-date;", "x-jdcloud-date;");
    let request = request.replace(";X-Jdcloud-", ";x-jdcloud-");
    assert_eq!(exchange(&emulator.url(), &request).unwrap().status, 200);
}

#[test]
fn escapes_that_mean_the_same_are_the_same_to_the_signature() {
    let emulator = emulator(Scenario::default());
    let call = Call::new(&["a%20b%2A"]);
    let request = call.text().replace("a%20b%2A", "a+b*");
    assert_eq!(exchange(&emulator.url(), &request).unwrap().status, 200);
    assert_eq!(emulator.calls()[0].ids, ["a b*"]);
}

#[test]
fn more_than_nine_ids_are_verified_in_any_order_on_the_wire() {
    let emulator = emulator(Scenario::default());
    let call = Call::new(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]);
    let backwards: Vec<_> = call.query.rsplit('&').collect();
    let request = call.text().replace(&call.query, &backwards.join("&"));
    assert_eq!(exchange(&emulator.url(), &request).unwrap().status, 200);
    assert_eq!(emulator.calls()[0].ids.concat(), "abcdefghijkl");
}

#[test]
fn a_retry_that_reuses_its_nonce_is_refused() {
    let emulator = emulator(Scenario { fail_first: 1, ..Scenario::default() });
    let call = Call::new(&["img-gpu"]);
    assert_eq!(call.send(&emulator).unwrap().status, 500);
    assert_eq!(denied(&emulator, &call.text()), INVALID);
    assert_eq!(Call::new(&["img-gpu"]).send(&emulator).unwrap().status, 200);
}

#[test]
fn a_call_outside_the_date_window_is_refused_with_the_servers_date() {
    let start = |window, skew| {
        Emulator::start(Options {
            date_window: Duration::from_secs(window),
            scenario: Scenario { clock_skew_s: skew, ..Scenario::default() },
            ..Options::default()
        })
        .unwrap()
    };
    for (window, skew, off, accepted) in [
        (900, 0, 0, true),
        (900, 0, 880, true),
        (900, 0, -880, true),
        (900, 0, 920, false),
        (900, 0, -920, false),
        (60, 0, -80, false),
        (900, 7200, 0, false),
        (900, 7200, 7200, true),
        (900, -7200, -7200, true),
    ] {
        let emulator = start(window, skew);
        let call = Call { date: date_in(off), ..Call::new(&[]) };
        let response = call.send(&emulator).unwrap();
        assert_eq!(response.status == 200, accepted, "window {window}, skew {skew}, off {off}");
        let date = parse_http_date(&response.headers["date"]);
        let ahead = (date - OffsetDateTime::now_utc()).whole_seconds();
        assert!((ahead - skew).abs() < 60, "the Date header is {ahead} s ahead, not {skew}");
    }
}

#[test]
fn a_security_token_must_be_complete_signed_and_in_the_right_form() {
    let token = "session-token/+=";
    let base64 = STANDARD.encode(token);
    let mut credentials = Credentials::new("AK", "SK");
    credentials.security_token = Some(token.to_owned());
    let start = |token_encoding| {
        let credentials = vec![credentials.clone()];
        Emulator::start(Options { credentials, token_encoding, ..Options::default() }).unwrap()
    };
    let call = |token: Option<&str>| Call {
        access_key: "AK".to_owned(),
        secret_key: "SK".to_owned(),
        token: token.map(str::to_owned),
        ..Call::new(&[])
    };
    for (encoding, sent, status) in [
        (TokenEncoding::Base64, Some(base64.as_str()), 200),
        (TokenEncoding::Base64, Some(token), 401),
        (TokenEncoding::Base64, Some("other"), 401),
        (TokenEncoding::Base64, None, 401),
        (TokenEncoding::Raw, Some(token), 200),
        (TokenEncoding::Raw, Some(base64.as_str()), 401),
    ] {
        let emulator = start(encoding);
        assert_eq!(call(sent).send(&emulator).unwrap().status, status, "{encoding:?} {sent:?}");
        assert!(!format!("{:?}", emulator.calls()).contains(sent.unwrap_or("session-token")));
    }
    let unsigned = call(None).unsigned("x-jdcloud-security-token", &base64);
    assert_eq!(unsigned.send(&start(TokenEncoding::Base64)).unwrap().status, 401);
}

#[test]
fn each_account_has_its_own_secret() {
    let credentials = vec![Credentials::new("A", "a"), Credentials::new("B", "b")];
    let emulator = Emulator::start(Options { credentials, ..Options::default() }).unwrap();
    for (access_key, secret_key, status) in
        [("A", "a", 200), ("B", "b", 200), ("A", "b", 401), ("C", "c", 401)]
    {
        let call = Call { access_key: access_key.into(), secret_key: secret_key.into(), ..Call::new(&[]) };
        assert_eq!(call.send(&emulator).unwrap().status, status);
    }
}
