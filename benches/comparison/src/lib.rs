//! Measures the released provider beside its baseline, Terraform without a provider, and the naive client.
//!
//! `make bench` builds the programs and runs this; `BENCH_QUICK=1 make bench` takes a minute or two and only prints the
//! figures. The compared programs run in turns, so that a busy minute affects all of them.

#![cfg(target_os = "linux")] // it reads /proc
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)] // a measuring command

#[path = "../../../tests/support/client.rs"]
mod client;
mod format;
mod goals;
mod host;
mod lists;
mod machine;
mod plan;
mod plot;
mod replies;
mod report;
mod scale;
mod spread;
mod start;
mod terraform;
mod usage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jdcloud_emulator::{Catalogue, Emulator, Options};

/// The number of measurements.
pub(crate) struct Rounds {
    /// Starts of each binary.
    starts: usize,
    /// Plans of each kind.
    plans: usize,
    /// Plans that are repeated with the wrapper that measures memory and processor time.
    usages: usize,
    /// Longer plans are not run.
    longest: Duration,
    /// Reads of each size.
    reads: usize,
}

/// The binaries, all built by `scripts/bench.sh` into one directory.
pub(crate) struct Programs {
    /// As released: static, on musl.
    provider: PathBuf,
    /// Built in the same way.
    baseline: PathBuf,
    /// The provider with musl's own allocator, and on glibc.
    musl_malloc: PathBuf,
    glibc: PathBuf,
}

/// Measures, and writes the report.
pub fn run() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, program] = &arguments[..]
        && mode == usage::MODE
    {
        return usage::wrap(Path::new(program));
    }
    let quick = std::env::var_os("BENCH_QUICK").is_some();
    let rounds = if quick {
        Rounds { starts: 20, plans: 1, usages: 1, longest: Duration::from_secs(5), reads: 1 }
    } else {
        Rounds { starts: 200, plans: 9, usages: 3, longest: Duration::from_secs(60), reads: 3 }
    };
    let built = |name: &str| {
        let path = Path::new("target/bench").join(name);
        std::path::absolute(&path).ok().filter(|path| path.exists()).unwrap_or_else(|| {
            panic!("{} is not built: run `make bench`", path.display());
        })
    };
    let programs = Programs {
        provider: built("provider"),
        baseline: built("baseline"),
        musl_malloc: built("provider-musl-malloc"),
        glibc: built("provider-glibc"),
    };
    let machine = machine::Machine::detect();
    eprintln!("{}", machine.sentence());

    let work = tempfile::Builder::new().prefix("bench").tempdir().unwrap();
    let emulator =
        Emulator::start(Options { catalogue: Catalogue::generated(1, plan::TYPES), ..Options::default() })
            .unwrap();
    replies::record(&programs.provider, work.path(), &emulator, &host::ids(1));
    let starts = start::measure(&programs, work.path(), &rounds);
    let plans = plan::measure(&programs, work.path(), &rounds);
    let scale = scale::measure(&programs, work.path(), &rounds);
    let lists = lists::measure(&programs, work.path(), &rounds);
    let report = report::Report { machine, rounds, starts, plans, scale, lists };
    println!("{}", report.markdown());
    if !quick {
        report.write(Path::new("performance"));
    }
}
