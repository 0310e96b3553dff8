//! Time and memory of one read by the number of images and types, without Terraform.

use std::path::Path;
use std::time::Instant;

use jdcloud_emulator::{Catalogue, Emulator, Options};

use crate::client::Identity;
use crate::host::{Plugin, data_block, ids, runtime};
use crate::spread::Spread;
use crate::{Programs, Rounds, replies};

/// Images, and the instance types that each excludes.
const SIZES: [(usize, usize); 6] =
    [(10, 6), (1_000, 6), (10_000, 6), (100_000, 6), (1_000, 200), (10_000, 200)];

/// The measured binaries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Build {
    /// The released provider.
    Released,
    /// The provider with musl's own allocator.
    MuslMalloc,
    /// The provider on glibc, with its allocator.
    Glibc,
    /// Replies with a recorded reply of the provider.
    Baseline,
}

pub(crate) const BUILDS: [Build; 4] = [Build::Released, Build::MuslMalloc, Build::Glibc, Build::Baseline];

/// Reads of one size, each in a new process.
pub(crate) struct Scale {
    pub(crate) build: Build,
    pub(crate) images: usize,
    pub(crate) types: usize,
    /// None if the read failed.
    pub(crate) seconds: Option<Spread>,
    /// Of the whole process, including its start.
    pub(crate) cpu_seconds: f64,
    pub(crate) idle_bytes: f64,
    pub(crate) peak_bytes: f64,
    /// The size of all response bodies, uncompressed.
    pub(crate) body_bytes: f64,
    /// The size of the encoded value for Terraform.
    pub(crate) reply_bytes: f64,
    pub(crate) calls: u64,
}

/// Reads of all sizes by all builds, in turns.
pub(crate) fn measure(programs: &Programs, directory: &Path, rounds: &Rounds) -> Vec<Scale> {
    SIZES.iter().flat_map(|&(images, types)| size(programs, directory, rounds, images, types)).collect()
}

/// The measurements of the reads of one size by one build.
#[derive(Default)]
struct ReadSeries {
    seconds: Vec<f64>,
    cpu: Vec<f64>,
    idle: Vec<f64>,
    peak: Vec<f64>,
    body_bytes: f64,
    reply_bytes: f64,
    calls: u64,
}

fn size(programs: &Programs, directory: &Path, rounds: &Rounds, images: usize, types: usize) -> Vec<Scale> {
    eprintln!("reading {images} images with {types} types each");
    let catalogue = Catalogue::generated(images, types);
    let emulator = Emulator::start(Options { catalogue, ..Options::default() }).unwrap();
    let ids = ids(images);
    let (identity, config) = (Identity::new(), data_block(&ids));
    replies::record(&programs.provider, directory, &emulator, &ids);
    let mut all = BUILDS.map(|build| (build, ReadSeries::default()));
    for _ in 0..rounds.reads {
        for (build, series) in &mut all {
            emulator.reset();
            let program = match build {
                Build::Released => &programs.provider,
                Build::MuslMalloc => &programs.musl_malloc,
                Build::Glibc => &programs.glibc,
                Build::Baseline => &programs.baseline,
            };
            let plugin = Plugin::start(program, directory, &identity);
            series.idle.push(plugin.memory("VmRSS"));
            runtime().block_on(async {
                let client = plugin.connect(&identity).await;
                client.configure_for(&emulator.url(), &[]).await;
                let started = Instant::now();
                let response = client.read(config.clone()).await.unwrap();
                let elapsed = started.elapsed().as_secs_f64();
                match response.state {
                    Some(state) => {
                        series.seconds.push(elapsed);
                        series.reply_bytes = state.msgpack.len() as f64;
                    }
                    None => eprintln!("the read failed: {:?}", response.diagnostics),
                }
            });
            series.peak.push(plugin.memory("VmHWM"));
            series.cpu.push(plugin.cpu_seconds());
            let counters = emulator.counters();
            (series.body_bytes, series.calls) = (counters.body_bytes as f64, counters.calls);
        }
    }
    let middle = |measured: &[f64]| Spread::of(measured).unwrap().median;
    let scale = |(build, series): (Build, ReadSeries)| Scale {
        build,
        images,
        types,
        seconds: Spread::of(&series.seconds),
        cpu_seconds: middle(&series.cpu),
        idle_bytes: middle(&series.idle),
        peak_bytes: middle(&series.peak),
        body_bytes: series.body_bytes,
        reply_bytes: series.reply_bytes,
        calls: series.calls,
    };
    all.map(scale).into()
}

/// The figures of one build and size.
pub(crate) fn find(scale: &[Scale], build: Build, images: usize, types: usize) -> Option<&Scale> {
    scale.iter().find(|scale| (scale.build, scale.images, scale.types) == (build, images, types))
}
