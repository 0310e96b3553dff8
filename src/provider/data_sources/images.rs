//! `jdcloud_images`: the images of one source that match the filters, or the images with the given ids.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::arguments::{self, flag, number, text, texts};
use crate::framework::{Attribute, Config, DataSource, Diagnostics, ReadError, Schema, Str, Type, Value};
use crate::jdcloud::Client;
use crate::jdcloud::images::{Image, Query, SOURCES};
use crate::provider::diagnostics::{report, report_notice};
use crate::provider::names;
use crate::provider::sentence::joined;

pub(super) struct Images;

/// The filters on text properties.
const TEXTS: [&str; 6] = ["image_source", "platform", "os_version", "name", "architecture", "status"];

/// The sources whose images can be delisted.
const LISTED: [&str; 2] = ["public", "thirdparty"];

/// The status of images from which servers can be created.
const READY: &str = "ready";

#[async_trait]
impl DataSource<Client> for Images {
    fn type_name(&self) -> &'static str {
        "jdcloud_images"
    }

    fn schema(&self) -> Schema {
        let filter = |name, description| Attribute::optional(name, Type::String, description);
        Schema {
            description: "Finds images of a region: those of one source with the given properties, newest first, or those \
                with the given ids. An omitted argument filters nothing, except `status` and `offline`, which have defaults; \
                no match is an empty list, not an error.",
            attributes: vec![
                Attribute::computed(
                    "id",
                    Type::String,
                    "The region, followed by a short hash of the arguments.",
                ),
                arguments::region(),
                Attribute::optional(
                    "ids",
                    Type::set(Type::String),
                    "IDs of the images to look up, of any source and status, delisted or not. Can't be \
                     combined with the other arguments but `region`. An empty set finds none, and makes no request.",
                ),
                filter(
                    "image_source",
                    "Source of the images: `\"public\"` (JD Cloud), `\"thirdparty\"` (the marketplace), `\"private\"` (your \
                     account), `\"shared\"` (shared with your account) or `\"community\"`. Required unless `ids` are set.",
                ),
                filter(
                    "platform",
                    "Platform, such as `\"Ubuntu\"`, `\"CentOS\"` or `\"Windows Server\"`. Compared exactly.",
                ),
                filter(
                    "os_version",
                    "Version of the operating system, such as `\"22.04\"`. Compared exactly.",
                ),
                filter("name", "Name of the image. Compared exactly."),
                filter(
                    "architecture",
                    "`\"x86_64\"` or `\"arm64\"`. Compared exactly; an image for which JD Cloud returns no architecture \
                     does not match.",
                ),
                filter(
                    "status",
                    "Status of the image. Defaults to `\"ready\"`. Compared exactly; an image for which JD Cloud returns no \
                     status does not match.",
                ),
                Attribute::optional(
                    "offline",
                    Type::Bool,
                    "Whether to find delisted images, from which no new server can be created, instead of the others. Only \
                     public and third-party images are ever delisted. Defaults to `false`.",
                ),
                Attribute::computed(
                    "image_ids",
                    Type::list(Type::String),
                    "The IDs of the images, in the order of `images`.",
                ),
                Attribute::computed(
                    "images",
                    Type::list(row_type()),
                    "The images, newest `create_time` first, those of the same time by `image_id`. Each has `image_id`, \
                     `name`, `platform`, `os_version`, `os_type`, `architecture`, `image_source`, `status`, `offline`, \
                     `create_time`, `expired_time` (empty if never), `description`, `system_disk_size_gb`, `size_mb`, \
                     `root_device_type`, `boot_mode`, `owner_pin` and `launch_permission`. What JD Cloud does not return is \
                     null.",
                ),
                Attribute::computed(
                    "missing_ids",
                    Type::list(Type::String),
                    "The `ids` that don't exist or are not visible to this account, sorted.",
                ),
            ],
        }
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        arguments::validate_region(config, diagnostics);
        arguments::validate_texts(config, &TEXTS, diagnostics);
        arguments::validate_ids(config, "to find images by their properties, set image_source", diagnostics);
        let source = config.string("image_source").known().filter(|source| !source.is_empty());
        if let Some(source) = source
            && !SOURCES.contains(&source)
        {
            diagnostics.argument_error(
                "image_source",
                "Invalid image source",
                format!("image_source must be one of {}, not {}.", joined(&SOURCES), names::quoted(source)),
            );
        }
        if config.get("ids").is_null() && config.get("image_source").is_null() {
            diagnostics.argument_error(
                "image_source",
                "Image source missing",
                format!(
                    "image_source is required unless ids are set: JD Cloud lists the images of one source at a time. Set it to \
                     one of {}.",
                    joined(&SOURCES)
                ),
            );
        }
        if let Value::Known(_) = config.elements("ids") {
            for argument in TEXTS.into_iter().chain(["offline"]) {
                if let Value::Known(_) = config.get(argument) {
                    diagnostics.argument_error(
                        argument,
                        "Conflicting arguments",
                        format!(
                            "{argument} can't be combined with ids, which already select the images. Remove one of them; to \
                             filter images by ID, use a for expression on images."
                        ),
                    );
                }
            }
        } else if let Some(source) = source
            && config.bool("offline") == Value::Known(true)
            && SOURCES.contains(&source)
            && !LISTED.contains(&source)
        {
            diagnostics.argument_error(
                "offline",
                "Conflicting arguments",
                format!(
                    "offline = true finds delisted images, but only images of the sources {} can be delisted; image_source is {}. \
                     Remove offline.",
                    joined(&LISTED),
                    names::quoted(source)
                ),
            );
        }
    }

    async fn read(
        &self,
        client: &Client,
        config: &Config,
        diagnostics: &mut Diagnostics,
    ) -> Result<Value, ReadError> {
        let started = Instant::now();
        let ids = arguments::strings(config, "ids");
        let filter = Filter::new(config);
        let query = ids.clone().map_or_else(|| filter.query(), Query::Ids);
        let listed = client.images(config.string("region").known(), &query, started).await;
        let listed = listed.map_err(|error| report(&error, diagnostics))?;
        for notice in &listed.notices {
            report_notice(*notice, diagnostics);
        }
        let mut images = listed.rows;
        if ids.is_none() {
            images.retain(|image| filter.matches(image));
        }
        sort(&mut images);
        Ok(state(config, listed.region.as_str(), &images, ids.as_ref()))
    }
}

