//! The secret key, the security token and signing keys must not be in TRACE logs, diagnostics, command lines, plan files and
//! state. Each run tests one way in which a secret could leak.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jdcloud_emulator::{
    Answer, Credentials, Emulator, FailBody, MalformedRow, Options as EmulatorOptions, Scenario,
    ThrottleForm, TokenEncoding,
};
use sha2::Sha256;
use terraform_provider_jdcloud::framework::{Type, Value};
use terraform_provider_jdcloud::tfplugin::proto::v6;
use time::{Duration, OffsetDateTime};

use support::{BINARY, Options, Plugin, block, data_source_type, dynamic, runtime, strings};

const ACCESS_KEY: &str = "ACCESSKEYOFTHESECRETTEST";
const SECRET_KEY: &str = "qSecretKeyOfTheSecretsTest7Zx9W";
const TOKEN: &str = "qTokenOfTheSecretsTest/+8Yw0V";
const PASSWORD: &str = "qPasswordOfTheProxy6Tr";
const REGION: &str = "cn-north-1";

/// The secrets to search for with their names, in every form that code may use.
fn secrets() -> Vec<(&'static str, Vec<u8>)> {
    let mut secrets = vec![
        ("the secret key", SECRET_KEY.into()),
        ("the secret key in base64", STANDARD.encode(SECRET_KEY).trim_end_matches('=').into()),
        ("the token", TOKEN.into()),
        ("the token in base64", STANDARD.encode(TOKEN).trim_end_matches('=').into()),
        ("the proxy's password", PASSWORD.into()),
        (
            "the proxy's password in base64",
            STANDARD.encode(format!("me:{PASSWORD}"))[8..].trim_end_matches('=').into(),
        ),
        // A part of a secret is confidential, too.
        ("the beginning of the secret key", SECRET_KEY[..8].into()),
        ("the beginning of the token", TOKEN[..8].into()),
        ("the end of the token", TOKEN[TOKEN.len() - 8..].into()),
        ("the end of the token, JSON-escaped", r"Test\/+8Yw0V".into()),
        ("the end of the token, JSON-escaped", r"Test\u002f\u002B8Yw0V".into()),
        ("the end of the token, percent-encoded", "Test%2F%2B8Yw0V".into()),
        ("the end of the token, percent-encoded", "Test%2f%2b8Yw0V".into()),
        ("the beginning of the token in base64", STANDARD.encode(TOKEN)[..8].into()),
    ];
    // The test may run over midnight, or with a corrected clock.
    for days in -1..=1 {
        let day = OffsetDateTime::now_utc() + Duration::days(days);
        let day = format!("{:04}{:02}{:02}", day.year(), u8::from(day.month()), day.day());
        let mut key = format!("JDCLOUD2{SECRET_KEY}").into_bytes();
        for part in [day.as_str(), REGION, "vm", "jdcloud2_request"] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(part.as_bytes());
            key = mac.finalize().into_bytes().to_vec();
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            secrets.push(("a signing key", key.clone()));
            secrets.push(("a signing key in hex", hex.to_uppercase().into()));
            secrets.push(("a signing key in hex", hex.into()));
            secrets.push(("a signing key in base64", STANDARD.encode(&key).into()));
            // The Debug form of bytes.
            secrets.push(("a signing key in decimal", format!("{key:?}").trim_matches(['[', ']']).into()));
        }
    }
    secrets
}

#[track_caller]
fn assert_clean(place: &str, content: &[u8]) {
    for (name, secret) in secrets() {
        let found = content.windows(secret.len()).any(|part| part == secret);
        assert!(!found, "{place} contains {name}:\n{}", String::from_utf8_lossy(content));
    }
}

fn emulator(scenario: Scenario, token_encoding: TokenEncoding) -> Emulator {
    let mut credentials = Credentials::new(ACCESS_KEY, SECRET_KEY);
    credentials.security_token = Some(TOKEN.to_owned());
    let credentials = vec![credentials];
    Emulator::start(EmulatorOptions { scenario, token_encoding, credentials, ..EmulatorOptions::default() })
        .unwrap()
}

/// The arguments of a configured provider with short deadlines.
fn arguments(endpoint: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("vm_endpoint", Value::string(endpoint)),
        ("access_key", Value::string(ACCESS_KEY)),
        ("secret_key", Value::string(SECRET_KEY)),
        ("security_token", Value::string(TOKEN)),
        ("region", Value::string(REGION)),
        ("request_timeout", Value::string("1s")),
        ("read_timeout", Value::string("3s")),
        ("max_retries", 1.into()),
    ]
}

