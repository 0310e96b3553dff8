//! Information about processes.

use std::fs;
use std::process::Command;

/// A number of `/proc/<pid>/status`, in the unit it has there; memory is in kB. Linux only.
pub fn process_status(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// How many files and sockets a process has open. Linux only.
pub fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Whether a process, which need not be a child of this one, has ended.
pub fn has_ended(pid: u32) -> bool {
    // Not `kill -0`, which finds a zombie too: a process that has ended, and whose parent has not waited for it.
    let state = if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().unwrap_or_default().to_owned()
    } else {
        let ps = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
        String::from_utf8(ps.stdout).unwrap()
    };
    matches!(state.trim_start().chars().next(), None | Some('Z'))
}
