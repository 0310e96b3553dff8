//! Reads of the data sources that list images and instance types, without Terraform.

use std::path::Path;
use std::time::Instant;

use jdcloud_emulator::{Catalogue, Emulator, Options, Scenario};
use serde_json::json;
use terraform_provider_jdcloud::framework::{Provider as _, Value, msgpack};
use terraform_provider_jdcloud::provider::JdCloud;
use terraform_provider_jdcloud::tfplugin::proto::v6;

use crate::client::{Identity, block, dynamic};
use crate::host::{Plugin, runtime};
use crate::plan::LATENCIES;
use crate::spread::Spread;
use crate::{Programs, Rounds};

/// The measured reads: the data source, its rows, and `max_concurrent_requests` where it is not the default.
const READS: [(&str, usize, Option<i64>); 5] = [
    ("jdcloud_images", 1_000, None),
    ("jdcloud_images", 1_000, Some(9)),
    ("jdcloud_images", 10_000, None),
    ("jdcloud_instance_types", 150, None),
    ("jdcloud_instance_types", 500, None),
];

/// Reads of one kind, each in a new process.
pub(crate) struct List {
    pub(crate) data_source: &'static str,
    pub(crate) rows: usize,
    pub(crate) concurrent: Option<i64>,
    /// At each of the latencies.
    pub(crate) seconds: [Spread; LATENCIES.len()],
    pub(crate) peak_bytes: f64,
    pub(crate) calls: u64,
}

/// Reads of all kinds.
pub(crate) fn measure(programs: &Programs, directory: &Path, rounds: &Rounds) -> Vec<List> {
    READS
        .map(|(data_source, rows, concurrent)| {
            eprintln!("reading {rows} rows of {data_source}");
            let emulator =
                Emulator::start(Options { catalogue: catalogue(rows), ..Options::default() }).unwrap();
            let (mut peak, mut calls) = (Vec::new(), 0);
            let seconds = LATENCIES.map(|latency| {
                emulator.set_scenario(Scenario { latency_ms: latency, ..Scenario::default() });
                let measured: Vec<f64> = (0..rounds.reads)
                    .map(|_| {
                        emulator.reset();
                        let (seconds, bytes) =
                            read(programs, directory, &emulator, data_source, rows, concurrent);
                        peak.push(bytes);
                        calls = emulator.counters().calls;
                        seconds
                    })
                    .collect();
                Spread::of(&measured).unwrap()
            });
            let peak_bytes = Spread::of(&peak).unwrap().median;
            List { data_source, rows, concurrent, seconds, peak_bytes, calls }
        })
        .into()
}

/// The seconds of one read, and the peak memory of its process.
fn read(
    programs: &Programs,
    directory: &Path,
    emulator: &Emulator,
    data_source: &str,
    rows: usize,
    concurrent: Option<i64>,
) -> (f64, f64) {
    let sources = JdCloud.data_sources();
    let ty = sources.iter().find(|source| source.type_name() == data_source).unwrap().schema().ty();
    let (list, arguments) = match data_source {
        "jdcloud_images" => ("images", vec![("image_source", Value::string("public"))]),
        _ => ("instance_types", vec![]),
    };
    let request = v6::read_data_source::Request {
        type_name: data_source.into(),
        config: Some(dynamic(&ty, &block(&ty, &arguments))),
        ..Default::default()
    };
    let identity = Identity::new();
    let plugin = Plugin::start(&programs.provider, directory, &identity);
    let (seconds, response) = runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        let more = concurrent.map(|most| ("max_concurrent_requests", Value::from(most)));
        client.configure_for(&emulator.url(), more.as_slice()).await;
        let started = Instant::now();
        let response: v6::read_data_source::Response =
            client.call("/tfplugin6.Provider/ReadDataSource", request).await.unwrap();
        (started.elapsed().as_secs_f64(), response)
    });
    let peak_bytes = plugin.memory("VmHWM");
    let state = response.state.map(|state| msgpack::decode(&ty, &state.msgpack).unwrap());
    let read = state.as_ref().and_then(|state| state.as_members()?.get(list)?.as_list());
    assert_eq!(read.map(<[Value]>::len), Some(rows), "{:?}", response.diagnostics);
    (seconds, peak_bytes)
}

/// As many images as instance types.
fn catalogue(rows: usize) -> Catalogue {
    let mut catalogue = Catalogue::generated(rows, 0);
    for size in 1..=rows {
        catalogue.insert_instance_type("cn-north-1", json!({
            "instanceType": format!("g.n{}.{size}xlarge", size % 9),
            "family": "g.n",
            "cpu": size,
            "memoryMB": size * 4096,
            "state": [{ "az": "cn-north-1a", "inStock": true }, { "az": "cn-north-1b", "inStock": false }],
        }));
    }
    catalogue
}
