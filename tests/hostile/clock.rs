//! A wrong clock, and one that is set while a plan runs. Requests are signed with it and certificates are checked
//! against it; timeouts must not depend on it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::future::{join, join_all};
use jdcloud_emulator::{Catalogue, Emulator, Options as EmulatorOptions, Scenario};
use terraform_provider_jdcloud::framework::Value;

use crate::support::{Client, Options, Plugin, runtime, strings, texts};

const WRONG: &str = "The clock of this machine is wrong";
const READS: usize = 40;

/// Overrides the C library's clock: adds the number of seconds in a file to the time of day.
const SHIM: &str = r#"
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>

    int clock_gettime(clockid_t id, struct timespec *time) {
        int result = syscall(SYS_clock_gettime, id, time);
        FILE *file = id == CLOCK_REALTIME ? fopen(getenv("CLOCK_IS_OFF"), "r") : NULL;
        if (file) {
            long seconds = 0;
            if (fscanf(file, "%ld", &seconds) == 1) time->tv_sec += seconds;
            fclose(file);
        }
        return result;
    }
"#;

/// Starts the provider with this clock. The returned function sets the offset, in hours.
fn start(directory: &Path) -> (Plugin, impl Fn(i64)) {
    let off = directory.join("off");
    let options = Options::plain().set("LD_PRELOAD", &compile(directory));
    let plugin = options.set("CLOCK_IS_OFF", off.to_str().unwrap()).start();
    let new = directory.join("new");
    let set = move |hours: i64| {
        std::fs::write(&new, (hours * 3600).to_string()).unwrap();
        std::fs::rename(&new, &off).unwrap();
    };
    (plugin, set)
}

fn compile(directory: &Path) -> String {
    let (source, library) = (directory.join("shim.c"), directory.join("shim.so"));
    std::fs::write(&source, SHIM).unwrap();
    let mut compiler = Command::new("cc");
    assert!(compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status().unwrap().success());
    library.to_str().unwrap().to_owned()
}

/// Reads an image: whether its constraint is right, and the texts of the diagnostics.
async fn read(client: &Client, image: usize) -> (bool, Vec<String>) {
    let id = format!("img-{image:010}");
    let (state, diagnostics) = client.read_value(&[("ids", strings(&[&id]))]).await;
    let right = state.is_some_and(|state| {
        let excluded = state.as_members().unwrap()["excluded_instance_types"].as_members().unwrap();
        excluded[&*id] == strings(&[&format!("g.n{}.{image}xlarge", image % 9)])
    });
    (right, texts(&diagnostics))
}

#[test]
fn reads_work_while_the_clock_jumps_by_hours() {
    let directory = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(EmulatorOptions {
        tls: true,
        catalogue: Catalogue::generated(6 * READS, 1),
        scenario: Scenario { latency_ms: 50, ..Scenario::default() },
        ..EmulatorOptions::default()
    })
    .unwrap();
    let (plugin, set) = start(directory.path());
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        // One call for each read, without retries.
        let arguments = [
            ("ca_bundle", Value::string(emulator.ca_pem().unwrap())),
            ("read_ahead", false.into()),
            ("batch_size", 1.into()),
            ("max_retries", 0.into()),
        ];
        client.configure_for(&emulator.url(), &arguments).await;
        // The right time needs no warning. The fourth wrong clock is not corrected any more.
        for (turn, (hours, warnings)) in [(3, 1), (-5, 1), (0, 0), (2, READS)].into_iter().enumerate() {
            let reads = join_all((1..=READS).map(|number| read(&client, turn * READS + number)));
            let before = emulator.counters().calls;
            let jump = async {
                while emulator.counters().calls == before {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                set(hours);
            };
            let (results, ()) = join(reads, jump).await;
            let diagnostics = results.iter().flat_map(|(_, texts)| texts).collect::<Vec<_>>();
            assert!(diagnostics.iter().all(|text| text.starts_with(WRONG)), "{hours} hours: {diagnostics:?}");
            if warnings == READS {
                assert!(results.iter().all(|(right, texts)| *right == texts.is_empty()), "{results:?}");
                assert!(!diagnostics.is_empty());
            } else {
                assert!(results.iter().all(|(right, _)| *right), "{hours} hours: {results:?}");
                assert_eq!(diagnostics.len(), warnings, "{hours} hours: {diagnostics:?}");
            }
        }
        // The next plan starts without a correction.
        client.configure_for(&emulator.url(), &arguments).await;
        let (right, diagnostics) = read(&client, 5 * READS).await;
        assert!(right && diagnostics.len() == 1 && diagnostics[0].starts_with(WRONG), "{diagnostics:?}");
    });
}

#[test]
fn an_expired_certificate_is_reported_with_a_hint_at_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(EmulatorOptions { tls: true, ..EmulatorOptions::default() }).unwrap();
    let (plugin, set) = start(directory.path());
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let bundle = Value::string(emulator.ca_pem().unwrap());
        // The emulator's certificate is valid from 1975 to 4096.
        let year = 366 * 24;
        for (hours, reason) in [(-53 * year, "not valid yet"), (2100 * year, "has expired")] {
            set(hours);
            let arguments = [("ca_bundle", bundle.clone()), ("max_retries", 0.into())];
            client.configure_for(&emulator.url(), &arguments).await;
            let (_, diagnostics) = read(&client, 1).await;
            let [text] = &diagnostics[..] else { panic!("{diagnostics:?}") };
            assert!(text.contains(reason) && text.contains("Check this machine's clock."), "{text}");
        }
    });
}
