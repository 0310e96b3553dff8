//! Reads allocate as much as in the counts page, so that plans of many images do not become slower or larger unnoticed.
//! `make counts` updates the page.

#![allow(clippy::unwrap_used)]

use jdcloud_benches::counts::{Counts, CountsPage, WORKLOADS};
use jdcloud_benches::workload;

#[test]
fn reads_allocate_as_much_as_in_the_counts_page() {
    let page = CountsPage::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../performance/counts.md")).unwrap();
    let mut differences = Vec::new();
    for (name, images, types) in WORKLOADS.into_iter().filter(|(_, images, types)| images * types < 100_000) {
        let before = page.counts(name, images, types).unwrap();
        let mut work = workload::prepare(name, images, types).unwrap();
        let now = Counts { instructions: before.instructions, ..Counts::of(&mut work) };
        if now.or_as_before(before) != before {
            differences.push(format!("{name} {images} {types}: {now} and not {before}"));
        }
    }
    assert!(
        differences.is_empty(),
        "see what changed, and if it is meant, run make counts and commit the file (instructions, allocations, most \
         bytes at once, result):\n{}",
        differences.join("\n")
    );
}
