//! `jdcloud_image_constraints`: which instance types images exclude or include.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use hashbrown::HashMap;

use crate::framework::{Attribute, Config, DataSource, Diagnostics, ReadError, Schema, Str, Type, Value};
use crate::jdcloud::{Answer, Client, Error, Image, ImageSelection, Region, Rule, SettingsError, Source};
use crate::provider::diagnostics::{report, report_notice, report_settings};
use crate::provider::names;
use crate::provider::sentence::listed;

/// How many ids a message names before it only counts.
const NAMED: usize = 20;

pub(super) struct ImageConstraints;

#[async_trait]
impl DataSource<Client> for ImageConstraints {
    fn type_name(&self) -> &'static str {
        "jdcloud_image_constraints"
    }

    fn schema(&self) -> Schema {
        Schema {
            description: "Asks JD Cloud which instance types images exclude (or include), so that a precondition, a check or \
                the validation of a variable can refuse a combination of image and instance type that is not supported in \
                `terraform plan`. Only public and third-party images have constraints, as JD Cloud's documentation says.",
            attributes: vec![
                Attribute::computed(
                    "id",
                    Type::String,
                    "The region, followed by a short hash of `ids` where they are set.",
                ),
                Attribute::optional_computed(
                    "region",
                    Type::String,
                    "Region to ask, such as `cn-north-1`. Defaults to the provider's region.",
                ),
                Attribute::optional(
                    "ids",
                    Type::set(Type::String),
                    "IDs of the images to ask about, which is recommended. Leave it out to ask about every image of the \
                     region that JD Cloud returns a constraint for; JD Cloud does not document that this is every \
                     constrained image. An empty set asks about none, and makes no request.",
                ),
                Attribute::optional(
                    "on_missing",
                    Type::String,
                    "What to do when JD Cloud returns nothing for some of the `ids`: `\"ignore\"` (the default), `\"warn\"` \
                     or `\"error\"`. Private images are always among them.",
                ),
                Attribute::computed(
                    "image_constraints",
                    Type::list(row_type()),
                    "The constraints, one element for each image that has one, sorted by `image_id`. Each element has \
                     `image_id`; `constraints_type`, which is `\"excludes\"` (all types but these) or `\"includes\"` (only \
                     these); and `instance_types`, sorted.",
                ),
                Attribute::computed(
                    "excluded_instance_types",
                    Type::map(Type::list(Type::String)),
                    "The instance types that each image excludes, by image id. Every requested or returned image has a key: \
                     `[]` says that it has no constraint, and `null` that a list of exclusions can't describe it (see \
                     `included_instance_types`), so that a rule written for exclusions fails instead of passing.",
                ),
                Attribute::computed(
                    "included_instance_types",
                    Type::map(Type::list(Type::String)),
                    "The only instance types that an image supports, by image id; only images whose constraint is of the \
                     type `\"includes\"` have a key.",
                ),
                Attribute::computed(
                    "missing_ids",
                    Type::list(Type::String),
                    "The `ids` for which JD Cloud returned nothing, sorted: images without a constraint, such as private \
                     images, or IDs that don't exist. The answer does not tell which.",
                ),
            ],
        }
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        if let Value::Known(region) = config.string("region")
            && let Err(problem) = Region::parse(region, Source::Read)
        {
            report_settings(&problem, diagnostics);
        }
        if let Value::Known(ids) = config.elements("ids") {
            refuse_invalid(ids, diagnostics);
        }
        if let Value::Known(on_missing) = config.string("on_missing")
            && OnMissing::parse(on_missing).is_none()
        {
            diagnostics.argument_error(
                "on_missing",
                "Invalid on_missing",
                format!(
                    "on_missing must be \"ignore\", \"warn\" or \"error\", not {}.",
                    names::quoted(on_missing)
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
        let ids = config
            .elements("ids")
            .known()
            .map(|ids| ids.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>());
        let wanted = ids.as_ref().map_or(ImageSelection::All, |ids| {
            ImageSelection::Named(ids.iter().map(|id| (*id).to_owned()).collect())
        });
        let answer = match client.image_constraints(config.string("region").known(), wanted).await {
            Ok(answer) => answer,
            Err(error) => {
                report(&error, diagnostics);
                return Err(match error {
                    Error::Settings(SettingsError::UnknownArguments { .. }) => {
                        ReadError::ProviderConfigUnknown
                    }
                    _ => ReadError::Failed,
                });
            }
        };
        for notice in &answer.notices {
            report_notice(*notice, diagnostics);
        }
        let on_missing =
            config.string("on_missing").known().and_then(OnMissing::parse).unwrap_or(OnMissing::Ignore);
        on_missing.report(&answer, diagnostics);
        warn_of_unknown_kinds(client, &answer.images, diagnostics);
        Ok(state(config, &answer, ids.as_ref()))
    }
}

fn row_type() -> Type {
    Type::object([
        ("image_id", Type::String),
        ("constraints_type", Type::String),
        ("instance_types", Type::list(Type::String)),
    ])
}

/// The value of the whole block.
fn state(config: &Config, answer: &Answer, ids: Option<&BTreeSet<&str>>) -> Value {
    let mut lists = Lists::default();
    let mut kinds = HashMap::new();
    let [image_id, constraints_type, instance_types] =
        ["image_id", "constraints_type", "instance_types"].map(Str::from);
    let mut rows = Vec::with_capacity(answer.images.len());
    for Image { id, rule } in &answer.images {
        if let Some(kind) = rule.constraints_type() {
            rows.push(Value::members([
                (image_id.clone(), Value::string(id.clone())),
                (constraints_type.clone(), kinds.entry(kind).or_insert_with(|| Value::string(kind)).clone()),
                (instance_types.clone(), lists.value(rule)),
            ]));
        }
    }
    let missing = answer.missing.iter().map(|id| (id.clone(), lists.value(&Rule::Unrestricted)));
    let mut excluded: Vec<_> = missing.collect();
    excluded.extend(answer.images.iter().map(|Image { id, rule }| {
        let excluded = match rule {
            Rule::Unrestricted | Rule::Excludes(_) => lists.value(rule),
            Rule::Includes(_) | Rule::Unknown { .. } => Value::Null,
        };
        (id.clone(), excluded)
    }));
    let included = answer.images.iter().filter(|image| matches!(image.rule, Rule::Includes(_)));
    let included: Vec<_> = included.map(|Image { id, rule }| (id.clone(), lists.value(rule))).collect();
    Value::members([
        ("id", Value::string(id(answer.region.as_str(), ids))),
        ("region", Value::string(answer.region.as_str())),
        ("ids", config.get("ids").clone()),
        ("on_missing", config.get("on_missing").clone()),
        ("image_constraints", Value::list(rows)),
        ("excluded_instance_types", Value::members(excluded)),
        ("included_instance_types", Value::members(included)),
        ("missing_ids", Value::list(answer.missing.iter().map(|id| Value::string(id.clone())))),
    ])
}

/// The lists of instance types as values, each made once: images that share a rule's list share its value.
#[derive(Default)]
struct Lists(HashMap<*const [Arc<str>], Value>);

impl Lists {
    fn value(&mut self, rule: &Rule) -> Value {
        let types = rule.instance_types();
        let value = || Value::list(types.iter().map(|instance_type| Value::string(instance_type.clone())));
        self.0.entry(std::ptr::from_ref(types)).or_insert_with(value).clone()
    }
}

/// What a plan's log shows beside the data source's name: short, and the same for the same question.
fn id(region: &str, ids: Option<&BTreeSet<&str>>) -> String {
    let Some(ids) = ids else { return region.to_owned() };
    let text = ids.iter().copied().collect::<Vec<_>>().join("\n");
    let digest = digest(&SHA256, text.as_bytes());
    let short: String = digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{region}/{short}")
}

fn refuse_invalid(ids: &[Value], diagnostics: &mut Diagnostics) {
    let invalid: Vec<_> = ids
        .iter()
        .filter_map(|id| match id {
            Value::Null => Some(("null".to_owned(), "not set")),
            Value::Unknown => None,
            Value::Known(_) => id.as_str().and_then(|id| Some((names::quoted(id), names::problem(id)?))),
        })
        .collect();
    if !invalid.is_empty() {
        diagnostics.argument_error(
            "ids",
            "Invalid image ID",
            format!(
                "ids must hold image IDs, and some elements can't be one: {}. An ID that may be empty or null can be left out \
                 with compact([...]); to ask about every image of the region, leave ids out.",
                names::quoted_list(invalid)
            ),
        );
    }
}

/// What happens when images were asked about and not returned.
#[derive(Clone, Copy)]
enum OnMissing {
    Ignore,
    Warn,
    Error,
}

impl OnMissing {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "ignore" => Some(Self::Ignore),
            "warn" => Some(Self::Warn),
            "error" => Some(Self::Error),
            _ => None,
        }
    }

    fn report(self, answer: &Answer, diagnostics: &mut Diagnostics) {
        if answer.missing.is_empty() {
            return;
        }
        let summary = "Image IDs not returned";
        let detail = |remedy: &str| {
            format!(
                "JD Cloud returned no constraint in {} for {}. These are images without a constraint, such as private images, \
                 or IDs that don't exist there; the answer does not tell which. {remedy}",
                answer.region,
                listed(&answer.missing, NAMED)
            )
        };
        match self {
            Self::Ignore => {}
            Self::Warn => diagnostics.warning(
                Some("ids"),
                summary,
                detail("A rule treats them as images without a constraint. Set on_missing = \"ignore\" if that is right."),
            ),
            Self::Error => diagnostics.argument_error(
                "ids",
                summary,
                detail("Correct the ids, or set on_missing to \"warn\" or \"ignore\" to treat them as images without a constraint."),
            ),
        }
    }
}

fn warn_of_unknown_kinds(client: &Client, images: &[Image], diagnostics: &mut Diagnostics) {
    let unknown: Vec<String> = images
        .iter()
        .filter_map(|Image { id, rule }| match rule {
            Rule::Unknown { constraints_type, .. } => {
                let [id, constraints_type] = [id, constraints_type].map(|text| client.untrusted(text));
                Some(format!("{id} (\"{constraints_type}\")"))
            }
            _ => None,
        })
        .collect();
    if !unknown.is_empty() {
        diagnostics.warning(
            None,
            "Constraint of an unknown kind",
            format!(
                "JD Cloud returned constraints of a kind that this version of the provider does not know: {}. They are kept in \
                 image_constraints as they are; excluded_instance_types is null for these images, and the functions refuse to \
                 judge them. Look for a newer version of the provider.",
                listed(&unknown, NAMED)
            ),
        );
    }
}
