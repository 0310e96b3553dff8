//! The counts, as a table in a committed file.

use std::fmt;
use std::io;
use std::str::FromStr;

/// The counted workloads: name, images, instance types of each.
pub const WORKLOADS: [(&str, usize, usize); 16] = [
    ("schema", 1, 6),
    ("query", 10_000, 6),
    ("sign", 10_000, 6),
    ("parse", 10_000, 6),
    ("encode", 10_000, 6),
    ("decode", 10_000, 6),
    ("function", 1_000, 6),
    ("baseline", 10_000, 6),
    ("read", 10, 6),
    ("read", 1_000, 6),
    ("read", 10_000, 6),
    ("read", 100_000, 6),
    ("read", 10, 200),
    ("read", 1_000, 200),
    ("read", 10_000, 200),
    ("baseline", 10_000, 200),
];

/// The counts of one run of a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Instructions in user mode; 0 if they were not counted.
    pub instructions: u64,
    /// Allocations.
    pub allocations: u64,
    /// The most bytes that were allocated at once.
    pub most_bytes: u64,
    /// The length of the result.
    pub result: u64,
}

impl Counts {
    /// The allocations of `work`, which returns the length of its result.
    pub fn of(work: impl FnOnce() -> usize) -> Self {
        let mut result = 0;
        let counted = allocation_counter::measure(|| result = work());
        Self {
            instructions: 0,
            allocations: counted.count_total,
            most_bytes: counted.bytes_max,
            result: result as u64,
        }
    }

    /// These counts, except that each differing by at most 5 % is as before.
    #[must_use]
    pub fn or_as_before(self, before: Self) -> Self {
        let one = |now: u64, before: u64| if now.abs_diff(before) * 20 > before { now } else { before };
        Self {
            instructions: one(self.instructions, before.instructions),
            allocations: one(self.allocations, before.allocations),
            most_bytes: one(self.most_bytes, before.most_bytes),
            result: one(self.result, before.result),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instructions, allocations, most_bytes, result } = self;
        write!(f, "{instructions} {allocations} {most_bytes} {result}")
    }
}

impl FromStr for Counts {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [instructions, allocations, most_bytes, result] => {
                Ok(Self { instructions, allocations, most_bytes, result })
            }
            _ => Err(io::Error::other(format!("not a line of counts: {text}"))),
        }
    }
}

/// A page with the table at its end.
pub struct CountsPage {
    page: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    images: usize,
    types: usize,
    counts: Counts,
}

const HEAD: &str = "\
| workload | images | types each | instructions | per image | allocations | most bytes at once | result, bytes |
|---|---|---|---|---|---|---|---|
";

impl CountsPage {
    /// The page in `file`.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(file: &str) -> io::Result<Self> {
        let text = std::fs::read_to_string(file)?;
        let (page, table) =
            text.split_once(HEAD).ok_or_else(|| io::Error::other(format!("{file} has no table")))?;
        Ok(Self { page: page.to_owned(), rows: table.lines().filter_map(row).collect() })
    }

    /// The counts of a workload.
    pub fn counts(&self, name: &str, images: usize, types: usize) -> Option<Counts> {
        let same = |row: &&Row| (row.name.as_str(), row.images, row.types) == (name, images, types);
        self.rows.iter().find(same).map(|row| row.counts)
    }

    /// Updates the counts of a workload.
    pub fn update(&mut self, name: &str, images: usize, types: usize, counted: Counts) {
        let counts = self.counts(name, images, types).map_or(counted, |before| counted.or_as_before(before));
        self.rows.retain(|row| (row.name.as_str(), row.images, row.types) != (name, images, types));
        self.rows.push(Row { name: name.to_owned(), images, types, counts });
    }

    /// Writes it to `file`.
    ///
    /// # Errors
    /// When that fails.
    pub fn write(&self, file: &str) -> io::Result<()> {
        let rows = self.rows.iter().map(|Row { name, images, types, counts }| {
            let Counts { instructions, allocations, most_bytes, result } = counts;
            let per_image = instructions / *images as u64;
            let figures =
                [*images as u64, *types as u64, *instructions, per_image, *allocations, *most_bytes, *result];
            format!("| {name} | {} |\n", figures.map(grouped).join(" | "))
        });
        std::fs::write(file, [self.page.clone(), HEAD.to_owned(), rows.collect()].concat())
    }
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [_, name, figures @ .., _] = &cells[..] else { return None };
    let figures: Option<Vec<u64>> = figures.iter().map(|cell| cell.replace(',', "").parse().ok()).collect();
    let [images, types, instructions, _, allocations, most_bytes, result] = figures?[..] else { return None };
    let counts = Counts { instructions, allocations, most_bytes, result };
    Some(Row {
        name: (*name).to_owned(),
        images: usize::try_from(images).ok()?,
        types: usize::try_from(types).ok()?,
        counts,
    })
}

/// The digits of `number` in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
