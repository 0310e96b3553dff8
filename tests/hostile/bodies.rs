//! Large and deeply nested responses: memory stays below four times the size of the response, and other calls are not
//! blocked.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::configure;
use crate::support::{Options, process_status, runtime};

/// Slightly less than the maximum size of a response.
const LENGTH: usize = 63 << 20;

/// The maximum delay of another call. The build is not optimised, and other tests run at the same time; parsing a response
/// on the event loop would delay calls by seconds.
const LONGEST_STALL: Duration = Duration::from_millis(1500);

fn serve(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 8192]);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(body.as_bytes());
        }
    });
    url
}

/// `part` repeated between `before` and `after`.
fn filled(before: &str, part: &str, after: &str) -> String {
    let count = (LENGTH - before.len() - after.len()) / part.len();
    [before, &part.repeat(count), after].concat()
}

/// Numbered parts between `before` and `after`.
fn numbered(before: &str, part: impl Fn(usize) -> String, after: &str) -> String {
    let mut text = before.to_owned();
    let mut number = 0;
    while text.len() < LENGTH - 200 {
        text += &part(number);
        number += 1;
    }
    text.truncate(text.len() - 1);
    text + after
}

#[test]
fn a_large_response_does_not_exhaust_memory_or_block_other_calls() {
    let result = r#"{"requestId":"r","result":"#;
    let rows = r#"{"requestId":"r","result":{"imageConstraints":["#;
    let types = r#"{"requestId":"r","result":{"imageConstraints":[{"imageId":"img-a","imageInstanceTypeConstraint":{"constraintsType":"excludes","instanceTypes":["#;
    let bodies = [
        ("empty rows", filled(rows, "{},", "{}]}}")),
        ("rows for different images", numbered(rows, |n| format!(r#"{{"imageId":"{n:x}"}},"#), "]}}")),
        (
            "different constraints",
            numbered(
                rows,
                |n| {
                    format!(
                        r#"{{"imageId":"i","imageInstanceTypeConstraint":{{"constraintsType":"excludes","instanceTypes":["{n:x}","a{n:x}"]}}}},"#
                    )
                },
                "]}}",
            ),
        ),
        ("one instance type repeated", filled(types, "\"a\",", "\"a\"]}}]}}")),
        ("different instance types", numbered(types, |n| format!("\"{n:x}\","), "]}}]}}")),
        ("a long result", filled(&format!("{result}\""), "x", "\"}")),
        ("a long escaped result", filled(&format!("{result}\""), "\\u0061", "\"}")),
        ("a long image id", filled(&format!("{rows}{{\"imageId\":\""), "\\n", "\"}]}}")),
        ("a long message", filled(r#"{"requestId":"r","error":{"code":400,"message":""#, "\\u001b", "\"}}")),
        ("a long name", filled("{\"requestId\":\"r\",\"", "y", "\":1}")),
        ("depth", filled("{\"requestId\":\"r\",\"x\":", "[", "")),
        ("depth in the result", filled(result, "[", "")),
        ("no JSON", filled("<html>", "oops ", "")),
        ("white space", filled("{", "\n", "}")),
    ];
    for (what, body) in bodies {
        let length = body.len();
        assert!(length > LENGTH - 1024 && length <= LENGTH + 64, "{what}: {length}");
        let plugin = Options::plain().start();
        let (longest, requested_at) = (Cell::new(Duration::ZERO), Cell::new(Instant::now()));
        let (took, rest) = runtime().block_on(async {
            let client = plugin.connect_plain().await;
            configure(&client, &serve(body)).await;
            let rest = process_status(plugin.pid(), "VmHWM");
            let started = Instant::now();
            let others = async {
                while started.elapsed() < Duration::from_secs(120) {
                    requested_at.set(Instant::now());
                    client.health().await.unwrap();
                    longest.set(longest.get().max(requested_at.get().elapsed()));
                }
            };
            tokio::select! {
                (state, diagnostics) = client.read_value(&[]) => {
                    assert!(state.is_none(), "{what}: was accepted");
                    let size: usize = diagnostics.iter().map(|d| d.summary.len() + d.detail.len()).sum();
                    assert!(size < 4_000, "{what}: {size} bytes of diagnostics");
                }
                () = others => panic!("{what}: no response in two minutes"),
            }
            (started.elapsed(), rest)
        });
        // Including the call that was in progress when the read ended.
        let longest = longest.get().max(requested_at.get().elapsed());
        let more = process_status(plugin.pid(), "VmHWM") - rest;
        println!("{what}: {} MiB more, {took:?}, longest stall {longest:?}", more >> 10);
        assert!(more << 10 < 4 * length as u64, "{what}: {more} kB for {length} bytes");
        assert!(longest < LONGEST_STALL, "{what}: another call waited {longest:?}");
    }
}
