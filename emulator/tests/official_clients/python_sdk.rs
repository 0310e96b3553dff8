//! The SDK for Python.

use std::io::Write as _;
use std::process::{Command, Stdio};

use jdcloud_emulator::{ACCESS_KEY, Credentials, Emulator, Options, SECRET_KEY, Scenario, Signature};
use serde_json::{Value, json};

use crate::packages::Package;

const SDK: Package =
    Package { name: "jdcloud_sdk", version: "1.6.354", module: "jdcloud_sdk", required: true };

/// What the SDK makes of the answers to `calls`; `None` where it cannot be installed.
fn answers(emulator: &Emulator, secret_key: &str, calls: &[Value]) -> Option<Vec<Value>> {
    let python = SDK.python()?;
    let endpoint = emulator.url().trim_start_matches("http://").to_owned();
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/official_clients/python_sdk.py"))
        .args([endpoint.as_str(), ACCESS_KEY, secret_key])
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for call in calls {
        writeln!(stdin, "{call}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), calls.len(), "{errors}");
    Some(answers)
}

fn column(answer: &Value, list: &str, name: &str) -> Vec<String> {
    let rows = answer["result"][list].as_array().unwrap_or_else(|| panic!("{answer}"));
    rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_python_sdk_makes_every_call() {
    let emulator = Emulator::start(Options::default()).unwrap();
    let types = json!({"name": "instanceTypes", "values": ["g.n4.large", "c.n4.large"]});
    let zone = json!({"name": "az", "values": ["cn-east-1b"]});
    let call = |operation: &str, parameters: Value| json!({"operation": operation, "parameters": parameters});
    let constraints = |parameters| call("DescribeImageConstraintsBatch", parameters);
    let images = |parameters| call("DescribeImages", parameters);
    let page = |number: u64| {
        images(
            json!({"regionId": "cn-east-1", "imageSource": "public", "pageSize": 10, "pageNumber": number}),
        )
    };
    let twelve: Vec<_> = (1..=12).map(|number| format!("img-{number}")).collect();
    let odd = ["img a", "img*", "a/b:c@d", "a+b", "50%", "(it's)", "镜像", "a,b;c", "~img", "\"{}[]"];
    let calls = [
        constraints(json!({"regionId": "cn-north-1"})),
        constraints(json!({"regionId": "cn-north-1", "ids": ["img-gpu", "img-ubuntu2204", "img-free"]})),
        constraints(json!({"regionId": "cn-north-1", "ids": twelve})),
        constraints(json!({"regionId": "cn-north-1", "ids": odd})),
        page(1),
        page(4),
        page(5),
        images(json!({"regionId": "cn-east-1", "imageSource": "thirdparty", "offline": true})),
        images(json!({"regionId": "cn-east-1", "ids": ["img-mine-web", "img-nowhere"], "pageSize": 100})),
        images(json!({"regionId": "cn-east-1"})),
        images(json!({"regionId": "cn-east-1", "imageSource": "public", "pageSize": 101})),
        call("DescribeImage", json!({"regionId": "cn-east-1", "imageId": "img-debian12"})),
        call("DescribeImage", json!({"regionId": "cn-east-1", "imageId": "img-nowhere"})),
        call("DescribeInstanceTypes", json!({"regionId": "cn-east-1"})),
        call(
            "DescribeInstanceTypes",
            json!({"regionId": "cn-east-1", "serviceName": "vm", "filters": [types, zone]}),
        ),
        constraints(json!({"regionId": "cn-nowhere-9"})),
    ];
    let Some(answers) = answers(&emulator, SECRET_KEY, &calls) else { return };
    let error = |answer: &Value| {
        (answer["error"]["code"].as_u64(), answer["error"]["status"].as_str().map(str::to_owned))
    };
    let failed = |code, status: &str| (Some(code), Some(status.to_owned()));

    assert_eq!(column(&answers[0], "imageConstraints", "imageId").len(), 9);
    assert_eq!(column(&answers[1], "imageConstraints", "imageId"), ["img-gpu", "img-ubuntu2204"]);
    assert_eq!(answers[2]["result"]["imageConstraints"], json!([]));
    assert_eq!(answers[3]["result"]["imageConstraints"], json!([]));
    let pages = [4, 5, 6].map(|at| column(&answers[at], "images", "imageId").len());
    assert_eq!((pages, &answers[4]["result"]["totalCount"]), ([10, 5, 0], &json!(35)));
    assert_eq!(column(&answers[7], "images", "imageId"), ["img-panel-old"]);
    assert_eq!(column(&answers[8], "images", "imageId"), ["img-mine-web"]);
    assert_eq!(error(&answers[9]), failed(400, "FAILED_PRECONDITION"));
    assert_eq!(error(&answers[10]), failed(400, "OUT_OF_RANGE"));
    assert_eq!(answers[11]["result"]["image"]["osVersion"], "Debian 12");
    assert_eq!(error(&answers[12]), failed(404, "NOT_FOUND"));
    assert_eq!(answers[13]["result"]["totalCount"], 150);
    assert_eq!(column(&answers[14], "instanceTypes", "instanceType"), ["c.n4.large", "g.n4.large"]);
    assert_eq!(error(&answers[15]), failed(404, "NOT_FOUND"));

    let recorded = emulator.calls();
    assert_eq!(recorded[2].ids, twelve, "in the order of the call");
    assert_eq!(recorded[3].ids, odd);
    assert!(recorded.iter().all(|call| call.headers["authorization"].starts_with("JDCLOUD3-HMAC-SHA256 ")));
    assert!(recorded.iter().zip(&answers).all(|(call, answer)| {
        call.error.is_some() == answer["error"].is_object()
            && answer["requestId"].as_str().map(str::len) == Some(32)
    }));
}

#[test]
fn the_python_sdk_is_refused_with_a_wrong_key_or_signature() {
    let call =
        json!({"operation": "DescribeImageConstraintsBatch", "parameters": {"regionId": "cn-north-1"}});
    let status = |options: Options, secret_key: &str, call: &Value| {
        let emulator = Emulator::start(options).unwrap();
        let answers = answers(&emulator, secret_key, std::slice::from_ref(call))?;
        Some((answers[0]["error"]["code"].as_u64(), emulator.calls()[0].status))
    };
    let Some(wrong_key) = status(Options::default(), "wrong", &call) else { return };
    assert_eq!(wrong_key, (Some(401), Some(401)));
    let only_2 = Options { signature: Signature::V2, ..Options::default() };
    assert_eq!(status(only_2, SECRET_KEY, &call).unwrap(), (Some(401), Some(401)));
    let late = Scenario { clock_skew_s: 3600, ..Scenario::default() };
    let late = Options { scenario: late, ..Options::default() };
    assert_eq!(status(late, SECRET_KEY, &call).unwrap(), (Some(401), Some(401)));
}

#[test]
fn the_python_sdk_sends_its_token_as_base64() {
    let token = "session-token/+=";
    let credentials =
        Credentials { security_token: Some(token.to_owned()), ..Credentials::new(ACCESS_KEY, SECRET_KEY) };
    let emulator = Emulator::start(Options { credentials: vec![credentials], ..Options::default() }).unwrap();
    let call = |token: &str| {
        let parameters = json!({"regionId": "cn-north-1", "ids": ["img-gpu"]});
        json!({"operation": "DescribeImageConstraintsBatch", "parameters": parameters, "token": token})
    };
    let Some(answers) = answers(&emulator, SECRET_KEY, &[call(token), call("other")]) else { return };
    assert_eq!(column(&answers[0], "imageConstraints", "imageId"), ["img-gpu"]);
    assert_eq!(answers[1]["error"]["code"], 401);
}
