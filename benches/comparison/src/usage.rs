//! Memory and processor time of plugin processes: a wrapper starts the plugin and writes its usage at the end.
//!
//! The wrapper needs a process more, so no times are measured with it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use wait4::Wait4;

/// The first argument of the wrapper.
pub(crate) const MODE: &str = "usage-of";

/// The variable with the output file.
pub(crate) const FILE: &str = "BENCH_USAGE";

/// The usage of the plugin processes of one plan.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) processes: usize,
    /// Of the largest process.
    pub(crate) peak_bytes: f64,
    /// Of all processes, in user and system mode.
    pub(crate) cpu_seconds: f64,
}

/// Runs `program`, and appends a line to the file.
pub(crate) fn wrap(program: &Path) {
    let used = Command::new(program).spawn().unwrap().wait4().unwrap().rusage;
    let mut file =
        fs::File::options().append(true).create(true).open(std::env::var_os(FILE).unwrap()).unwrap();
    let cpu = (used.utime + used.stime).as_secs_f64();
    file.write_all(format!("{} {cpu}\n", used.maxrss).as_bytes()).unwrap();
}

/// Writes a program at `path` that runs `program` under the wrapper.
pub(crate) fn script(program: &Path, path: &Path) {
    let own = std::env::current_exe().unwrap();
    fs::write(path, format!("#!/bin/sh\nexec '{}' {MODE} '{}'\n", own.display(), program.display())).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Reads and removes the file.
pub(crate) fn take(file: &Path) -> Usage {
    let mut usage = Usage::default();
    for line in fs::read_to_string(file).unwrap_or_default().lines() {
        let (peak, cpu) = line.split_once(' ').unwrap();
        usage.processes += 1;
        usage.peak_bytes = usage.peak_bytes.max(peak.parse().unwrap());
        usage.cpu_seconds += cpu.parse::<f64>().unwrap();
    }
    let _ = fs::remove_file(file);
    usage
}