/// Configures, makes several reads, and searches all outputs. Returns the summaries.
#[track_caller]
fn run(what: &str, options: Options, arguments: &[(&str, Value)]) -> Vec<String> {
    let mut plugin = options.set("TF_LOG", "TRACE").start();
    let mut shown = String::new();
    let mut summaries = Vec::new();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let mut diagnostics = client.configure(arguments).await;
        for arguments in [
            vec![],
            vec![("ids", strings(&["img-ubuntu2204", "img-gpu", "img-private"]))],
            vec![("ids", Value::list([])), ("region", Value::string("../"))],
            vec![("ids", Value::Unknown)],
        ] {
            let ty = data_source_type();
            let response = client.read(dynamic(&ty, &block(&ty, &arguments))).await.unwrap();
            if let Some(state) = &response.state {
                assert_clean(&format!("{what}: the state"), &state.msgpack);
            }
            diagnostics.extend(response.diagnostics);
        }
        summaries.extend(diagnostics.iter().map(|diagnostic| diagnostic.summary.clone()));
        shown = format!("{diagnostics:?}");
    });
    assert_clean(&format!("{what}: a diagnostic"), shown.as_bytes());
    assert_clean(&format!("{what}: the command line"), &command_line(&plugin));
    plugin.signal("TERM");
    plugin.wait();
    let log = plugin.log.all().join("\n");
    assert!(log.contains("\"@level\":"), "{what}: there is no log to search: {log}");
    assert_clean(&format!("{what}: the log"), log.as_bytes());
    assert_clean(&format!("{what}: standard output"), plugin.handshake.as_bytes());
    summaries
}

fn command_line(plugin: &Plugin) -> Vec<u8> {
    std::fs::read(format!("/proc/{}/cmdline", plugin.pid())).unwrap()
}

#[test]
fn reads_show_no_secret_whether_they_succeed_or_fail() {
    let s = Scenario::default;
    let scenarios = [
        ("well", s()),
        ("forbidden", Scenario { answer: Answer::ForbiddenIp, ..s() }),
        ("no permission", Scenario { answer: Answer::PermissionDenied, ..s() }),
        ("redirect", Scenario { answer: Answer::Redirect, ..s() }),
        ("login page", Scenario { answer: Answer::Html, ..s() }),
        ("no requestId", Scenario { answer: Answer::NoRequestId, ..s() }),
        ("500", Scenario { fail_first: u64::MAX, fail_body: FailBody::Html, ..s() }),
        ("400", Scenario { fail_first: u64::MAX, fail_status: 400, ..s() }),
        ("reset", Scenario { reset_first: u64::MAX, ..s() }),
        ("silence", Scenario { hang_first: u64::MAX, ..s() }),
        (
            "throttled",
            Scenario { throttle_per_minute: Some(0), throttle_form: ThrottleForm::InsideOk, ..s() },
        ),
        ("wrong clock", Scenario { clock_skew_s: 7_200, ..s() }),
        ("malformed row", Scenario { malformed_row: Some(MalformedRow::NoImageId), ..s() }),
        ("half of the JSON", Scenario { cut_json: true, ..s() }),
    ];
    std::thread::scope(|scope| {
        for (what, scenario) in scenarios {
            scope.spawn(move || {
                let emulator = emulator(scenario, TokenEncoding::Base64);
                let summaries = run(what, Options::plain(), &arguments(&emulator.url()));
                assert!(emulator.counters().calls > 0, "{what}: there was no request: {summaries:?}");
            });
        }
    });
}

/// Terraform shows the details of a provider's diagnostics as they are, sensitive variables included.
#[test]
fn a_secret_in_the_place_of_another_argument_is_not_quoted() {
    let plugin = Options::plain().start();
    let mut shown = Vec::new();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let mut wrong = arguments("http://127.0.0.1:1");
        wrong[6].1 = Value::string(format!("{SECRET_KEY}\n"));
        shown.extend(client.configure(&wrong).await);
        assert_eq!(client.configure(&arguments("http://127.0.0.1:1")).await, []);
        for argument in [
            ("region", Value::string(SECRET_KEY)),
            ("on_missing", Value::string(TOKEN)),
            ("ids", strings(&[&format!("{SECRET_KEY} ")])),
        ] {
            shown.extend(client.read_value(&[argument]).await.1);
        }
    });
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert!(shown.iter().all(|diagnostic| diagnostic.detail.contains("***")), "{shown:?}");
    assert_clean("a diagnostic", format!("{shown:?}").as_bytes());
}

