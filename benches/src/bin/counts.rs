//! One workload, once:
//!
//!     counts WORKLOAD IMAGES TYPES
//!
//! Prints the allocations, the bytes allocated, the most bytes at once, and the size of the result. `measured` is the
//! function whose instructions count, for a tool that counts them.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measuring command

use std::hint::black_box;

use jdcloud_benches::workload::{self, Work};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, images, types] = &arguments[..] else {
        println!("usage: counts query|sign|parse|encode|decode|function|schema|read|floor IMAGES TYPES");
        return;
    };
    let mut work = workload::prepare(name, images.parse().unwrap(), types.parse().unwrap()).unwrap();
    let mut size = 0;
    let counted = allocation_counter::measure(|| size = measured(&mut work));
    assert!(size > 0, "{name} failed");
    println!("{} {} {} {size}", counted.count_total, counted.bytes_total, counted.bytes_max);
}

#[inline(never)]
fn measured(work: &mut Work) -> usize {
    black_box(work())
}
