//! The report: tables, goals and plots.

use std::fs;
use std::path::Path;

use crate::Rounds;
use crate::format::{megabytes, seconds, table, thousands};
use crate::goals::goals;
use crate::lists::List;
use crate::machine::Machine;
use crate::plan::{ALL, Plan, Subject, counterpart, share};
use crate::plot::Plot;
use crate::scale::{BUILDS, Build, Scale, find};
use crate::spread::Spread;
use crate::start::Starts;

/// All measurements.
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) rounds: Rounds,
    pub(crate) starts: Starts,
    pub(crate) plans: Vec<Plan>,
    pub(crate) scale: Vec<Scale>,
    pub(crate) lists: Vec<List>,
}

/// `make bench` writes the text between these lines.
const MARKERS: [&str; 2] = ["<!-- make bench writes this -->", "<!-- until here -->"];

impl Report {
    /// Writes the figures into the page, and the plots beside it.
    pub(crate) fn write(&self, directory: &Path) {
        let path = directory.join("README.md");
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (head, rest) = page.split_once(MARKERS[0]).unwrap();
        let (_, tail) = rest.split_once(MARKERS[1]).unwrap();
        let page = format!("{head}{}\n{}\n{}{tail}", MARKERS[0], self.markdown(), MARKERS[1]);
        fs::write(&path, page).unwrap();
        for (name, svg) in self.plots() {
            fs::write(directory.join(name), svg).unwrap();
        }
    }

    /// The text between the markers.
    pub(crate) fn markdown(&self) -> String {
        let Rounds { starts, plans, usages, reads, .. } = self.rounds;
        let mut page = format!(
            "{} {starts} starts, {plans} plans of each kind ({usages} more for memory and processor time), {reads} reads of \
             each size.\n\n",
            self.machine.sentence()
        );
        page += &table(
            "### Goals",
            ["what", "measured", "goal", ""],
            goals(&self.starts, &self.plans, &self.scale),
        );
        page += &self.start_table();
        page += &self.plan_table();
        page += "![The plans](plans.svg)\n\n";
        page += &self.usage_table();
        page += &self.concurrency_table();
        page += &self.scale_table();
        page += &self.list_table();
        page += &self.build_table();
        page += "![Time of a read](scale-time.svg)\n\n![Memory of a read](scale-memory.svg)\n\n";
        page.trim_end().to_owned()
    }

    fn start_table(&self) -> String {
        let Starts { provider, baseline } = &self.starts;
        let row = |what: &str, one: f64, other: f64, show: &dyn Fn(f64) -> String| {
            [what.to_owned(), show(one), show(other), show(one - other), format!("{:.2}", one / other)]
        };
        let spread = |what: &str, one: Spread, other: Spread, show: &dyn Fn(f64) -> String| {
            let shown = |Spread { low, median, high, .. }| {
                format!("{} ({} to {})", show(median), show(low), show(high))
            };
            let mut row = row(what, one.median, other.median, show);
            (row[1], row[2]) = (shown(one), shown(other));
            row
        };
        let ms = |value: f64| format!("{value:.2} ms");
        table(
            "### Start",
            ["", "provider", "baseline", "difference", "ratio"],
            [
                row("binary", provider.binary_bytes, baseline.binary_bytes, &megabytes),
                spread("start to handshake line", provider.handshake_ms, baseline.handshake_ms, &ms),
                spread("memory held at the handshake", provider.rss_bytes, baseline.rss_bytes, &megabytes),
                spread("handshake line to schema", provider.schema_ms, baseline.schema_ms, &ms),
            ],
        )
    }

    /// The plans by case and latency, each with those of the other programs.
    fn compared(&self) -> impl Iterator<Item = (&Plan, [Option<&Plan>; 4])> {
        let providers = self.plans.iter().filter(|plan| plan.subject == Subject::Provider);
        providers.map(|plan| (plan, ALL.map(|subject| counterpart(&self.plans, plan, subject))))
    }

    fn plan_table(&self) -> String {
        let rows = self.compared().map(|(plan, all)| {
            let cell = |plan: Option<&Plan>| plan.map_or(String::new(), |plan| seconds(plan.spread()));
            let [alone, baseline, provider, naive] = all.map(cell);
            let share =
                share(&self.plans, plan).map_or(String::new(), |share| format!("{:.0} %", share * 100.0));
            [name(plan), alone, baseline, provider, share, naive]
        });
        let head = ["seconds", "Terraform alone", "baseline", "provider", "provider's share", "naive client"];
        table("### Plans", head, rows)
    }

    fn usage_table(&self) -> String {
        let rows = self.compared().map(|(plan, [_, baseline, provider, naive])| {
            let middle = |plan: Option<&Plan>, of: fn(&crate::usage::Usage) -> f64| {
                Some(Spread::of(&plan?.usages.iter().map(of).collect::<Vec<_>>())?.median)
            };
            let peak = |plan| middle(plan, |usage| usage.peak_bytes).map_or(String::new(), megabytes);
            let cpu = |plan| {
                middle(plan, |usage| usage.cpu_seconds).map_or(String::new(), |cpu| format!("{cpu:.3} s"))
            };
            let calls = |plan: Option<&Plan>| {
                plan.map_or(String::new(), |plan| format!("{} over {}", plan.calls, plan.connections))
            };
            let processes = middle(provider, |usage| usage.processes as f64);
            [
                name(plan),
                processes.map_or(String::new(), |count| format!("{count:.0}")),
                peak(baseline),
                peak(provider),
                cpu(baseline),
                cpu(provider),
                calls(provider),
                calls(naive),
            ]
        });
        let head = [
            "",
            "processes",
            "peak memory, baseline",
            "provider",
            "processor time, baseline",
            "provider",
            "calls over connections, provider",
            "naive client",
        ];
        table("### What the plugin's processes used in a plan", head, rows)
    }