#[test]
fn keys_of_any_source_are_shown_nowhere_whether_valid_or_not() {
    let emulator = emulator(Scenario::default(), TokenEncoding::Raw);
    let url = emulator.url();
    let from_environment = |secret_key: &str| {
        Options::plain()
            .set("JDCLOUD_ACCESS_KEY", ACCESS_KEY)
            .set("JDCLOUD_SECRET_KEY", secret_key)
            .set("JDCLOUD_SECURITY_TOKEN", TOKEN)
            .set("JDCLOUD_SECURITY_TOKEN_ENCODING", "raw")
            .set("JDCLOUD_VM_ENDPOINT", &url)
            .set("JDCLOUD_REGION", REGION)
    };
    let calls = || emulator.counters().calls;
    run("environment, raw token", from_environment(SECRET_KEY), &[]);
    assert!(calls() > 0, "the raw token was not accepted");
    // The message of the emulator is shown: 401 because of the signature.
    let summaries = run("another secret key", from_environment(&format!("{SECRET_KEY}x")), &[]);
    assert!(!summaries.is_empty());
    run("a key that is not valid in a header", from_environment(&format!("{SECRET_KEY}\n")), &[]);
    let options = Options::plain().set("JDCLOUD_SECRET_KEY", SECRET_KEY);
    assert!(!run("half a pair", options, &[("region", Value::string(REGION))]).is_empty());
    let half = [("secret_key", Value::string(SECRET_KEY)), ("security_token", Value::string(TOKEN))];
    assert!(!run("half a pair in arguments", Options::plain(), &half).is_empty());
    let mut unknown = arguments(&url);
    unknown[1].1 = Value::Unknown;
    assert!(!run("an access key that is not known", Options::plain(), &unknown).is_empty());

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    for (what, text) in [
        ("profile", format!("[default]\naccess_key = {ACCESS_KEY}\nsecret_key = {SECRET_KEY}\n")),
        ("a profile with an invalid line", format!("[default]\naccess_key = {ACCESS_KEY}\n{SECRET_KEY}\n")),
        ("a profile with a percent", format!("[default]\naccess_key = a\nsecret_key = {SECRET_KEY}%x\n")),
        (
            "a profile with a key twice",
            format!("[default]\nsecret_key={SECRET_KEY}\nsecret_key={SECRET_KEY}\n"),
        ),
        ("a profile named like a key", format!("[{SECRET_KEY}]\naccess_key = a\n")),
    ] {
        std::fs::write(&file, text).unwrap();
        let arguments = [
            ("config_file", Value::string(file.to_str().unwrap())),
            ("region", Value::string(REGION)),
            ("vm_endpoint", Value::string(url.as_str())),
        ];
        run(what, Options::plain(), &arguments);
    }
    let proxy = format!("http://me:{PASSWORD}@127.0.0.1:9");
    let options = from_environment(SECRET_KEY)
        .set("JDCLOUD_VM_ENDPOINT", "https://vm.jdcloud-api.com")
        .set("HTTPS_PROXY", &proxy);
    let once = [("max_retries", 0.into())];
    assert!(!run("a proxy that is not there", options, &once).is_empty());
    let options = from_environment(SECRET_KEY)
        .set("JDCLOUD_VM_ENDPOINT", &format!("https://me:{PASSWORD}@vm.jdcloud-api.com"));
    assert!(!run("a password in the endpoint", options, &[]).is_empty());
}

/// Sends `respond` of the received request, like a gateway in debug mode.
fn echo(respond: fn(&str) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let _ = stream.write_all(respond(&String::from_utf8_lossy(&head)).as_bytes());
        }
    });
    url
}

fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
}

/// An error in JD Cloud's envelope.
fn error(status: &str, text: &str) -> String {
    let body =
        serde_json::json!({ "requestId": "r", "error": { "code": 401, "status": "X", "message": text } });
    response(status, "", &body.to_string())
}

/// The value of the header with the token, in base64 as it was sent.
fn token_of(head: &str) -> &str {
    let name = "x-jdcloud-security-token: ";
    let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap_or_default();
    line.get(name.len()..).unwrap_or_default()
}

/// The received request, with the token first.
fn token_first(head: &str) -> String {
    let mut lines: Vec<&str> = head.lines().collect();
    lines.sort_by_key(|line| !line.to_lowercase().starts_with("x-jdcloud-security-token"));
    lines.join("\n")
}

