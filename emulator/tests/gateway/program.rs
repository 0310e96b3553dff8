//! The emulator as a program: what it prints, what it reads, when it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use crate::client::{Call, TIMEOUT, exchange};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jdcloud-emulator"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A run that has printed its line; killed when dropped.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").and_then(|line| line.strip_suffix('\n'));
        let url = url.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, url }
    }

    /// Waits for its end; what it wrote besides the line, and to standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        let deadline = Instant::now() + TIMEOUT;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < deadline, "it does not end"),
            }
            std::thread::yield_now();
        };
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (status.code(), out, err)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn output(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

#[cfg(unix)]
#[test]
fn it_prints_one_line_and_ends_with_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(&[]);
        assert_eq!(exchange(&running.url, &Call::new(&["img-gpu"]).text()).unwrap().ids(), ["img-gpu"]);
        let pid = running.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(running.end(), (Some(0), String::new(), String::new()), "{signal}");
    }
}

#[test]
fn it_ends_with_its_standard_input_on_request() {
    let mut running = Running::start(&["--exit-with-stdin"]);
    drop(running.child.stdin.take());
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_script_finds_the_address_and_the_authority_in_files() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (address, ca) = (file("address"), file("ca.pem"));
    let running =
        Running::start(&["--tls", "--address-file", &address, "--tls-ca-out", &ca, "--address", "::1"]);
    assert!(running.url.starts_with("https://[::1]:"), "{}", running.url);
    assert_eq!(std::fs::read_to_string(address).unwrap(), running.url);
    assert!(std::fs::read_to_string(ca).unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left there");
}

#[test]
fn calls_are_logged_only_when_asked_for() {
    let log = |arguments: &[&str]| {
        let mut running = Running::start(&[&["--exit-with-stdin"], arguments].concat());
        exchange(&running.url, &Call::new(&["img-gpu"]).text()).unwrap();
        drop(running.child.stdin.take());
        running.end().2
    };
    assert_eq!(log(&[]), "");
    let line = log(&["--verbose"]);
    assert!(line.contains("ids.1=img-gpu (1 ids) -> 200"), "{line}");
}

#[test]
fn account_catalogue_and_scenario_come_from_flags() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let catalogue = file("world.json", r#"{"cn-north-1": {"img-a": {"excludes": []}}}"#);
    let scenario = format!("@{}", file("scenario.json", r#"{"fail_first": 1, "fail_status": 502}"#));
    let running = Running::start(&[
        "--access-key",
        "AK",
        "--secret-key=SK",
        "--security-token",
        "tok",
        "--token-encoding",
        "raw",
        "--date-window",
        "60",
        "--catalogue",
        &catalogue,
        "--scenario",
        &scenario,
        "--fail-status",
        "504",
    ]);
    let call = || Call {
        access_key: "AK".to_owned(),
        secret_key: "SK".to_owned(),
        token: Some("tok".to_owned()),
        ..Call::new(&[])
    };
    assert_eq!(exchange(&running.url, &call().text()).unwrap().status, 504);
    assert_eq!(exchange(&running.url, &call().text()).unwrap().ids(), ["img-a"]);
    let stale = Call { date: crate::client::date_in(-90), ..call() };
    assert_eq!(exchange(&running.url, &stale.text()).unwrap().status, 401);

    let running = Running::start(&["--generate", "5", "--types", "2"]);
    assert_eq!(exchange(&running.url, &Call::new(&[]).text()).unwrap().ids().len(), 5);
}

#[test]
fn a_wrong_flag_is_named_with_its_remedy() {
    for (arguments, told) in [
        (&["--prot", "1"][..], "unknown flag --prot; see --help"),
        (&["--port"], "--port needs a value"),
        (&["--port", "70000"], "--port: '70000' is not a port, 0 (any) to 65535"),
        (&["--address", "0.0.0.0"], "--address: the emulator serves loopback only; use 127.0.0.1 or ::1"),
        (&["--address", "here"], "--address: 'here' is not a loopback address"),
        (
            &["--latency-ms", "soon"],
            "--latency-ms: 'soon' does not fit here: it takes a whole number, not negative",
        ),
        (&["--answer", "no"], "--answer: 'no' does not fit here: it takes normal, html, empty-object"),
        (&["--scenario", "{"], "--scenario: "),
        (&["--scenario", "@/nonexistent"], "--scenario: cannot read /nonexistent"),
        (&["--catalogue", "/nonexistent"], "--catalogue: cannot read /nonexistent"),
        (&["--signature", "4"], "--signature: '4' is neither 2, 3 nor any"),
        (&["--token-encoding", "hex"], "--token-encoding: 'hex' is neither base64 nor raw"),
        (&["--tls-ca-out", "x"], "--tls-ca-out: there is no authority without --tls; add it"),
        (&["-x"], "see --help"),
        (&["surplus"], "see --help"),
    ] {
        let output = output(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(told), "{arguments:?}: {error}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_with_a_remedy() {
    let running = Running::start(&[]);
    let port = running.url.rsplit(':').next().unwrap();
    let output = output(&["--port", port]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(error, format!("jdcloud-emulator: port {port} is taken; --port 0 finds a free one\n"));
}

#[test]
fn the_manual_lists_every_flag_within_110_columns() {
    let output = output(&["--help"]);
    let manual = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    for field in jdcloud_emulator::FIELDS {
        assert!(manual.contains(&format!("--{} ", field.name.replace('_', "-"))), "{}", field.name);
    }
    for line in manual.lines() {
        assert!(line.len() <= 110, "{line}");
    }
    let version = command(&["--version"]).output().unwrap().stdout;
    assert_eq!(
        String::from_utf8(version).unwrap(),
        concat!("jdcloud-emulator ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn the_manual_lists_the_catalogue_that_is_built_in() {
    let manual = String::from_utf8(output(&["--help"]).stdout).unwrap();
    let catalogue = serde_json::to_value(jdcloud_emulator::Catalogue::default()).unwrap();
    for (region, images) in catalogue.as_object().unwrap() {
        assert!(manual.contains(region), "{region}");
        // Described as a whole: some sixty images.
        if region == "cn-east-1" {
            continue;
        }
        for id in images.as_object().unwrap().keys() {
            assert!(manual.contains(id), "{id}");
        }
    }
}
