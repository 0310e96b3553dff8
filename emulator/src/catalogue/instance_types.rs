//! The instance types of the built-in regions: 150, over fourteen families and three zones.
//!
//! The names follow JD Cloud's scheme. Numbers and stock are made up; they are the same in every run.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

/// A family of instance types: a type for each generation and size.
struct Family {
    name: &'static str,
    generations: RangeInclusive<u64>,
    gb_per_cpu: u64,
    cpus: &'static [u64],
    architecture: &'static str,
}

const fn family(
    name: &'static str,
    generations: RangeInclusive<u64>,
    gb_per_cpu: u64,
    cpus: &'static [u64],
) -> Family {
    Family { name, generations, gb_per_cpu, cpus, architecture: "x86_64" }
}

const ALL_SIZES: &[u64] = &[2, 4, 8, 16, 32, 64, 72];

const FAMILIES: [Family; 9] = [
    family("g.n", 1..=4, 4, ALL_SIZES),
    family("c.n", 1..=4, 2, ALL_SIZES),
    family("m.n", 1..=4, 8, ALL_SIZES),
    family("h.g", 2..=3, 4, &[2, 4, 8, 16, 32, 64]),
    family("g.s", 1..=2, 4, &[1, 2, 4, 8]),
    family("s.d", 1..=2, 4, &[4, 8, 16, 32]),
    family("s.i", 2..=3, 4, &[4, 8, 16, 32]),
    family("p.n", 1..=2, 8, &[8, 16, 32, 64]),
    Family { architecture: "arm64", ..family("g.r", 1..=2, 4, &[2, 4, 8, 16, 32, 64]) },
];

/// Types outside the scheme: name, family, generation, CPUs. Those of the API page's example are among them.
const OTHERS: [(&str, &str, u64, u64); 10] = [
    ("g.n3.metal", "g.n", 3, 96),
    ("c.n3.metal", "c.n", 3, 96),
    ("m.n3.metal", "m.n", 3, 96),
    ("h.g3.metal", "h.g", 3, 72),
    ("s.i3f.metal", "s.i", 3, 72),
    ("p.c1p40.large", "p.c", 1, 4),
    ("p.c1p40m.large", "p.c", 1, 8),
    ("p.c1p40g.large", "p.c", 1, 4),
    ("p.c1p40g.xlarge", "p.c", 1, 8),
    ("p.c1p40g.3large", "p.c", 1, 12),
];

/// Stock that examples and tests count on: type, zone, in stock.
const STOCK: [(&str, char, bool); 12] = [
    ("c.n4.large", 'a', false),
    ("c.n4.large", 'b', true),
    ("c.n4.large", 'c', true),
    ("c.n3.large", 'a', true),
    ("c.n3.large", 'b', true),
    ("c.n3.large", 'c', true),
    ("g.n4.large", 'a', true),
    ("g.n4.large", 'b', true),
    ("g.n4.large", 'c', true),
    ("p.n1.2xlarge", 'a', false),
    ("p.n1.2xlarge", 'b', false),
    ("p.n1.2xlarge", 'c', false),
];

/// All types of a region, as `describeInstanceTypes` writes them, in the order of their names.
pub(crate) fn instance_types(region: &str) -> Vec<Value> {
    let mut types = Vec::new();
    for family in &FAMILIES {
        for generation in family.generations.clone() {
            for &cpu in family.cpus {
                let name = format!("{}{generation}.{}", family.name, size(cpu));
                let memory = cpu * family.gb_per_cpu;
                types.push(instance_type(
                    region,
                    &name,
                    family.name,
                    generation,
                    cpu,
                    memory,
                    family.architecture,
                ));
            }
        }
    }
    for (name, family, generation, cpu) in OTHERS {
        types.push(instance_type(region, name, family, generation, cpu, cpu * 4, "x86_64"));
    }
    types.sort_by_key(|one| one["instanceType"].to_string());
    types
}

fn size(cpu: u64) -> String {
    match cpu {
        1 => "small".to_owned(),
        2 => "large".to_owned(),
        4 => "xlarge".to_owned(),
        more => format!("{}xlarge", more / 4),
    }
}

fn instance_type(
    region: &str,
    name: &str,
    family: &str,
    generation: u64,
    cpu: u64,
    memory_gb: u64,
    architecture: &str,
) -> Value {
    let state: Vec<_> = ('a'..='c').filter_map(|zone| state(region, name, zone)).collect();
    let mut fields = json!({
        "instanceType": name, "family": family, "generation": generation, "cpu": cpu,
        "memoryMB": memory_gb * 1024, "nicLimit": (cpu / 2).clamp(2, 8), "cloudDiskCountLimit": 8,
        "cloudDiskTypes": ["hdd.std1", "ssd.gp1", "ssd.io1"], "desc": "", "state": state,
    });
    // The API has had this field since its third year; the oldest types stand for answers without it.
    if generation > 1 || architecture == "arm64" {
        fields["architecture"] = json!(architecture);
    }
    if family.starts_with("p.") {
        fields["gpu"] = json!({"model": "Nvidia Tesla P40", "number": (cpu / 8).max(1)});
    }
    if family.starts_with("s.") {
        fields["localDisks"] = json!([{"diskType": "nvme", "diskSizeGB": 1862}]);
    }
    if family == "g.s" {
        fields["burstInfo"] = json!({"creditsEarnedPerHour": cpu as f64 * 6.0, "basePerformance": 0.1});
    }
    fields
}

/// The entry of a zone in `state`: in stock, sold out, or absent.
fn state(region: &str, name: &str, zone: char) -> Option<Value> {
    let fixed = STOCK.iter().find(|(known, at, _)| *known == name && *at == zone);
    let in_stock = match (fixed, fingerprint(&[region, name, &zone.to_string()].concat()) % 10) {
        (Some((_, _, in_stock)), _) => *in_stock,
        (None, 0) => return None,
        (None, rest) => rest > 2,
    };
    Some(json!({"az": format!("{region}{zone}"), "inStock": in_stock}))
}

/// FNV-1a, mixed once more for its low digits.
fn fingerprint(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 29)) >> 7
}