/// `text` with every character JSON-escaped, or percent-encoded.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("\\u{byte:04x}")).collect()
}
fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// The name of a gateway, and its response to a request.
type Gateway = (&'static str, fn(&str) -> String);

#[test]
fn a_response_that_contains_the_request_is_quoted_without_the_token() {
    let cases: [Gateway; 13] = [
        ("401 JSON", |head| error("401 Unauthorized", head)),
        ("200 JSON", |head| error("200 OK", head)),
        ("200 text", |head| response("200 OK", "", &token_first(head))),
        ("500 text", |head| response("500 Internal Server Error", "", &token_first(head))),
        // The decoded token, escaped in JSON.
        ("escaped", |_| {
            let token = escaped(TOKEN);
            response(
                "200 OK",
                "",
                &format!(
                    r#"{{"requestId":"{token}","error":{{"code":401,"status":"{token}","message":"{token}"}}}}"#
                ),
            )
        }),
        ("JSON in JSON", |_| {
            error("401 Unauthorized", &format!(r#"{{"token":"{}"}}"#, TOKEN.replace('/', r"\/")))
        }),
        ("JSON in text", |_| response("200 OK", "", &format!("oops: {}", escaped(TOKEN)))),
        ("percent-encoded", |_| response("200 OK", "", &format!("oops: ?token={}", percent(TOKEN)))),
        ("in base64 with more", |_| error("403 Forbidden", &STANDARD.encode(format!("token={TOKEN};")))),
        ("split over two fields", |_| {
            let (first, second) = TOKEN.split_at(13);
            response(
                "200 OK",
                "",
                &format!(
                    r#"{{"requestId":"r","error":{{"code":401,"status":"t={first}","message":"{second}"}}}}"#
                ),
            )
        }),
        ("Location", |head| {
            response("302 Found", &format!("Location: https://login/?t={}\r\n", percent(token_of(head))), "")
        }),
        ("Content-Type", |head| {
            response("200 OK", &format!("Content-Type: text/{}\r\n", token_of(head)), "oops")
        }),
        ("x-jdcloud-request-id", |_| {
            response("403 Forbidden", &format!("x-jdcloud-request-id: {TOKEN}\r\n"), "")
        }),
    ];
    std::thread::scope(|scope| {
        for (what, respond) in cases {
            scope.spawn(move || {
                let summaries = run(what, Options::plain(), &arguments(&echo(respond)));
                assert!(!summaries.is_empty(), "{what}");
            });
        }
    });
}

/// CI systems mask tokens with asterisks. Replacing asterisks by asterisks was an endless loop.
#[test]
fn a_masked_token_in_a_response_does_not_prevent_the_message() {
    for token in ["*", "**", "***", "a", "**********"] {
        let url = echo(|head| error("401 Unauthorized", &format!("{head} * ** *** aaa ************")));
        let mut arguments = arguments(&url);
        arguments[3].1 = Value::string(token);
        let summaries = run(token, Options::plain(), &arguments);
        assert!(
            summaries.iter().any(|summary| summary == "JD Cloud rejected the credentials"),
            "{summaries:?}"
        );
    }
}

#[test]
fn a_response_of_a_proxy_is_quoted_without_its_password() {
    let cases: [Gateway; 3] = [
        ("the header", |head| response("502 Bad Gateway", "", &format!("proxy error: {head}"))),
        ("under 200", |head| {
            response("200 OK", "", &format!("proxy error: {} {PASSWORD} {}", head.len(), percent(PASSWORD)))
        }),
        ("JSON", |head| {
            error(
                "403 Forbidden",
                head.lines().find(|line| line.to_lowercase().starts_with("proxy-auth")).unwrap(),
            )
        }),
    ];
    for (what, respond) in cases {
        let proxy = echo(respond).replace("http://", &format!("http://me:{PASSWORD}@"));
        let endpoint = format!("http://vm.internal.{REGION}.jdcloud-api.com");
        let summaries = run(what, Options::plain().set("HTTP_PROXY", &proxy), &arguments(&endpoint));
        assert!(!summaries.is_empty(), "{what}");
    }
}

#[test]
fn malformed_requests_are_rejected_without_quoting_them() {
    let plugin = Options::plain().set("TF_LOG", "TRACE").start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        // A key instead of a number; a truncated string; JSON that contains the key.
        let number = Type::object([("max_retries", Type::String), ("secret_key", Type::String)]);
        let whole = dynamic(
            &number,
            &Value::members([
                ("max_retries", Value::string(SECRET_KEY)),
                ("secret_key", Value::string(SECRET_KEY)),
            ]),
        );
        let mut cut = whole.clone();
        cut.msgpack = cut.msgpack.slice(..cut.msgpack.len() - 3);
        let json = |text: String| v6::DynamicValue { msgpack: Default::default(), json: text.into() };
        for config in [
            whole,
            cut,
            json(format!("{{\"secret_key\":\"{SECRET_KEY}\",\"max_retries\":\"{SECRET_KEY}\"}}")),
            json(format!("{{\"secret_key\":{SECRET_KEY}")),
            json(format!("\"{SECRET_KEY}\"")),
        ] {
            let request = v6::configure_provider::Request { config: Some(config), ..Default::default() };
            let response: v6::configure_provider::Response =
                client.provider("Configure", "ConfigureProvider", request).await.unwrap();
            assert!(!response.diagnostics.is_empty());
            assert_clean("a diagnostic", format!("{response:?}").as_bytes());
        }
    });
    assert_clean("the log", plugin.log.all().join("\n").as_bytes());
}

/// The Terraform that `make test` has set up.
fn terraform() -> String {
    std::env::var("TERRAFORM").ok().filter(|path| !path.is_empty()).unwrap_or_else(|| "terraform".to_owned())
}

#[test]
fn plan_files_state_and_logs_of_terraform_hold_no_secret() {
    let emulator = emulator(Scenario::default(), TokenEncoding::Base64);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let settings = format!(
        "provider_installation {{\n  dev_overrides {{ \"jdcloud/jdcloud\" = \"{}\" }}\n}}\n",
        Path::new(BINARY).parent().unwrap().display()
    );
    std::fs::write(path("cli.tfrc"), settings).unwrap();
    std::fs::write(
        path("main.tf"),
        "terraform {\n  required_providers {\n    jdcloud = { source = \"jdcloud/jdcloud\" }\n  }\n}\n\
         data \"jdcloud_image_constraints\" \"all\" {}\n\
         data \"jdcloud_image_constraints\" \"some\" {\n  ids = [\"img-gpu\", \"img-private\"]\n}\n\
         output \"all\" {\n  value = data.jdcloud_image_constraints.all\n}\n",
    )
    .unwrap();
    let run = |arguments: &[&str], secret_key: &str| {
        let output = Command::new(terraform())
            .args(arguments)
            .current_dir(dir.path())
            .envs([
                ("TF_CLI_CONFIG_FILE", path("cli.tfrc").as_str()),
                ("TF_LOG", "TRACE"),
                ("TF_LOG_PATH", &path("terraform.log")),
                ("CHECKPOINT_DISABLE", "1"),
                ("JDCLOUD_ACCESS_KEY", ACCESS_KEY),
                ("JDCLOUD_SECRET_KEY", secret_key),
                ("JDCLOUD_SECURITY_TOKEN", TOKEN),
                ("JDCLOUD_REGION", REGION),
                ("JDCLOUD_VM_ENDPOINT", &emulator.url()),
            ])
            .output()
            .unwrap_or_else(|error| {
                panic!("{}: {error}. `make test` sets a Terraform up, TERRAFORM names one", terraform())
            });
        assert_clean("standard output", &output.stdout);
        assert_clean("standard error", &output.stderr);
        output.status.success()
    };
    assert!(run(&["plan", "-input=false", "-out=plan.tfplan"], SECRET_KEY));
    assert!(run(&["show", "-json", "plan.tfplan"], SECRET_KEY));
    assert!(run(&["apply", "-input=false", "plan.tfplan"], SECRET_KEY));
    assert!(!run(&["plan", "-input=false"], &format!("{SECRET_KEY}wrong")), "a wrong key is accepted");
    // A plan file is a zip, whose parts are compressed.
    let unpacked = Command::new("python3")
        .args(["-c", "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nsys.stdout.buffer.write(b'\\n'.join(z.read(n) for n in z.namelist()))"])
        .arg(path("plan.tfplan"))
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    assert!(unpacked.stdout.windows(7).any(|part| part == b"img-gpu"), "the plan file was not read");
    assert_clean("the plan file", &unpacked.stdout);
    for name in ["terraform.tfstate", "terraform.log"] {
        let content = std::fs::read(path(name)).unwrap();
        assert!(!content.is_empty());
        assert_clean(name, &content);
    }
}
