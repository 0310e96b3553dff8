//! The fault matrix: each fault of the API with one read, one read of 10,000 images, and 200 concurrent reads. Each cell ends
//! in the correct result or the correct message, within the deadline, after a bounded number of calls, and without leaks.
//! Otherwise a fault of the API could make a plan hang or pass wrongly.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking

mod support;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jdcloud_emulator::{
    Answer, AnswerTo, Catalogue, Emulator, MalformedRow, Options as EmulatorOptions, RetryAfter, Scenario,
    SilentIds, ThrottleForm, WithoutIds,
};
use terraform_provider_jdcloud::framework::Value;
use terraform_provider_jdcloud::tfplugin::proto::v6::Diagnostic;

use support::{Client, Options, Plugin, process_status, runtime, strings};

/// The provider's arguments in every cell, small so that the matrix takes seconds.
const REQUEST_TIMEOUT: &str = "1s";
const READ_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_RETRIES: i64 = 2;

/// The maximum time of a cell: the deadline of the read, plus a margin for a busy machine.
const DEADLINE: Duration = Duration::from_secs(40);

/// The maximum resident memory at the end: far more than 10,000 images need, and far less than a leak of all responses.
const MEMORY_KB: u64 = 200 << 10;

const IMAGES: usize = 10_000;
const TYPES: usize = 6;
const PARALLEL: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Load {
    One,
    Many,
    Parallel,
}