/// The filters of a read without `ids`.
#[derive(Debug, Clone, Default)]
struct Filter<'a> {
    source: &'a str,
    platform: Option<&'a str>,
    os_version: Option<&'a str>,
    name: Option<&'a str>,
    architecture: Option<&'a str>,
    status: &'a str,
    offline: bool,
}

impl<'a> Filter<'a> {
    fn new(config: &'a Config) -> Self {
        let text = |name| config.string(name).known();
        Self {
            source: text("image_source").unwrap_or_default(),
            platform: text("platform"),
            os_version: text("os_version"),
            name: text("name"),
            architecture: text("architecture"),
            status: text("status").unwrap_or(READY),
            offline: config.bool("offline").known().unwrap_or(false),
        }
    }

    /// The filters that JD Cloud applies. It has no parameter for the version, how it matches names is not documented, and
    /// its parameters for platform and architecture are documented for a few values only.
    fn query(&self) -> Query {
        Query::Source {
            source: self.source.to_owned(),
            status: self.status.to_owned(),
            offline: self.offline,
        }
    }

    /// Whether `image` matches all filters. An absent property does not match.
    fn matches(&self, image: &Image) -> bool {
        let is = |wanted: Option<&str>, found: &Option<Arc<str>>| {
            wanted.is_none_or(|wanted| found.as_deref() == Some(wanted))
        };
        is(self.platform, &image.platform)
            && is(self.os_version, &image.os_version)
            && is(self.name, &image.name)
            && is(self.architecture, &image.architecture)
            && is(Some(self.status), &image.status)
            && self.offline == (image.offline == Some(true))
    }
}

/// Newest first. The times are texts in one format, whose order is that of the times.
fn sort(images: &mut [Arc<Image>]) {
    images.sort_unstable_by(|a, b| (Reverse(&a.create_time), &a.id).cmp(&(Reverse(&b.create_time), &b.id)));
}

/// An attribute of an element of `images`: its name, its type, and its value.
type Column = (&'static str, Type, fn(&Image) -> Value);

fn columns() -> [Column; 18] {
    [
        ("image_id", Type::String, |image| Value::string(Arc::clone(&image.id))),
        ("name", Type::String, |image| text(&image.name)),
        ("platform", Type::String, |image| text(&image.platform)),
        ("os_version", Type::String, |image| text(&image.os_version)),
        ("os_type", Type::String, |image| text(&image.os_type)),
        ("architecture", Type::String, |image| text(&image.architecture)),
        ("image_source", Type::String, |image| text(&image.source)),
        ("status", Type::String, |image| text(&image.status)),
        ("offline", Type::Bool, |image| flag(image.offline)),
        ("create_time", Type::String, |image| text(&image.create_time)),
        ("expired_time", Type::String, |image| text(&image.expired_time)),
        ("description", Type::String, |image| text(&image.description)),
        ("system_disk_size_gb", Type::Number, |image| number(image.system_disk_size_gb)),
        ("size_mb", Type::Number, |image| number(image.size_mb)),
        ("root_device_type", Type::String, |image| text(&image.root_device_type)),
        ("boot_mode", Type::String, |image| text(&image.boot_mode)),
        ("owner_pin", Type::String, |image| text(&image.owner_pin)),
        ("launch_permission", Type::String, |image| text(&image.launch_permission)),
    ]
}

fn row_type() -> Type {
    Type::object(columns().map(|(name, ty, _)| (name, ty)))
}

/// The value of the whole block.
fn state(config: &Config, region: &str, images: &[Arc<Image>], ids: Option<&BTreeSet<Str>>) -> Value {
    let columns = columns().map(|(name, _, value)| (Str::from(name), value));
    let row = |image: &Arc<Image>| {
        Value::members(columns.iter().map(|(name, value)| (Str::clone(name), value(image))))
    };
    let found: BTreeSet<&str> = images.iter().map(|image| &*image.id).collect();
    let missing = ids.into_iter().flatten().filter(|id| !found.contains(&***id));
    let mut members = vec![
        ("id", id(config, region, ids)),
        ("region", Value::string(region)),
        ("image_ids", texts(images.iter().map(|image| &image.id))),
        ("images", Value::list(images.iter().map(row))),
        ("missing_ids", Value::list(missing.map(|id| Value::string(Str::clone(id))))),
    ];
    let arguments = TEXTS.into_iter().chain(["ids", "offline"]);
    members.extend(arguments.map(|name| (name, config.get(name).clone())));
    Value::members(members)
}

fn id(config: &Config, region: &str, ids: Option<&BTreeSet<Str>>) -> Value {
    if let Some(ids) = ids {
        return arguments::id(region, Some(ids.iter().map(|id| &**id)));
    }
    let mut filters: Vec<String> = TEXTS
        .into_iter()
        .filter_map(|name| Some(format!("{name}={}", config.string(name).known()?)))
        .collect();
    filters.extend(config.bool("offline").known().map(|offline| format!("offline={offline}")));
    arguments::id(region, Some(filters.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests;
