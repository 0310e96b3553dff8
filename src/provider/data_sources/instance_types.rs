//! `jdcloud_instance_types`: the instance types of a region that match the filters, and the zones where they are in stock.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::arguments::{self, flag, number, text, texts};
use crate::framework::{Attribute, Config, DataSource, Diagnostics, ReadError, Schema, Str, Type, Value};
use crate::jdcloud::Client;
use crate::jdcloud::instance_types::InstanceType;
use crate::provider::diagnostics::{report, report_notice};
use crate::provider::sentence::whole_number_required;

pub(super) struct InstanceTypes;

/// The filters that are sets of names.
const SETS: [&str; 3] = ["names", "zones", "families"];
/// The filters that are minimums.
const MINIMUMS: [&str; 2] = ["min_cpu", "min_memory_mb"];

#[async_trait]
impl DataSource<Client> for InstanceTypes {
    fn type_name(&self) -> &'static str {
        "jdcloud_instance_types"
    }

    fn schema(&self) -> Schema {
        let set = |name, description| Attribute::optional(name, Type::set(Type::String), description);
        let minimum = |name, description| Attribute::optional(name, Type::Number, description);
        Schema {
            description: "Finds the instance types of a region that have the given properties, smallest first, and the zones \
                where each is in stock. An omitted argument filters nothing, and no match is an empty list, not an error. The \
                stock is that at the time of the read; it is not a reservation.",
            attributes: vec![
                Attribute::computed(
                    "id",
                    Type::String,
                    "The region, followed by a short hash of the arguments.",
                ),
                arguments::region(),
                set(
                    "names",
                    "Names of instance types, such as `g.n3.large`. An empty set finds none, and makes no request.",
                ),
                set(
                    "zones",
                    "Zones, such as `cn-north-1a`, in *each* of which a type must be offered, or in stock if `in_stock` is \
                     `true`. An empty set finds no type, and makes no request.",
                ),
                Attribute::optional(
                    "in_stock",
                    Type::Bool,
                    "`true` finds types that are in stock: in each of the `zones`, or without `zones` in at least one zone. \
                     `false` finds the other types. A zone without information about a type counts as one where it is not \
                     in stock.",
                ),
                minimum("min_cpu", "The minimum number of CPUs."),
                minimum("min_memory_mb", "The minimum memory, in MB: 4 GB is `4096`."),
                Attribute::optional(
                    "architecture",
                    Type::String,
                    "`\"x86_64\"` or `\"arm64\"`. Compared exactly; a type for which JD Cloud returns no architecture does \
                     not match.",
                ),
                set(
                    "families",
                    "Families of instance types, such as `g.n`. An empty set finds no type, and makes no request.",
                ),
                Attribute::computed(
                    "instance_type_names",
                    Type::list(Type::String),
                    "The names of the instance types, in the order of `instance_types`.",
                ),
                Attribute::computed(
                    "instance_types",
                    Type::list(row_type()),
                    "The instance types, sorted by `cpu`, `memory_mb`, newer `generation` and name. Each has `instance_type`, \
                     `family`, `generation`, `cpu`, `memory_mb`, `architecture`, `nic_limit`, `cloud_disk_count_limit`, \
                     `cloud_disk_types`, `zones` (a list of `az` and `in_stock`, sorted by `az`), `gpu_model`, `gpu_count`, \
                     `local_disks` (a list of `disk_type` and `disk_size_gb`), `burstable` and `description`. What JD Cloud \
                     does not return is null, an empty list, or false in the case of `burstable`.",
                ),
                Attribute::computed(
                    "region_zones",
                    Type::list(Type::String),
                    "Every zone that JD Cloud returns for any type of the region, or of `names` if they are set, sorted. The \
                     other arguments do not affect it, except that an empty set makes it empty.",
                ),
            ],
        }
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        arguments::validate_region(config, diagnostics);
        arguments::validate_texts(config, &["architecture"], diagnostics);
        let image_id = |name: &str| name.starts_with("img-").then_some("looks like an image ID");
        if let Some(invalid) = arguments::invalid_names(config, "names", image_id) {
            let detail =
                format!("names must contain instance types, but some elements are not valid: {invalid}.");
            diagnostics.argument_error("names", "Invalid instance type", detail);
        }
        for (argument, summary) in [("zones", "Invalid zone"), ("families", "Invalid family")] {
            if let Some(invalid) = arguments::invalid_names(config, argument, |_| None) {
                let detail = format!("Some elements of {argument} are not valid: {invalid}.");
                diagnostics.argument_error(argument, summary, detail);
            }
        }
        for argument in MINIMUMS {
            if let Value::Known(number) = config.number(argument)
                && number.as_i64().is_none_or(|number| number < 0)
            {
                let detail = whole_number_required(argument, number);
                diagnostics.argument_error(argument, "Invalid number", detail);
            }
        }
    }

    async fn read(
        &self,
        client: &Client,
        config: &Config,
        diagnostics: &mut Diagnostics,
    ) -> Result<Value, ReadError> {
        let started = Instant::now();
        let filter = Filter::new(config);
        let names = if filter.matches_nothing() { Some(BTreeSet::new()) } else { filter.names.clone() };
        let region = config.string("region").known();
        let listed = client.instance_types(region, names.as_ref(), started).await;
        let listed = listed.map_err(|error| report(&error, diagnostics))?;
        for notice in &listed.notices {
            report_notice(*notice, diagnostics);
        }
        let mut types = listed.rows;
        let zones: BTreeSet<Arc<str>> =
            types.iter().flat_map(|one| &one.zones).map(|zone| Arc::clone(&zone.az)).collect();
        types.retain(|one| filter.matches(one));
        sort(&mut types);
        Ok(state(config, listed.region.as_str(), &types, &zones))
    }
}

