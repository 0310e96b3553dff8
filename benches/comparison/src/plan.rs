//! Whole plans: Terraform alone, with the baseline, with the provider, and with the naive client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jdcloud_emulator::{Catalogue, Emulator, Options, Scenario};
use terraform_provider_jdcloud::provider::SOURCE_ADDRESS;

use crate::host::ids;
use crate::spread::Spread;
use crate::terraform::{Module, mirror};
use crate::usage::{self, Usage};
use crate::{Programs, Rounds, replies};

/// The instance types that each image excludes.
pub(crate) const TYPES: usize = 6;

/// The latency of the API, of a near and of a distant service.
pub(crate) const LATENCIES: [u64; 2] = [0, 50];

/// The configuration of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) images: usize,
    /// One data source for each image, instead of one for all, and Terraform's `-parallelism`.
    pub(crate) for_each: Option<usize>,
    /// `for_each` is a set, which Terraform sorts again for each instance, instead of a map.
    pub(crate) is_set: bool,
    /// Whether the API has a row for each requested image, or for none of them.
    pub(crate) constrained: bool,
}

impl Case {
    const fn one(images: usize) -> Self {
        Self { images, for_each: None, is_set: false, constrained: true }
    }

    const fn each(images: usize, parallelism: usize, constrained: bool) -> Self {
        Self { images, for_each: Some(parallelism), is_set: false, constrained }
    }

    const fn of_set(self) -> Self {
        Self { is_set: true, ..self }
    }

    /// The requested ids: those of the emulator's images, or ids without a row.
    fn ids(self) -> Vec<String> {
        if self.constrained { ids(self.images) } else { ids(2 * self.images).split_off(self.images) }
    }
}

const CASES: [Case; 10] = [
    Case::one(10),
    Case::one(1_000),
    Case::one(10_000),
    Case::each(200, 10, true),
    Case::each(200, 50, true),
    Case::each(200, 10, false),
    Case::each(200, 10, false).of_set(),
    Case::each(200, 50, false),
    Case::each(1_000, 10, true),
    Case::each(1_000, 10, true).of_set(),
];

/// The compared programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    /// Terraform without a data source.
    TerraformAlone,
    Baseline,
    Provider,
    /// The provider with one call for each image: sequential in one read, and as concurrent as the reads in many reads.
    Naive,
}

pub(crate) const ALL: [Subject; 4] =
    [Subject::TerraformAlone, Subject::Baseline, Subject::Provider, Subject::Naive];

/// The measured plans of one configuration and program.
pub(crate) struct Plan {
    pub(crate) case: Case,
    pub(crate) subject: Subject,
    pub(crate) latency: u64,
    pub(crate) seconds: Vec<f64>,
    pub(crate) usages: Vec<Usage>,
    /// In one plan.
    pub(crate) calls: u64,
    pub(crate) connections: u64,
    /// Milliseconds from one round of reads to the next in one plan, if each round made a call.
    pub(crate) round_ms: Option<f64>,
}

impl Plan {
    /// The spread of the times.
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(&self.seconds).unwrap()
    }

    /// The number of runs. Long plans run less often; the duration is known from the first run, or estimated for sequential
    /// calls.
    fn times(&self, rounds: &Rounds) -> usize {
        let waiting = match self.subject {
            Subject::Naive => {
                let calls = self.case.images / self.case.for_each.unwrap_or(1);
                Duration::from_millis(self.latency + 1) * calls as u32
            }
            _ => Duration::ZERO,
        };
        if waiting > rounds.longest {
            0
        } else if waiting > SHORT {
            1
        } else if self.seconds.first().is_some_and(|first| *first > SHORT.as_secs_f64()) {
            rounds.plans.min(3)
        } else {
            rounds.plans
        }
    }
}

/// Shorter plans run in each round.
const SHORT: Duration = Duration::from_secs(5);

/// The emulator and the modules of a case.
struct Setup {
    emulator: Emulator,
    replies: PathBuf,
    /// Each with the plain plugin, and with the wrapped plugin.
    modules: Vec<(Subject, Module, Module)>,
}

/// Runs all plans in turns.
pub(crate) fn measure(programs: &Programs, directory: &Path, rounds: &Rounds) -> Vec<Plan> {
    let mirrors =
        [("provider", &programs.provider), ("baseline", &programs.baseline)].map(|(name, program)| {
            let at = |kind: &str| directory.join(format!("{name}-{kind}"));
            let plain = mirror(&at("plain"), |place| {
                std::fs::copy(program, place).unwrap();
            });
            (plain, mirror(&at("wrapped"), |place| usage::script(program, place)))
        });
    let used = directory.join("usage");
    let mut plans = Vec::new();
    let mut setups = Vec::new();
    // Terraform itself takes more than ten seconds for 1,000 reads.
    let is_short_enough =
        |case: &Case| case.for_each.is_none() || case.images < 1_000 || rounds.longest > SHORT;
    for (number, case) in CASES.into_iter().filter(is_short_enough).enumerate() {
        setups.push(setup(case, programs, &mirrors, &directory.join(format!("case{number}"))));
        plans.extend(kinds(case).map(|plan| (number, plan)));
    }
    for round in 0..rounds.plans {
        eprintln!("round {} of {} of the plans", round + 1, rounds.plans);
        for (number, plan) in &mut plans {
            let times = plan.times(rounds);
            if round < times {
                // Long plans are repeated only once for their memory.
                let usages = if times < rounds.plans { times / 3 } else { rounds.usages };
                setups[*number].run(plan, (round < usages).then_some(&used));
            }
        }
    }
    plans.into_iter().map(|(_, plan)| plan).filter(|plan| !plan.seconds.is_empty()).collect()
}

