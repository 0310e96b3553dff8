//! The cost of starting a plugin: from the start of the process to its first reply.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::client::Identity;
use crate::host::{Plugin, runtime, schema};
use crate::spread::Spread;
use crate::{Programs, Rounds};

/// The figures of one binary.
pub(crate) struct Start {
    pub(crate) binary_bytes: f64,
    /// From the start of the process until its handshake line is read.
    pub(crate) handshake_ms: Spread,
    /// Memory while it waits for its host.
    pub(crate) rss_bytes: Spread,
    /// From the handshake line to the schema: a connection, TLS, a health check and the call.
    pub(crate) schema_ms: Spread,
}

/// The figures of both binaries.
pub(crate) struct Starts {
    pub(crate) provider: Start,
    pub(crate) baseline: Start,
}

#[derive(Default)]
struct StartSeries {
    handshake: Vec<f64>,
    rss: Vec<f64>,
    schema: Vec<f64>,
}

/// Starts both in turns. `directory` must contain the replies of the baseline.
pub(crate) fn measure(programs: &Programs, directory: &Path, rounds: &Rounds) -> Starts {
    eprintln!("starting each {} times", rounds.starts);
    let (identity, runtime) = (Identity::new(), runtime());
    let pair = [&programs.provider, &programs.baseline];
    let mut series = [StartSeries::default(), StartSeries::default()];
    for round in 0..=rounds.starts {
        for (program, series) in pair.iter().zip(&mut series) {
            let plugin = Plugin::start(program, directory, &identity);
            let rss = plugin.memory("VmRSS");
            let connecting = Instant::now();
            runtime.block_on(async { schema(&plugin.connect(&identity).await).await });
            let answered_in = connecting.elapsed();
            // The first start loads the files into the page cache.
            if round > 0 {
                series.handshake.push(plugin.started_in.as_secs_f64() * 1e3);
                series.rss.push(rss);
                series.schema.push(answered_in.as_secs_f64() * 1e3);
            }
        }
    }
    let [provider, baseline] = pair.map(|program| fs::metadata(program).unwrap().len() as f64);
    let start = |binary_bytes, series: &StartSeries| Start {
        binary_bytes,
        handshake_ms: Spread::of(&series.handshake).unwrap(),
        rss_bytes: Spread::of(&series.rss).unwrap(),
        schema_ms: Spread::of(&series.schema).unwrap(),
    };
    Starts { provider: start(provider, &series[0]), baseline: start(baseline, &series[1]) }
}
