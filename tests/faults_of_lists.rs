//! The fault matrix of the data sources that list: each fault of the API with one read, one read of 1,000 rows, and 200
//! concurrent reads. Each cell ends in the complete list or the correct message, within the deadline, after a bounded number
//! of calls. Otherwise a fault of the API could make a plan hang, or a list incomplete without an error.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jdcloud_emulator::{
    Answer, Catalogue, Emulator, MalformedRow, Options as EmulatorOptions, Paging, RetryAfter, Scenario,
    ThrottleForm,
};
use serde_json::json;
use terraform_provider_jdcloud::framework::Value;

use support::{Client, Options, process_status, runtime, type_of};

/// The provider's arguments in every cell, small so that the matrix takes seconds.
const REQUEST_TIMEOUT: &str = "1s";
const READ_TIMEOUT: Duration = Duration::from_secs(6);
const MAX_RETRIES: i64 = 2;

/// The maximum time of a cell: the deadline of the read, plus a margin for a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);
/// The maximum resident memory at the end: far more than 1,000 rows need, and far less than a leak of all responses.
const MEMORY_KB: u64 = 200 << 10;

const MANY: usize = 1_000;
const PARALLEL: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Load {
    One,
    Many,
    Parallel,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum List {
    Images,
    InstanceTypes,
}

/// The result of each read of a cell.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The complete list.
    Value,
    /// A diagnostic with this summary.
    Error(&'static str),
}

struct Row {
    name: &'static str,
    scenario: Scenario,
    end: End,
    /// The result for 1,000 images, if it differs, because only they have several pages.
    paged: End,
    /// The maximum number of calls for a list of one page, and for a list of 10 pages.
    calls: [u64; 2],
}

fn row(name: &'static str, end: End, calls: [u64; 2], scenario: Scenario) -> Row {
    Row { name, scenario, end, paged: end, calls }
}

/// One call; 1,000 images by 100.
const HEALTHY: [u64; 2] = [1, 10];
/// A lasting failure of the first page, with three attempts.
const FAILING: [u64; 2] = [3, 3];
/// A failure without retries.
const FINAL: [u64; 2] = [1, 1];
/// A failed page ends the list; the others may be in progress.
const FINAL_PAGES: [u64; 2] = [1, 10];

const EVER: u64 = u64::MAX;

fn matrix() -> Vec<Row> {
    use End::{Error, Value};
    let s = Scenario::default;
    let more = |more: u64| HEALTHY.map(|calls| calls + more);
    let paging = |name, paging, paged, calls| Row {
        paged,
        ..row(name, Value, [1, calls], Scenario { paging, ..s() })
    };
    let incomplete = Error("JD Cloud's list is incomplete");
    let failed = Error("JD Cloud failed");
    let unexpected = Error("Unexpected response");
    let broke = Error("The connection to JD Cloud broke");
    let late = Error("JD Cloud did not respond in time");
    let throttled = Error("JD Cloud throttles this account");
    vec![
        row("healthy", Value, HEALTHY, s()),
        row("slow", Value, HEALTHY, Scenario { latency_ms: 50, jitter_ms: 50, ..s() }),
        row("500 at first", Value, more(2), Scenario { fail_first: 2, ..s() }),
        row("503 at first", Value, more(2), Scenario { fail_first: 2, fail_status: 503, ..s() }),
        row("500 always", failed, FAILING, Scenario { fail_first: EVER, ..s() }),
        row(
            "400 always",
            Error("JD Cloud refused the request"),
            FINAL,
            Scenario { fail_first: EVER, fail_status: 400, ..s() },
        ),
        row(
            "forbidden address",
            Error("JD Cloud refuses this IP address"),
            FINAL,
            Scenario { answer: Answer::ForbiddenIp, ..s() },
        ),
        row(
            "no permission",
            Error("JD Cloud denies the permission"),
            FINAL,
            Scenario { answer: Answer::PermissionDenied, ..s() },
        ),
        row(
            "redirect",
            Error("Redirected away from JD Cloud"),
            FINAL,
            Scenario { answer: Answer::Redirect, ..s() },
        ),
        row(
            "a login page",
            Error("The response is not JSON"),
            FINAL,
            Scenario { answer: Answer::Html, ..s() },
        ),
        row("an empty object", unexpected, FINAL, Scenario { answer: Answer::EmptyObject, ..s() }),
        row("no requestId", unexpected, FINAL, Scenario { answer: Answer::NoRequestId, ..s() }),
        row(
            "half of the JSON",
            Error("The response is not JSON"),
            FAILING,
            Scenario { cut_json: true, ..s() },
        ),
        row("half of the body", broke, FAILING, Scenario { cut_body: true, ..s() }),
        row("reset at first", Value, more(2), Scenario { reset_first: 2, ..s() }),
        row("reset always", broke, FAILING, Scenario { reset_first: EVER, ..s() }),
        row("silence at first", Value, more(1), Scenario { hang_first: 1, ..s() }),
        row("no response, always", late, FAILING, Scenario { hang_first: EVER, ..s() }),
        row("a body that stalls", late, FAILING, Scenario { stall_after_bytes: Some(10), ..s() }),
        row(
            "too large",
            Error("The response is too large"),
            FINAL,
            Scenario { huge_body_mb: Some(80), ..s() },
        ),
        row("throttled always", throttled, FAILING, Scenario { throttle_per_minute: Some(0), ..s() }),
        row(
            "throttled always, in responses with status 200",
            throttled,
            FAILING,
            Scenario { throttle_per_minute: Some(0), throttle_form: ThrottleForm::InsideOk, ..s() },
        ),
        row(
            "throttled for a second",
            Value,
            [4, 250],
            Scenario {
                throttle_per_minute: Some(60),
                throttle_window_ms: 1000,
                retry_after: RetryAfter::Seconds,
                ..s()
            },
        ),
        row("a clock an hour off", Value, more(1), Scenario { clock_skew_s: 3600, ..s() }),
        row(
            "a row without its id",
            Error("Malformed response"),
            FINAL_PAGES,
            Scenario { malformed_row: Some(MalformedRow::NoImageId), ..s() },
        ),
        row("unknown fields", Value, HEALTHY, Scenario { extra_fields: true, ..s() }),
        row("a connection for each call", Value, HEALTHY, Scenario { close_connections: true, ..s() }),
        paging("a total that grows", Paging::GrowingTotal, incomplete, 22),
        // There are more rows than it says, so that one more page is requested.
        paging("a total that shrinks", Paging::ShrinkingTotal, Value, 21),
        paging("pages that are empty too early", Paging::EmptyEarly, incomplete, 20),
        paging("every page is the first", Paging::FirstPage, incomplete, 20),
        // The last rows are on a page beyond the total.
        paging("pages that overlap", Paging::Overlap, incomplete, 20),
    ]
}

#[test]
fn every_fault_ends_in_the_complete_list_or_the_correct_message() {
    let mut cells = Vec::new();
    for list in [List::Images, List::InstanceTypes] {
        for load in [Load::One, Load::Many, Load::Parallel] {
            cells.extend(matrix().into_iter().map(|row| (row, list, load)));
        }
    }
    let count = cells.len();
    let (queue, wrong) = (Mutex::new(cells), Mutex::new(Vec::new()));
    // Cells mostly wait.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some((row, list, load)) = queue.lock().unwrap().pop() else { break };
                    if let Err(problem) = cell(&row, list, load) {
                        wrong.lock().unwrap().push(format!("{} x {list:?} x {load:?}: {problem}", row.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {count} cells:\n{}", wrong.len(), wrong.join("\n"));
    println!("{count} cells");
}

/// The number of rows of a list. Images usually fit one page.
fn rows(load: Load) -> usize {
    if load == Load::Many { MANY } else { 60 }
}

fn catalogue(list: List, load: Load) -> Catalogue {
    match list {
        List::Images => Catalogue::generated(rows(load), 1),
        List::InstanceTypes => {
            let mut catalogue = Catalogue::generated(1, 1);
            for number in 0..rows(load) {
                let state =
                    json!([{"az": "cn-north-1a", "inStock": true}, {"az": "cn-north-1b", "inStock": false}]);
                let one = json!({"instanceType": format!("g.n{number}.large"), "cpu": 2, "memoryMB": 8192, "state": state});
                catalogue.insert_instance_type("cn-north-1", one);
            }
            catalogue
        }
    }
}

/// Runs one cell; the error is its problem.
fn cell(row: &Row, list: List, load: Load) -> Result<(), String> {
    let catalogue = catalogue(list, load);
    let emulator = Emulator::start(EmulatorOptions { catalogue, ..EmulatorOptions::default() }).unwrap();
    let mut plugin = Options::plain().start();
    let is_paged = list == List::Images && load == Load::Many;
    let (mut problems, elapsed) = runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let limits = [
            ("request_timeout", Value::string(REQUEST_TIMEOUT)),
            ("read_timeout", Value::string(format!("{}s", READ_TIMEOUT.as_secs()))),
            ("max_retries", MAX_RETRIES.into()),
        ];
        client.configure_for(&emulator.url(), &limits).await;
        emulator.set_scenario(row.scenario.clone());
        let started = Instant::now();
        let end = if is_paged { row.paged } else { row.end };
        (read(&client, list, load, end).await, started.elapsed())
    });
    if elapsed > DEADLINE {
        problems.push(format!("took {elapsed:?}"));
    }
    let (calls, most) = (emulator.counters().calls, row.calls[usize::from(is_paged)]);
    if calls > most {
        problems.push(format!("{calls} calls, more than {most}"));
    }
    if cfg!(target_os = "linux") {
        let memory = process_status(plugin.pid(), "VmRSS");
        if memory > MEMORY_KB {
            problems.push(format!("{memory} kB of memory"));
        }
    }
    plugin.signal("TERM");
    plugin.wait();
    if !emulator.wait_for(Duration::from_secs(5), |counters| counters.connections_open == 0) {
        problems.push("connections stay open after the end".to_owned());
    }
    problems.dedup();
    problems.truncate(3);
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

/// Makes the reads of a cell; returns a problem for each unexpected result.
async fn read(client: &Client, list: List, load: Load, end: End) -> Vec<String> {
    let (name, result, arguments) = match list {
        List::Images => ("jdcloud_images", "image_ids", vec![("image_source", Value::string("public"))]),
        List::InstanceTypes => ("jdcloud_instance_types", "instance_type_names", Vec::new()),
    };
    let ty = type_of(name);
    let reads = if load == Load::Parallel { PARALLEL } else { 1 };
    let reads = (0..reads).map(|_| client.read_other(name, &ty, &arguments));
    let mut problems = Vec::new();
    for (state, diagnostics) in futures_util::future::join_all(reads).await {
        let errors: Vec<_> =
            diagnostics.iter().filter(|one| one.severity == 1).map(|one| one.summary.as_str()).collect();
        let found = state.map(|state| state.as_members().unwrap()[result].as_list().unwrap().len());
        match (end, found) {
            (End::Value, Some(found)) if found == rows(load) => {}
            (End::Error(summary), None) if errors == [summary] => {}
            _ => problems.push(format!("{end:?} expected, {found:?} rows and {errors:?} found")),
        }
    }
    problems
}