/// The filters of a read.
#[derive(Debug, Clone, Default)]
struct Filter<'a> {
    names: Option<BTreeSet<Str>>,
    zones: Option<BTreeSet<Str>>,
    families: Option<BTreeSet<Str>>,
    in_stock: Option<bool>,
    min_cpu: Option<i64>,
    min_memory_mb: Option<i64>,
    architecture: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn new(config: &'a Config) -> Self {
        let [names, zones, families] = SETS.map(|name| arguments::strings(config, name));
        let [min_cpu, min_memory_mb] =
            MINIMUMS.map(|name| config.number(name).known().and_then(crate::framework::Number::as_i64));
        Self {
            names,
            zones,
            families,
            in_stock: config.bool("in_stock").known(),
            min_cpu,
            min_memory_mb,
            architecture: config.string("architecture").known(),
        }
    }

    /// Whether one of the sets is empty.
    fn matches_nothing(&self) -> bool {
        [&self.names, &self.zones, &self.families].into_iter().flatten().any(BTreeSet::is_empty)
    }

    /// Whether `one` matches all filters. An absent property does not match.
    fn matches(&self, one: &InstanceType) -> bool {
        let among = |wanted: &Option<BTreeSet<Str>>, found: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| wanted.contains(found)))
        };
        let least = |least: Option<i64>, found: Option<i64>| least.is_none_or(|least| found >= Some(least));
        among(&self.names, Some(&one.name))
            && among(&self.families, one.family.as_deref())
            && least(self.min_cpu, one.cpu)
            && least(self.min_memory_mb, one.memory_mb)
            && self.architecture.is_none_or(|wanted| one.architecture.as_deref() == Some(wanted))
            && self.matches_stock(one)
    }

    fn matches_stock(&self, one: &InstanceType) -> bool {
        let offered = |az: &Str| one.zones.iter().any(|zone| zone.az == *az);
        match (self.in_stock, &self.zones) {
            (None, None) => true,
            (None, Some(zones)) => zones.iter().all(offered),
            (Some(wanted), Some(zones)) => wanted == zones.iter().all(|az| one.is_in_stock(az)),
            (Some(wanted), None) => wanted == one.zones.iter().any(|zone| zone.in_stock == Some(true)),
        }
    }
}

