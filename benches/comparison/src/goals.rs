//! What was set out to be reached, and whether it is.

use crate::plan::Who;
use crate::report::{Report, megabytes};

/// Rows of what, measured, goal, and the verdict.
pub(crate) fn goals(report: &Report) -> Vec<[String; 4]> {
    let (provider, floor) = (&report.starts.provider, &report.starts.floor);
    let row = |what: &str, measured: f64, most: f64, show: &dyn Fn(f64) -> String| {
        let verdict = if measured <= most { "met" } else { "**not met**" };
        [what.to_owned(), show(measured), format!("at most {}", show(most)), verdict.to_owned()]
    };
    let ratio = |value: f64| format!("{value:.2}");
    let percent = |value: f64| format!("{:.1} %", value * 100.0);
    let mut rows = vec![
        row("handshake / floor's", provider.handshake_ms.median / floor.handshake_ms.median, 1.3, &ratio),
        row(
            "memory at the handshake - floor's",
            provider.rss_bytes.median - floor.rss_bytes.median,
            0.7e6,
            &megabytes,
        ),
        row("binary - floor's", provider.binary_bytes - floor.binary_bytes, 1.2e6, &megabytes),
    ];
    let plan = report
        .plans
        .iter()
        .find(|plan| plan.who == Who::Provider && plan.latency == 0 && plan.case.images == 10_000);
    if let Some(share) = plan.and_then(|plan| report.share(plan)) {
        rows.push(row("provider's share of a plan of 10,000 ids", share, 0.15, &percent));
    }
    if let Some(read) = report.scale.iter().find(|read| (read.images, read.types) == (10_000, 6)) {
        rows.push(row(
            "peak memory of a read of 10,000 images x 6 types",
            read.peak_bytes,
            1.5 * (read.body_bytes + read.reply_bytes) + read.idle_bytes,
            &megabytes,
        ));
    }
    rows
}
