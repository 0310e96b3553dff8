//! Counts instructions, allocations and bytes of the provider.
//!
//!     counts FILE                      counts all workloads and updates the table in FILE
//!     counts WORKLOAD IMAGES TYPES     counts one workload
//!
//! A figure in the file changes only if it differs by more than 5 %, so that a difference in the file is caused by the code.
//! Counting instructions needs valgrind; only those in `measured` are counted.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measuring command

use std::hint::black_box;
use std::process::Command;

use jdcloud_benches::counts::{Counts, CountsPage, WORKLOADS};
use jdcloud_benches::workload::{self, Work};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [file] => {
            let mut page = CountsPage::read(file).unwrap();
            for (name, images, types) in WORKLOADS {
                let counted = run(name, images, types);
                println!("{name} {images} {types}: {counted}");
                page.update(name, images, types, counted);
            }
            page.write(file).unwrap();
        }
        [name, images, types] => {
            let mut work = workload::prepare(name, images.parse().unwrap(), types.parse().unwrap()).unwrap();
            println!("{}", Counts::of(|| measured(&mut work)));
        }
        _ => println!("usage: counts FILE, or counts WORKLOAD IMAGES TYPES"),
    }
}

#[inline(never)]
fn measured(work: &mut Work) -> usize {
    black_box(work())
}

/// Counts a workload in a new process.
fn run(name: &str, images: usize, types: usize) -> Counts {
    let program = std::env::current_exe().unwrap();
    let workload = [name.to_owned(), images.to_string(), types.to_string()];
    let counted = Command::new(&program).args(&workload).output().unwrap();
    let counted: Counts = String::from_utf8(counted.stdout).unwrap().parse().unwrap();
    let report = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counts::measured*"])
        .arg(&program)
        .args(&workload)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&report.stderr).into_owned();
    let collected = report.lines().find_map(|line| line.split_once("Collected :")).unwrap_or_default().1;
    Counts { instructions: collected.trim().parse().unwrap(), ..counted }
}
