//! The performance goals, and whether they are met.

use crate::format::megabytes;
use crate::plan::{Plan, Subject, share};
use crate::scale::{Build, Scale, find};
use crate::start::Starts;

/// Rows with the figure, the measured value, the goal and the result.
pub(crate) fn goals(starts: &Starts, plans: &[Plan], scale: &[Scale]) -> Vec<[String; 4]> {
    let Starts { provider, baseline } = starts;
    let row = |what: &str, measured: f64, most: f64, show: &dyn Fn(f64) -> String| {
        let result = if measured <= most { "met" } else { "**not met**" };
        [what.to_owned(), show(measured), format!("at most {}", show(most)), result.to_owned()]
    };
    let ratio = |value: f64| format!("{value:.2}");
    let percent = |value: f64| format!("{:.1} %", value * 100.0);
    let ms = |value: f64| format!("{value:.2} ms");
    let handshake = provider.handshake_ms.median;
    let mut rows = vec![
        row("start to handshake", handshake, 1.3, &ms),
        row("start to handshake / baseline's", handshake / baseline.handshake_ms.median, 1.15, &ratio),
        row("memory at the handshake", provider.rss_bytes.median, 3.5e6, &megabytes),
        row("binary", provider.binary_bytes, 4.9e6, &megabytes),
    ];
    let plan = plans
        .iter()
        .find(|plan| plan.subject == Subject::Provider && plan.latency == 0 && plan.case.images == 10_000);
    if let Some(share) = plan.and_then(|plan| share(plans, plan)) {
        rows.push(row("provider's share of a plan of 10,000 ids", share, 0.15, &percent));
    }
    let peak = |build| Some(find(scale, build, 10_000, 6)?.peak_bytes);
    if let (Some(own), Some(baseline)) = (peak(Build::Released), peak(Build::Baseline)) {
        let what = "peak memory of a read of 10,000 images x 6 types - baseline's";
        rows.push(row(what, own - baseline, 4e6, &megabytes));
    }
    let time = |build| Some(find(scale, build, 100_000, 6)?.cpu_seconds);
    if let (Some(own), Some(glibc)) = (time(Build::Released), time(Build::Glibc)) {
        rows.push(row(
            "processor time of a read of 100,000 images x 6 types / glibc build's",
            own / glibc,
            1.1,
            &ratio,
        ));
    }
    rows
}
