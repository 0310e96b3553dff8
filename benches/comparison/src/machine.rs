//! The machine and the versions that the figures are for.

use std::fs;
use std::process::Command;

/// The information for comparing the figures with others.
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory: String,
    kernel: String,
    load: String,
    pub(crate) terraform: String,
    commit: String,
    date: String,
}

impl Machine {
    pub(crate) fn detect() -> Self {
        let field = |path: &str, name: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
            value.map_or("unknown".to_owned(), |(_, value)| value.trim().to_owned())
        };
        let line = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let kilobytes = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
        let changed =
            output_of("git", &["status", "--porcelain", "--", "src", "proto", "benches", "Cargo.lock"]);
        Self {
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory: format!("{:.0} GB", kilobytes * 1024.0 / 1e9),
            kernel: line("/proc/sys/kernel/osrelease"),
            load: line("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            terraform: output_of(&terraform(), &["version"]).lines().next().unwrap_or_default().to_owned(),
            commit: output_of("git", &["rev-parse", "--short=12", "HEAD"])
                + if changed.is_empty() { "" } else { " with uncommitted changes" },
            date: output_of("date", &["-u", "+%Y-%m-%d"]),
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let Self { processor, cores, memory, kernel, load, terraform, commit, date } = self;
        format!(
            "Measured on {date} at commit {commit}, with {terraform}, on {processor}, {cores} cores, {memory} of memory, \
             Linux {kernel}; the load average before the run was {load}."
        )
    }
}

/// The path of Terraform.
pub(crate) fn terraform() -> String {
    std::env::var("TERRAFORM").unwrap_or_else(|_| "terraform".to_owned())
}

/// The output of a command, trimmed.
pub(crate) fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("CHECKPOINT_DISABLE", "1").output();
    let output = output.unwrap_or_else(|error| panic!("{program} can't be run: {error}"));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