    /// Concurrent reads: the time, the number of calls, and the time of one round of reads.
    fn concurrency_table(&self) -> String {
        let rows = self.compared().filter(|(plan, _)| plan.case.for_each.is_some());
        let rows = rows.map(|(plan, [_, baseline, provider, naive])| {
            let time = |plan: Option<&Plan>| plan.map_or(String::new(), |plan| seconds(plan.spread()));
            let calls = |plan: Option<&Plan>| plan.map_or(String::new(), |plan| plan.calls.to_string());
            let round = |plan: Option<&Plan>| {
                plan.and_then(|plan| plan.round_ms).map_or(String::new(), |ms| format!("{ms:.0} ms"))
            };
            [
                name(plan),
                time(baseline),
                time(provider),
                calls(provider),
                round(provider),
                time(naive),
                calls(naive),
                round(naive),
            ]
        });
        let head = [
            "seconds",
            "baseline",
            "provider",
            "calls",
            "a round",
            "one call an image, as many at once as reads",
            "calls",
            "a round",
        ];
        table("### Many reads at once", head, rows)
    }

    fn released(&self) -> impl Iterator<Item = &Scale> {
        self.scale.iter().filter(|scale| scale.build == Build::Released)
    }

    /// Allocators and C libraries.
    fn build_table(&self) -> String {
        let rows = self.released().map(|scale| {
            let [released, musl, glibc, baseline] = BUILDS.map(|build| {
                find(&self.scale, build, scale.images, scale.types).map_or(String::new(), |scale| {
                    let time = scale.seconds.map_or("refused".to_owned(), seconds);
                    let Scale { cpu_seconds, idle_bytes, peak_bytes, .. } = scale;
                    format!(
                        "{time}; {cpu_seconds:.3}; {} to {}",
                        megabytes(*idle_bytes),
                        megabytes(*peak_bytes)
                    )
                })
            });
            [scale.name(), released, musl, glibc, baseline]
        });
        let head = [
            "seconds; processor time; memory before and peak",
            "released",
            "musl's allocator",
            "glibc",
            "baseline",
        ];
        table("### Allocators", head, rows)
    }

    fn scale_table(&self) -> String {
        let rows = self.released().map(|scale| {
            let each = scale
                .seconds
                .map_or(String::new(), |time| format!("{:.1} µs", time.median * 1e6 / scale.images as f64));
            [
                scale.name(),
                scale.seconds.map_or("refused".to_owned(), seconds),
                each,
                megabytes(scale.idle_bytes),
                megabytes(scale.peak_bytes),
                format!("{:.2} kB", (scale.peak_bytes - scale.idle_bytes) / scale.images as f64 / 1e3),
                megabytes(scale.body_bytes),
                megabytes(scale.reply_bytes),
                scale.calls.to_string(),
            ]
        });
        let head = [
            "one read of",
            "seconds",
            "for each image",
            "memory before",
            "peak memory",
            "for each image",
            "bodies",
            "reply",
            "calls",
        ];
        table("### Scale", head, rows)
    }

    fn list_table(&self) -> String {
        let rows = self.lists.iter().map(|list| {
            let settings =
                list.concurrent.map_or(String::new(), |most| format!(", max_concurrent_requests = {most}"));
            let [near, distant] = list.seconds.map(seconds);
            [
                format!("{} rows of {}{settings}", thousands(list.rows), list.data_source),
                near,
                distant,
                megabytes(list.peak_bytes),
                list.calls.to_string(),
            ]
        });
        table("### Lists", ["one read of", "seconds, 0 ms", "50 ms", "peak memory", "calls"], rows)
    }

    fn plots(&self) -> [(&'static str, String); 3] {
        let plans = Plot {
            title: "terraform plan",
            axis: "seconds",
            series: &["Terraform alone", "baseline", "provider", "naive client"],
            rows: self
                .compared()
                .map(|(plan, all)| (name(plan), all.map(|plan| plan.map(Plan::spread)).to_vec()))
                .collect(),
        };
        let rows = |marks: &dyn Fn(&Scale) -> Vec<Option<Spread>>| {
            self.released().map(|scale| (scale.name(), marks(scale))).collect()
        };
        let one = |value: f64| Some(Spread { low: value, median: value, high: value, count: 1 });
        let time = Plot {
            title: "One read, without Terraform: time",
            axis: "seconds",
            series: &["", "", "provider"],
            rows: rows(&|scale| vec![None, None, scale.seconds]),
        };
        let memory = Plot {
            title: "One read, without Terraform: memory",
            axis: "MB",
            series: &["bodies and reply", "", "most memory held"],
            rows: rows(&|scale| {
                vec![one((scale.body_bytes + scale.reply_bytes) / 1e6), None, one(scale.peak_bytes / 1e6)]
            }),
        };
        [("plans.svg", plans.svg()), ("scale-time.svg", time.svg()), ("scale-memory.svg", memory.svg())]
    }
}

impl Scale {
    fn name(&self) -> String {
        format!("{} images x {} types", thousands(self.images), self.types)
    }
}

fn name(plan: &Plan) -> String {
    let images = thousands(plan.case.images);
    let what = match plan.case.for_each {
        None => format!("1 read of {images}"),
        Some(parallelism) => {
            let rows = if plan.case.constrained { "" } else { " without constraint" };
            let set = if plan.case.is_set { ", from a set" } else { "" };
            format!("{images} reads of 1{rows}, {parallelism} at once{set}")
        }
    };
    format!("{what}, {} ms", plan.latency)
}
