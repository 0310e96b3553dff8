//! Errors in the configuration and the environment, reported by the first read that needs the setting.

use jdcloud_emulator::Scenario;
use terraform_provider_jdcloud::framework::Value;

use crate::support::{Options, emulator, runtime, strings, texts};

/// A file of the JD Cloud CLI: a valid profile, one with an invalid region, one with half a key pair, and one with an endpoint.
const PROFILES: &str = "[default]\naccess_key = AK\nsecret_key = SK\nregion_id = cn-north-1\n\
                        [odd]\naccess_key = AK\nsecret_key = SK\nregion_id = no region\n\
                        [half]\naccess_key = AK\nregion_id = cn-north-1\n\
                        [private]\naccess_key = AK\nsecret_key = SK\nregion_id = cn-north-1\nendpoint = nowhere.invalid\n";

#[test]
fn an_invalid_setting_is_named_with_its_source_and_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let [file, rubbish, binary] = ["config", "rubbish", "binary"].map(|name| dir.path().join(name));
    std::fs::write(&file, PROFILES).unwrap();
    std::fs::write(&rubbish, "rubbish").unwrap();
    std::fs::write(&binary, [0xff]).unwrap();
    let [file, rubbish, binary] = [&file, &rubbish, &binary].map(|path| path.to_str().unwrap());
    let keys = [("JDCLOUD_ACCESS_KEY", "AK"), ("JDCLOUD_SECRET_KEY", "SK"), ("JDCLOUD_REGION", "cn-north-1")];
    let with = |name, value| [&keys[..], &[(name, value)]].concat();
    let token =
        [&with("JDCLOUD_SECURITY_TOKEN", "T")[..], &[("JDCLOUD_SECURITY_TOKEN_ENCODING", "hex")]].concat();
    let half = format!("by profile \"half\" of {file}");
    let [unknown, private] = [
        format!("{file}: the file has no such profile, which JDCLOUD_PROFILE names"),
        format!("Check the network and its name server, and endpoint in profile \"private\" of {file}."),
    ];
    let unresolved = "JD Cloud's host name can't be resolved";
    for (variables, arguments, summary, detail) in [
        (
            vec![],
            vec![("config_file", binary), ("profile", "default")],
            "Configuration file can't be read",
            "it is not UTF-8 text",
        ),
        (vec![], vec![("config_file", file), ("profile", "p")], "Profile not found", "has no profile \"p\""),
        (vec![], vec![("config_file", file), ("profile", "half")], "Incomplete credentials", &*half),
        (vec![], vec![("config_file", file), ("profile", "odd")], "Invalid region", "by profile \"odd\""),
        (token, vec![], "Invalid token encoding", "\"raw\", not \"hex\""),
        (with("HTTPS_PROXY", "socks5://proxy"), vec![], "Invalid proxy", "HTTPS_PROXY: only http"),
        (keys.to_vec(), vec![("ca_bundle", rubbish)], "Certificates can't be used", rubbish),
        (keys.to_vec(), vec![("vm_endpoint", "https://nowhere.invalid")], unresolved, "nowhere.invalid: "),
        (
            with("JDCLOUD_VM_ENDPOINT", "https://nowhere.invalid"),
            vec![],
            unresolved,
            "and JDCLOUD_VM_ENDPOINT.",
        ),
        (vec![], vec![("config_file", file), ("profile", "private")], unresolved, &*private),
        (
            vec![("JDCLOUD_PROFILE", "staging"), ("JDCLOUD_REGION", "cn-north-1")],
            vec![("config_file", file)],
            "No JD Cloud credentials",
            &*unknown,
        ),
    ] {
        let options = Options::plain();
        let plugin =
            variables.iter().fold(options, |options, (name, value)| options.set(name, value)).start();
        let arguments = arguments.iter().map(|(name, text)| (*name, Value::string(*text)));
        let arguments: Vec<_> = arguments.chain([("max_retries", 0.into())]).collect();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            assert_eq!(client.configure(&arguments).await, [], "{summary}: not before it is needed");
            let (state, diagnostics) = client.read_value(&[("ids", strings(&["img-a"]))]).await;
            let text = texts(&diagnostics).join("\n");
            assert_eq!((state, diagnostics.len()), (None, 1), "{text}");
            assert!(text.starts_with(&format!("{summary}: ")) && text.contains(detail), "{text}");
        });
    }
}

/// Users limit the requests where JD Cloud throttles their account.
#[test]
fn no_more_requests_than_the_maximum_are_in_progress_at_once() {
    let emulator = emulator(Scenario { latency_ms: 100, ..Scenario::default() });
    let plugin = Options::plain().start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        client.configure_for(&emulator.url(), &[("max_concurrent_requests", 1.into())]).await;
        let reads = ["cn-north-1", "cn-east-1", "cn-south-1"].map(async |region| {
            client.read_value(&[("region", Value::string(region)), ("ids", strings(&["img-a"]))]).await.1
        });
        assert_eq!(futures_util::future::join_all(reads).await, [[], [], []]);
    });
    assert_eq!(emulator.counters().peak_in_flight, 1);
}

/// Users turn it off where the list of a region is slow or not allowed.
#[test]
fn without_read_ahead_no_region_is_listed() {
    for (read_ahead, listings) in [(true, 1), (false, 0)] {
        let emulator = emulator(Scenario::default());
        let plugin = Options::plain().start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            client.configure_for(&emulator.url(), &[("read_ahead", read_ahead.into())]).await;
            let ids: Vec<String> = (0..10).map(|number| format!("img-{number}")).collect();
            let reads = ids.iter().map(async |id| client.read_value(&[("ids", strings(&[id]))]).await.1);
            assert!(futures_util::future::join_all(reads).await.iter().all(Vec::is_empty));
        });
        assert_eq!(emulator.counters().without_ids, listings, "read_ahead = {read_ahead}");
    }
}

#[test]
fn a_read_that_times_out_reports_the_last_failure() {
    let emulator = emulator(Scenario { reset_first: 1, hang_first: u64::MAX, ..Scenario::default() });
    let plugin = Options::plain().start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let limits = [("request_timeout", Value::string("10s")), ("read_timeout", Value::string("2s"))];
        client.configure_for(&emulator.url(), &limits).await;
        let (_, diagnostics) = client.read_value(&[("ids", strings(&["img-a"]))]).await;
        let text = texts(&diagnostics).join("\n");
        assert!(text.starts_with("The connection to JD Cloud broke: "), "{text}");
        assert!(text.contains("stopped retrying after read_timeout (2 s)"), "{text}");
    });
}
