//! What it costs that a plugin is there at all: from its start to its first answer.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::client::Identity;
use crate::host::{Plugin, runtime, schema};
use crate::spread::Spread;
use crate::{Programs, Rounds};

/// What was measured of one binary.
pub(crate) struct Start {
    pub(crate) binary_bytes: f64,
    /// From before the process is made until its handshake line is read.
    pub(crate) handshake_ms: Spread,
    /// Held while it waits for its host.
    pub(crate) rss_bytes: Spread,
    /// From the handshake line until the schema is there: a connection, TLS, a health check and the call.
    pub(crate) schema_ms: Spread,
}

/// Of both.
pub(crate) struct Starts {
    pub(crate) provider: Start,
    pub(crate) baseline: Start,
}

#[derive(Default)]
struct Series {
    handshake: Vec<f64>,
    rss: Vec<f64>,
    schema: Vec<f64>,
}

/// Starts both in turns. `directory` must hold what the baseline replies.
pub(crate) fn measure(programs: &Programs, directory: &Path, rounds: &Rounds) -> Starts {
    eprintln!("starting each {} times", rounds.starts);
    let (identity, runtime) = (Identity::new(), runtime());
    let pair = [&programs.provider, &programs.baseline];
    let mut series = [Series::default(), Series::default()];
    for round in 0..=rounds.starts {
        for (program, series) in pair.iter().zip(&mut series) {
            let plugin = Plugin::start(program, directory, &identity);
            let rss = plugin.memory("VmRSS");
            let connecting = Instant::now();
            runtime.block_on(async { schema(&plugin.connect(&identity).await).await });
            let answered_in = connecting.elapsed();
            // The first brings the files into memory.
            if round > 0 {
                series.handshake.push(plugin.started_in.as_secs_f64() * 1e3);
                series.rss.push(rss);
                series.schema.push(answered_in.as_secs_f64() * 1e3);
            }
        }
    }
    let [provider, baseline] = pair.map(|program| fs::metadata(program).unwrap().len() as f64);
    let start = |binary_bytes, series: &Series| Start {
        binary_bytes,
        handshake_ms: Spread::of(&series.handshake).unwrap(),
        rss_bytes: Spread::of(&series.rss).unwrap(),
        schema_ms: Spread::of(&series.schema).unwrap(),
    };
    Starts { provider: start(provider, &series[0]), baseline: start(baseline, &series[1]) }
}
