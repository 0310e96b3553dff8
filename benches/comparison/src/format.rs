//! Formatting of figures and tables in Markdown.

use std::fmt::Write;

use crate::spread::Spread;

pub(crate) fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

pub(crate) fn megabytes(bytes: f64) -> String {
    format!("{:.2} MB", bytes / 1e6)
}

pub(crate) fn seconds(Spread { low, median, high, count }: Spread) -> String {
    if count == 1 { format!("{median:.3} (once)") } else { format!("{median:.3} ({low:.3} to {high:.3})") }
}

pub(crate) fn table<const N: usize>(
    title: &str,
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = format!("{title}\n\n| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(table, "| {} |", row.join(" | "));
    }
    table + "\n"
}
