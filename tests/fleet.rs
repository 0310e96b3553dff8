//! Many reads under a real Terraform need few requests. Otherwise a plan over many images exceeds JD Cloud's rate limit.
//!
//! These are acceptance tests in a separate program that runs one plan at a time, because the number of reads that share a
//! request depends on the load of the machine.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // a test fails by panicking

#[allow(dead_code, unused_imports, unused_macros)] // of the acceptance tests
#[path = "acceptance/harness/mod.rs"]
mod harness;

use std::sync::{Mutex, PoisonError};

use jdcloud_emulator::{Catalogue, Counters, Image, Source};

use crate::harness::{Case, Protocol, cases};

/// Held by the running case.
static RUNNING: Mutex<()> = Mutex::new(());

cases!(
    a_for_each_over_constrained_images_needs_at_most_four_calls,
    two_regions_need_at_most_four_calls_each,
    images_without_constraints_share_calls,
    a_for_each_reuses_connections_and_sends_the_user_agent,
);

const FLEET: usize = 200;

/// A fleet of images in two regions; those of `cn-east-2` are private, and have no constraint.
fn fleet() -> Catalogue {
    let mut catalogue = Catalogue::generated(FLEET, 3);
    for number in 1..=FLEET {
        let id = format!("img-{number:010}");
        catalogue.insert("cn-south-1", &id, Image::excludes(&["g.n4.large"]));
        catalogue.insert("cn-east-2", &id, Image::default().from_source(Source::Private));
    }
    catalogue
}

/// One data block for each image of the fleet in each of the regions. A map, since Terraform sorts a set again for each block, so
/// that reads would arrive further apart.
fn plan(protocol: Protocol, regions: &[&str], parallelism: usize) -> Case {
    let blocks: Vec<String> = regions
        .iter()
        .map(|region| {
            format!(
                r#"
data "jdcloud_image_constraints" "{region}" {{
  for_each = {{ for number in range(1, {FLEET} + 1) : number => format("img-%010d", number) }}
  region   = "{region}"
  ids      = [each.value]
}}
output "{region}" {{
  value = merge(values(data.jdcloud_image_constraints.{region})[*].excluded_instance_types...)
}}
"#
            )
        })
        .collect();
    let case = Case::build(protocol, &blocks.concat())
        .variable("TF_APPEND_USER_AGENT", "fleet/1")
        .emulator(|options| {
            options.catalogue = fleet();
            // The latency of a real API, during which reads collect for the next request.
            options.scenario.latency_ms = 50;
        })
        .init();
    let parallelism = format!("-parallelism={parallelism}");
    case.run(&["plan", "-json", "-input=false", "-out=plan.tfplan", &parallelism]).succeeded();
    let outputs = &case.json(&["show", "-json", "plan.tfplan"])["planned_values"]["outputs"];
    for region in regions {
        let found = outputs[region]["value"].as_object().unwrap();
        assert_eq!(found.len(), FLEET, "{region}: images are lost");
        for (id, types) in found {
            let types: Vec<&str> =
                types.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
            let own = format!("{}xlarge", id.trim_start_matches("img-").trim_start_matches('0'));
            match *region {
                "cn-north-1" => assert!(types.iter().any(|one| one.ends_with(&own)), "{id} got {types:?}"),
                "cn-south-1" => assert_eq!(types, ["g.n4.large"], "{id} has the types of another region"),
                _ => assert_eq!(types, [""; 0], "{id} has no constraint"),
            }
        }
    }
    case
}

fn a_for_each_over_constrained_images_needs_at_most_four_calls(protocol: Protocol) {
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    for parallelism in [1, 10, 50] {
        let calls = plan(protocol, &["cn-north-1"], parallelism).emulator().counters().calls;
        assert!(calls <= 4, "{FLEET} blocks at -parallelism={parallelism} cost {calls} calls");
    }
}

fn two_regions_need_at_most_four_calls_each(protocol: Protocol) {
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let case = plan(protocol, &["cn-north-1", "cn-south-1"], 10);
    let regions = case.emulator().counters().per_region;
    assert!(regions.values().all(|calls| *calls <= 4), "{regions:?}");
}

fn images_without_constraints_share_calls(protocol: Protocol) {
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    for parallelism in [10, 50] {
        // A request for each round of reads, and the listing. A quarter more is for a busy machine, which splits rounds;
        // the exact bound is held by the unit tests, on a scripted clock.
        let rounds = FLEET.div_ceil(parallelism) as u64;
        let most = (rounds + 1).div_ceil(4) * 5;
        let mut attempts: Vec<Counters> = Vec::new();
        // Another program may slow down one or two of the plans.
        while attempts.len() < 3 && attempts.last().is_none_or(|counters| counters.calls > most) {
            attempts.push(plan(protocol, &["cn-east-2"], parallelism).emulator().counters());
        }
        let fewest = attempts.iter().map(|counters| counters.calls).min();
        assert!(
            fewest <= Some(most),
            "{FLEET} blocks at -parallelism={parallelism} take {most} calls at most: {attempts:?}"
        );
    }
}

fn a_for_each_reuses_connections_and_sends_the_user_agent(protocol: Protocol) {
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let case = plan(protocol, &["cn-east-2"], 10);
    let counters = case.emulator().counters();
    // HTTP/1.1 carries one call at a time, and at most 8 calls are under way at once.
    assert!(counters.connections_accepted <= 8, "{counters:?}");
    let calls = case.emulator().calls();
    let user_agent = calls[0].user_agent.clone().unwrap_or_default();
    assert!(
        user_agent.starts_with("terraform-provider-jdcloud/")
            && user_agent.contains(" (terraform ")
            && user_agent.ends_with(" fleet/1"),
        "{user_agent}"
    );
}
