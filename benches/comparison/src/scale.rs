//! How time and memory of one read grow with what is read, asked without Terraform.

use std::path::Path;
use std::time::Instant;

use jdcloud_emulator::{Catalogue, Emulator, Options};

use crate::Rounds;
use crate::client::Identity;
use crate::host::{Plugin, ids, question, runtime};
use crate::spread::Spread;

/// Images, and the instance types that each excludes.
pub(crate) const SIZES: [(usize, usize); 5] =
    [(1_000, 6), (10_000, 6), (100_000, 6), (1_000, 200), (10_000, 200)];

/// Reads of one size, each by a process of its own.
pub(crate) struct Scale {
    pub(crate) images: usize,
    pub(crate) types: usize,
    /// None if the provider refused to answer.
    pub(crate) seconds: Option<Spread>,
    pub(crate) idle_bytes: f64,
    pub(crate) peak_bytes: f64,
    /// All bodies that the API sent, before they were compressed.
    pub(crate) body_bytes: f64,
    /// The encoded value that Terraform gets.
    pub(crate) reply_bytes: f64,
    pub(crate) calls: u64,
}

/// Reads of all sizes, in turns.
pub(crate) fn measure(provider: &Path, directory: &Path, rounds: &Rounds) -> Vec<Scale> {
    SIZES.map(|(images, types)| size(provider, directory, rounds, images, types)).into()
}

fn size(provider: &Path, directory: &Path, rounds: &Rounds, images: usize, types: usize) -> Scale {
    eprintln!("reading {images} images with {types} types each");
    let catalogue = Catalogue::generated(images, types);
    let emulator = Emulator::start(Options { catalogue, ..Options::default() }).unwrap();
    let (identity, runtime, question) = (Identity::new(), runtime(), question(&ids(images)));
    let (mut seconds, mut idle, mut peak, mut reply_bytes) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for _ in 0..rounds.reads {
        emulator.reset();
        let plugin = Plugin::start(provider, directory, &identity);
        idle.push(plugin.memory("VmRSS"));
        runtime.block_on(async {
            let client = plugin.connect(&identity).await;
            client.configure_for(&emulator.url(), &[]).await;
            let started = Instant::now();
            let response = client.read(question.clone()).await.unwrap();
            let elapsed = started.elapsed().as_secs_f64();
            match response.state {
                Some(state) => {
                    seconds.push(elapsed);
                    reply_bytes = state.msgpack.len() as f64;
                }
                None => eprintln!("refused: {:?}", response.diagnostics),
            }
        });
        peak.push(plugin.memory("VmHWM"));
    }
    let counters = emulator.counters();
    let middle = |measured: &[f64]| Spread::of(measured).unwrap().median;
    Scale {
        images,
        types,
        seconds: Spread::of(&seconds),
        idle_bytes: middle(&idle),
        peak_bytes: middle(&peak),
        body_bytes: counters.body_bytes as f64,
        reply_bytes,
        calls: counters.calls,
    }
}