/// The plans of a case, not yet run.
fn kinds(case: Case) -> impl Iterator<Item = Plan> {
    let empty = move |subject, latency| Plan {
        case,
        subject,
        latency,
        seconds: Vec::new(),
        usages: Vec::new(),
        calls: 0,
        connections: 0,
        round_ms: None,
    };
    ALL.into_iter().flat_map(move |subject| {
        // Without requests, the latency does not matter.
        let latencies = if matches!(subject, Subject::TerraformAlone | Subject::Baseline) {
            &LATENCIES[..1]
        } else {
            &LATENCIES
        };
        latencies.iter().map(move |&latency| empty(subject, latency))
    })
}

impl Setup {
    /// Runs a plan, and again with the wrapper if there is a file for its figures.
    fn run(&self, plan: &mut Plan, used: Option<&PathBuf>) {
        let Self { emulator, replies, modules } = self;
        let (_, plain, wrapped) = modules.iter().find(|(subject, ..)| *subject == plan.subject).unwrap();
        emulator.set_scenario(Scenario { latency_ms: plan.latency, ..Scenario::default() });
        emulator.reset();
        plan.seconds.push(plain.plan(emulator, replies, None, plan.case.images));
        let counters = emulator.counters();
        (plan.calls, plan.connections) = (counters.calls, counters.connections_accepted);
        plan.round_ms = round_ms(emulator, plan.case);
        if let (Some(used), false) = (used, plan.subject == Subject::TerraformAlone) {
            wrapped.plan(emulator, replies, Some(used), plan.case.images);
            plan.usages.push(usage::take(used));
        }
    }
}

/// The time between the first and the last call, divided by the number of rounds of concurrent reads.
fn round_ms(emulator: &Emulator, case: Case) -> Option<f64> {
    let calls = emulator.calls();
    let rounds = case.images.div_ceil(case.for_each?);
    if calls.len() < rounds || rounds < 2 {
        return None;
    }
    let arrivals = || calls.iter().map(|call| call.received_ms);
    Some((arrivals().max()? - arrivals().min()?) as f64 / (rounds - 1) as f64)
}

/// The share of the plan's time that exceeds the baseline.
pub(crate) fn share(plans: &[Plan], plan: &Plan) -> Option<f64> {
    let (own, baseline) =
        (plan.spread().median, counterpart(plans, plan, Subject::Baseline)?.spread().median);
    Some((own - baseline) / own)
}

/// The same plans of `subject`, if they were run.
pub(crate) fn counterpart<'a>(plans: &'a [Plan], like: &Plan, subject: Subject) -> Option<&'a Plan> {
    // Terraform alone and the baseline make no calls, so there is no latency.
    let latency =
        if matches!(subject, Subject::TerraformAlone | Subject::Baseline) { 0 } else { like.latency };
    plans.iter().find(|plan| plan.case == like.case && plan.subject == subject && plan.latency == latency)
}

fn setup(case: Case, programs: &Programs, mirrors: &[(PathBuf, PathBuf); 2], directory: &Path) -> Setup {
    let catalogue = Catalogue::generated(case.images, TYPES);
    let emulator = Emulator::start(Options { catalogue, ..Options::default() }).unwrap();
    let replies = directory.join("replies");
    let ids = case.ids();
    let requested = if case.for_each.is_some() { &ids[..1] } else { &ids[..] };
    replies::record(&programs.provider, &replies, &emulator, requested);
    let modules = ALL.map(|subject| {
        let (plain, wrapped) = &mirrors[usize::from(subject == Subject::Baseline)];
        let module = |kind: &str, configuration: &Path| {
            let directory = directory.join(format!("{subject:?}-{kind}"));
            Module::new(directory, configuration, &hcl(case, subject), &ids, case.for_each)
        };
        (subject, module("plain", plain), module("wrapped", wrapped))
    });
    Setup { emulator, replies, modules: modules.into() }
}

/// Every configuration has an output that counts the images, so that all do the same work.
fn hcl(case: Case, subject: Subject) -> String {
    let variable = "variable \"ids\" {\n  type = list(string)\n}\n";
    if subject == Subject::TerraformAlone {
        return format!(
            "{variable}output \"answered\" {{\n  value = length({{ for id in var.ids : id => id }})\n}}\n"
        );
    }
    let settings = if subject == Subject::Naive {
        let at_once = case.for_each.unwrap_or(1);
        format!("  batch_size = 1\n  read_ahead = false\n  max_concurrent_requests = {at_once}\n")
    } else {
        String::new()
    };
    let list = if case.constrained { "image_constraints" } else { "missing_ids" };
    let (locals, arguments, value) = if case.for_each.is_some() {
        let images = if case.is_set { "toset(var.ids)" } else { "{ for id in var.ids : id => id }" };
        (
            format!("locals {{\n  images = {images}\n}}\n"),
            "  for_each = local.images\n  ids      = [each.value]\n",
            format!("sum([for read in data.jdcloud_image_constraints.asked : length(read.{list})])"),
        )
    } else {
        (String::new(), "  ids = var.ids\n", format!("length(data.jdcloud_image_constraints.asked.{list})"))
    };
    format!(
        "terraform {{\n  required_providers {{\n    jdcloud = {{ source = \"{SOURCE_ADDRESS}\" }}\n  }}\n}}\n\
         provider \"jdcloud\" {{\n{settings}}}\n{variable}{locals}\
         data \"jdcloud_image_constraints\" \"asked\" {{\n{arguments}}}\n\
         output \"answered\" {{\n  value = {value}\n}}\n"
    )
}