/// Smallest first; types without the property are last.
fn sort(types: &mut [Arc<InstanceType>]) {
    let last = |number: Option<i64>| (number.is_none(), number);
    types.sort_unstable_by(|a, b| {
        let key = |one: &InstanceType| (last(one.cpu), last(one.memory_mb), Reverse(one.generation));
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
}

/// An attribute of an element of `instance_types`: its name, its type, and its value.
type Column = (&'static str, Type, fn(&InstanceType) -> Value);

fn columns() -> [Column; 15] {
    let zone = Type::object([("az", Type::String), ("in_stock", Type::Bool)]);
    let disk = Type::object([("disk_type", Type::String), ("disk_size_gb", Type::Number)]);
    [
        ("instance_type", Type::String, |one| Value::string(Arc::clone(&one.name))),
        ("family", Type::String, |one| text(&one.family)),
        ("generation", Type::Number, |one| number(one.generation)),
        ("cpu", Type::Number, |one| number(one.cpu)),
        ("memory_mb", Type::Number, |one| number(one.memory_mb)),
        ("architecture", Type::String, |one| text(&one.architecture)),
        ("nic_limit", Type::Number, |one| number(one.nic_limit)),
        ("cloud_disk_count_limit", Type::Number, |one| number(one.cloud_disk_count_limit)),
        ("cloud_disk_types", Type::list(Type::String), |one| texts(&one.cloud_disk_types)),
        ("zones", Type::list(zone), |one| {
            Value::list(one.zones.iter().map(|zone| {
                let az = Value::string(Arc::clone(&zone.az));
                Value::members([("az", az), ("in_stock", flag(zone.in_stock))])
            }))
        }),
        ("gpu_model", Type::String, |one| one.gpu.as_ref().map_or(Value::Null, |gpu| text(&gpu.model))),
        ("gpu_count", Type::Number, |one| number(one.gpu.as_ref().and_then(|gpu| gpu.count))),
        ("local_disks", Type::list(disk), |one| {
            Value::list(one.local_disks.iter().map(|disk| {
                let size = number(disk.disk_size_gb);
                Value::members([("disk_type", text(&disk.disk_type)), ("disk_size_gb", size)])
            }))
        }),
        ("burstable", Type::Bool, |one| one.is_burstable.into()),
        ("description", Type::String, |one| text(&one.description)),
    ]
}

fn row_type() -> Type {
    Type::object(columns().map(|(name, ty, _)| (name, ty)))
}

/// The value of the whole block.
fn state(config: &Config, region: &str, types: &[Arc<InstanceType>], zones: &BTreeSet<Arc<str>>) -> Value {
    let columns = columns().map(|(name, _, value)| (Str::from(name), value));
    let row = |one: &Arc<InstanceType>| {
        Value::members(columns.iter().map(|(name, value)| (Str::clone(name), value(one))))
    };
    let mut members = vec![
        ("id", id(config, region)),
        ("region", Value::string(region)),
        ("instance_type_names", texts(types.iter().map(|one| &one.name))),
        ("instance_types", Value::list(types.iter().map(row))),
        ("region_zones", texts(zones)),
    ];
    let arguments = SETS.into_iter().chain(MINIMUMS).chain(["architecture", "in_stock"]);
    members.extend(arguments.map(|name| (name, config.get(name).clone())));
    Value::members(members)
}

fn id(config: &Config, region: &str) -> Value {
    let filter = Filter::new(config);
    let sets = SETS.into_iter().zip([&filter.names, &filter.zones, &filter.families]);
    let mut filters: Vec<String> = sets
        .filter_map(|(name, set)| {
            let set: Vec<&str> = set.as_ref()?.iter().map(AsRef::as_ref).collect();
            Some(format!("{name}={}", set.join(",")))
        })
        .collect();
    let minimums = MINIMUMS.into_iter().zip([filter.min_cpu, filter.min_memory_mb]);
    filters.extend(minimums.filter_map(|(name, minimum)| Some(format!("{name}={}", minimum?))));
    filters.extend(filter.architecture.map(|architecture| format!("architecture={architecture}")));
    filters.extend(filter.in_stock.map(|in_stock| format!("in_stock={in_stock}")));
    arguments::id(region, (!filters.is_empty()).then(|| filters.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests;