/// The result of each read of a cell.
#[derive(Clone, Debug)]
enum End {
    /// The correct value.
    Value,
    /// A diagnostic with this summary.
    Error(&'static str),
    /// A diagnostic with this summary for reads that are answered by name. A listing of the region, which precedes the requests of
    /// many reads where these do not arrive at once, has the correct response.
    ErrorUnlessListed(&'static str),
    /// The correct value, or for some reads a diagnostic with this summary.
    ValueOr(&'static str),
    /// A diagnostic with this summary for the reads of this image, the correct value for the others.
    ErrorOf(usize, &'static str),
}

struct Row {
    name: &'static str,
    scenario: Scenario,
    end: End,
    /// The maximum number of calls for one read, for 10,000 images, and for 200 reads.
    calls: [u64; 3],
}

fn row(name: &'static str, end: End, calls: [u64; 3], scenario: Scenario) -> Row {
    Row { name, scenario, end, calls }
}

/// The calls without a fault: one; 10,000 images in batches of 100; two small calls, a listing, and one more small call.
const HEALTHY: [u64; 3] = [1, 100, 4];
/// A lasting failure: each call has three attempts, limited by the shared budget.
const FAILING: [u64; 3] = [3, 60, 60];
/// A failure without retries: the calls that were in progress.
const FINAL: [u64; 3] = [1, 16, 60];

/// Every request is refused: the 8 that a read makes at once are halved 7 times, until an id is refused alone; splitting the
/// requests of many reads needs at most two calls for each read.
const REFUSED: [u64; 3] = [3, 8 * (1 + 7), 2 * PARALLEL as u64 + 6];
/// An invalid response, which one image may be the reason for.
const INVALID: [u64; 3] = [1, 16, REFUSED[2]];
/// A refusal that concerns one image, which halving finds.
const SPLIT: [u64; 3] = [3, 100 + 32, 4 + 32];

const NOT_FOUND: &str = "JD Cloud found nothing at this address";

const EVER: u64 = u64::MAX;

fn matrix() -> Vec<Row> {
    use End::{Error, ErrorOf, ErrorUnlessListed, Value, ValueOr};
    let s = Scenario::default;
    let plus = |more: u64| HEALTHY.map(|calls| calls + more);
    vec![
        row("healthy", Value, HEALTHY, s()),
        row("slow", Value, HEALTHY, Scenario { latency_ms: 100, jitter_ms: 100, ..s() }),
        row("500 at first", Value, plus(2), Scenario { fail_first: 2, ..s() }),
        row("502 at first", Value, plus(2), Scenario { fail_first: 2, fail_status: 502, ..s() }),
        row(
            "503 in HTML at first",
            Value,
            plus(2),
            Scenario { fail_first: 2, fail_status: 503, fail_body: jdcloud_emulator::FailBody::Html, ..s() },
        ),
        row("500 always", Error("JD Cloud failed"), REFUSED, Scenario { fail_first: EVER, ..s() }),
        row(
            "503 always",
            Error("JD Cloud failed"),
            FAILING,
            Scenario { fail_first: EVER, fail_status: 503, ..s() },
        ),
        row(
            "400 always",
            Error("JD Cloud refused the request"),
            REFUSED,
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
            INVALID,
            Scenario { answer: Answer::Redirect, ..s() },
        ),
        row(
            "a login page",
            Error("The response is not JSON"),
            INVALID,
            Scenario { answer: Answer::Html, ..s() },
        ),
        row(
            "an empty object",
            Error("Unexpected response"),
            INVALID,
            Scenario { answer: Answer::EmptyObject, ..s() },
        ),
        row(
            "no requestId",
            Error("Unexpected response"),
            INVALID,
            Scenario { answer: Answer::NoRequestId, ..s() },
        ),
        row(
            "half of the JSON",
            Error("The response is not JSON"),
            FAILING,
            Scenario { cut_json: true, ..s() },
        ),
        row(
            "half of the body",
            Error("The connection to JD Cloud broke"),
            FAILING,
            Scenario { cut_body: true, ..s() },
        ),
        row(
            "half of a body at first",
            Value,
            plus(1),
            Scenario { cut_body: true, only_first: Some(1), ..s() },
        ),
        row("reset at first", Value, plus(2), Scenario { reset_first: 2, ..s() }),
        row(
            "reset always",
            Error("The connection to JD Cloud broke"),
            FAILING,
            Scenario { reset_first: EVER, ..s() },
        ),
        row("no response at first", Value, plus(1), Scenario { hang_first: 1, ..s() }),
        row(
            "no response, always",
            Error("JD Cloud did not respond in time"),
            FAILING,
            Scenario { hang_first: EVER, ..s() },
        ),
        row(
            "a body that stalls",
            Error("JD Cloud did not respond in time"),
            FAILING,
            Scenario { stall_after_bytes: Some(10), ..s() },
        ),
        row(
            "a body that trickles",
            Error("JD Cloud did not respond in time"),
            FAILING,
            Scenario { body_bytes_per_second: Some(20), ..s() },
        ),
        row(
            "too large",
            Error("The response is too large"),
            [1, 16, 60],
            Scenario { huge_body_mb: Some(80), ..s() },
        ),
        row(
            "throttled always",
            Error("JD Cloud throttles this account"),
            FAILING,
            Scenario { throttle_per_minute: Some(0), ..s() },
        ),
        row(
            "throttled always, in responses with status 200",
            Error("JD Cloud throttles this account"),
            FAILING,
            Scenario { throttle_per_minute: Some(0), throttle_form: ThrottleForm::InsideOk, ..s() },
        ),
        row(
            "throttled always, without JSON",
            Error("JD Cloud throttles this account"),
            FAILING,
            Scenario { throttle_per_minute: Some(0), throttle_form: ThrottleForm::Text, ..s() },
        ),
        row(
            "throttled for a second",
            ValueOr("JD Cloud throttles this account"),
            [4, 250, 60],
            Scenario {
                throttle_per_minute: Some(60),
                throttle_window_ms: 1000,
                retry_after: RetryAfter::Seconds,
                ..s()
            },
        ),
        row(
            "quota",
            Error("A quota of the JD Cloud account is used up"),
            FINAL,
            Scenario { throttle_per_minute: Some(0), throttle_form: ThrottleForm::Quota, ..s() },
        ),
        row("one bad id", ErrorOf(7, "JD Cloud refused the request"), SPLIT, bad_id(400, false)),
        row("one anonymous bad id", ErrorOf(7, "JD Cloud refused the request"), SPLIT, bad_id(400, true)),
        row("one anonymous bad id, 404", ErrorOf(7, NOT_FOUND), SPLIT, bad_id(404, true)),
        row("one anonymous bad id, 500", ErrorOf(7, "JD Cloud failed"), SPLIT, bad_id(500, true)),
        row("one anonymous bad id, 502", ErrorOf(7, "JD Cloud failed"), SPLIT, bad_id(502, true)),
        row("few ids a call", Value, [1, 450, 60], limit(30, 413)),
        row("few ids a call, refused with 400", Value, [1, 450, 60], limit(30, 400)),
        row(
            "few ids a call, without an error",
            Value,
            [1, 400, 60],
            Scenario { silent_max_ids: Some(30), ..s() },
        ),
        row(
            "the last few ids a call, without an error",
            Value,
            [1, 400, 60],
            Scenario { silent_max_ids: Some(30), silent_ids: SilentIds::Last, ..s() },
        ),
        row(
            "the smallest few ids a call, without an error",
            Value,
            [1, 400, 60],
            Scenario { silent_max_ids: Some(30), silent_ids: SilentIds::Smallest, ..s() },
        ),
        row(
            "few rows a call, without an error",
            Value,
            [1, 400, 60],
            Scenario { silent_max_rows: Some(30), ..s() },
        ),
        row(
            "an ignored query",
            ErrorUnlessListed("The response is for another request"),
            // Each call is repeated on a new connection.
            [2, 16, 60],
            Scenario { answer_to: AnswerTo::WithoutQuery, ..s() },
        ),
        row(
            "rows without a constraint in the call without ids",
            Value,
            [1, 100, 25],
            Scenario { without_ids: WithoutIds::BareRows, ..s() },
        ),
        row(
            "constraints without instance types in the call without ids",
            Value,
            [1, 100, 25],
            Scenario { without_ids: WithoutIds::RowsWithoutTypes, ..s() },
        ),
        row(
            "a call without ids that hangs",
            Value,
            [1, 100, 25],
            Scenario { without_ids: WithoutIds::Hang, ..s() },
        ),
        row("no call without ids", Value, [1, 100, 25], Scenario { without_ids: WithoutIds::Refused, ..s() }),
        row(
            "an empty call without ids",
            Value,
            [1, 100, 25],
            Scenario { without_ids: WithoutIds::Empty, ..s() },
        ),
        row(
            "a partial call without ids",
            Value,
            [1, 100, 25],
            Scenario { without_ids: WithoutIds::Subset, ..s() },
        ),
        row("a clock an hour off", Value, [2, 116, 30], Scenario { clock_skew_s: 3600, ..s() }),
        row(
            "a row without imageId",
            Error("Malformed response"),
            [1, 100, REFUSED[2]],
            Scenario { malformed_row: Some(MalformedRow::NoImageId), ..s() },
        ),
        row("unknown fields", Value, HEALTHY, Scenario { extra_fields: true, ..s() }),
        row("a connection for each call", Value, HEALTHY, Scenario { close_connections: true, ..s() }),
        row("no compression", Value, HEALTHY, Scenario { no_gzip: true, ..s() }),
    ]
}

/// A refusal of every request for image 7. If `anonymous`, the message does not name it.
fn bad_id(status: u16, anonymous: bool) -> Scenario {
    Scenario {
        poisoned_ids: vec![id(7)],
        poisoned_status: status,
        poisoned_anonymous: anonymous,
        without_ids: WithoutIds::Refused,
        ..Scenario::default()
    }
}

/// A refusal of every request for more than `ids` images.
fn limit(ids: usize, status: u16) -> Scenario {
    Scenario { max_ids: Some(ids), max_ids_status: status, ..Scenario::default() }
}

fn id(number: usize) -> String {
    format!("img-{number:010}")
}

#[test]
fn every_fault_ends_in_the_correct_result_or_the_correct_message() {
    let cells: Vec<(Row, Load)> = [Load::One, Load::Many, Load::Parallel]
        .into_iter()
        .flat_map(|load| matrix().into_iter().map(move |row| (row, load)))
        .collect();
    let count = cells.len();
    let (queue, failed) = (Mutex::new(cells), Mutex::new(Vec::new()));
    // Cells mostly wait.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some((row, load)) = queue.lock().unwrap().pop() else { break };
                    if let Err(problem) = cell(&row, load) {
                        failed.lock().unwrap().push(format!("{} x {load:?}: {problem}", row.name));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {count} cells:\n{}", failed.len(), failed.join("\n"));
    println!("{count} cells");
}

/// Runs one cell; the error is its problem.
fn cell(row: &Row, load: Load) -> Result<(), String> {
    let catalogue = Catalogue::generated(IMAGES, TYPES);
    let emulator = Emulator::start(EmulatorOptions { catalogue, ..EmulatorOptions::default() }).unwrap();
    let mut plugin = Options::plain().start();
    let (problems, elapsed) = runtime().block_on(async {
        let client = plugin.connect_plain().await;
        let limits = [
            ("request_timeout", Value::string(REQUEST_TIMEOUT)),
            ("read_timeout", Value::string(format!("{}s", READ_TIMEOUT.as_secs()))),
            ("max_retries", MAX_RETRIES.into()),
        ];
        client.configure_for(&emulator.url(), &limits).await;
        emulator.set_scenario(row.scenario.clone());
        let started = Instant::now();
        (read(&client, row, load).await, started.elapsed())
    });
    let mut problems = problems;
    if elapsed > DEADLINE {
        problems.push(format!("took {elapsed:?}"));
    }
    let (calls, most) = (emulator.counters().calls, row.calls[load as usize]);
    if calls > most {
        problems.push(format!("{calls} calls, more than {most}"));
    }
    problems.extend(leftovers(&plugin));
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
async fn read(client: &Client, row: &Row, load: Load) -> Vec<String> {
    let reads: Vec<Vec<usize>> = match load {
        Load::One => vec![vec![7]],
        Load::Many => vec![(1..=IMAGES).collect()],
        Load::Parallel => (1..=PARALLEL).map(|number| vec![number]).collect(),
    };
    let results = futures_util::future::join_all(reads.iter().map(async |images| {
        let ids: Vec<String> = images.iter().map(|number| id(*number)).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        client.read_value(&[("ids", strings(&ids))]).await
    }));
    let results = results.await;
    let mut problems = Vec::new();
    let mut correct = 0;
    for (images, (state, diagnostics)) in reads.iter().zip(results) {
        let expected = match &row.end {
            End::ErrorOf(bad, summary) if images.contains(bad) => End::Error(summary),
            End::ErrorOf(..) => End::Value,
            End::ErrorUnlessListed(summary) if load == Load::Parallel => End::ValueOr(summary),
            End::ErrorUnlessListed(summary) => End::Error(summary),
            other => other.clone(),
        };
        let outcome = match state {
            Some(state) => check(&state, images),
            None => Err(summaries(&diagnostics)),
        };
        correct += usize::from(outcome.is_ok());
        match (expected, outcome) {
            (End::Value | End::ValueOr(_), Ok(())) => {}
            (End::Error(summary) | End::ValueOr(summary), Err(found)) if found == summary => {}
            (expected, outcome) => problems.push(format!("{expected:?} expected, {outcome:?} found")),
        }
    }
    if matches!(row.end, End::ValueOr(_)) && load == Load::One && correct == 0 {
        problems.push("no read succeeded".to_owned());
    }
    problems
}

/// Checks the value: every image of the catalogue excludes the same number of types.
fn check(state: &Value, images: &[usize]) -> Result<(), String> {
    let state = state.as_members().unwrap();
    let excluded = state["excluded_instance_types"].as_members().unwrap();
    let expected: BTreeSet<String> = images.iter().map(|number| id(*number)).collect();
    if !excluded.keys().map(|key| &**key).eq(expected.iter().map(String::as_str)) {
        return Err(format!("{} images instead of {}", excluded.keys().count(), expected.len()));
    }
    match excluded.values().find(|types| types.as_list().map(<[Value]>::len) != Some(TYPES)) {
        None => Ok(()),
        Some(types) => Err(format!("an image has {types:?}")),
    }
}

fn summaries(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == 1);
    errors.map(|diagnostic| diagnostic.summary.as_str()).collect::<Vec<_>>().join(", ")
}

/// The leaked resources of the process. Linux only: none elsewhere.
fn leftovers(plugin: &Plugin) -> Vec<String> {
    let number = |name| process_status(plugin.pid(), name);
    let mut problems = Vec::new();
    if !cfg!(target_os = "linux") {
        return problems;
    }
    // The event loop and the signals, and for ten seconds those that have read large bodies: one for each request at once.
    if number("Threads") > 2 + 8 {
        problems.push(format!("{} threads", number("Threads")));
    }
    if number("VmRSS") > MEMORY_KB {
        problems.push(format!("{} kB of memory", number("VmRSS")));
    }
    problems
}
