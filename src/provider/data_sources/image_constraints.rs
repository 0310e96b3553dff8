//! `jdcloud_image_constraints`: which instance types images exclude or include.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use hashbrown::HashMap;
use tokio::time::Instant;

use super::arguments;

use crate::framework::{Attribute, Config, DataSource, Diagnostics, ReadError, Schema, Str, Type, Value};
use crate::jdcloud::images::{self, Image};
use crate::jdcloud::{self, Answer, Client, Error, Failure, ImageSelection, Rule};
use crate::provider::diagnostics::{report, report_notice, ticket};
use crate::provider::names;
use crate::provider::sentence::listed;

/// The maximum number of ids in a message; further ones are counted.
const NAMED: usize = 20;

pub(super) struct ImageConstraints;

#[async_trait]
impl DataSource<Client> for ImageConstraints {
    fn type_name(&self) -> &'static str {
        "jdcloud_image_constraints"
    }

    fn schema(&self) -> Schema {
        Schema {
            description: "Reads which instance types images exclude (or include), so that a precondition, a check or the \
                validation of a variable can reject an unsupported combination of image and instance type in \
                `terraform plan`. According to JD Cloud's documentation, only public and third-party images have constraints.",
            attributes: vec![
                Attribute::computed(
                    "id",
                    Type::String,
                    "The region, followed by a short hash of `ids` if they are set.",
                ),
                arguments::region(),
                Attribute::optional(
                    "ids",
                    Type::set(Type::String),
                    "IDs of the images to read, which is recommended. Without it: every image of the region that JD Cloud \
                     returns a constraint for; JD Cloud does not document that this is every constrained image. An empty \
                     set reads nothing, and makes no request.",
                ),
                Attribute::optional(
                    "on_missing",
                    Type::String,
                    "What to do when JD Cloud returns nothing for some of the `ids`: `\"ignore\"` (the default), `\"warn\"`, \
                     `\"error\"` or `\"verify\"`, which is recommended. Private images are always among them. \
                     `\"verify\"` looks them up with JD Cloud's `describeImages`, and rejects those that don't exist, that \
                     are not visible to this account, or that are delisted; private, shared and community images pass. It \
                     makes a request only if something is missing.",
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
                    "The instance types that each image excludes, by image ID. Every requested or returned image has a key: \
                     `[]` means that it has no constraint, and `null` that a list of exclusions can't describe it (see \
                     `included_instance_types`), so that a rule written for exclusions fails instead of passing.",
                ),
                Attribute::computed(
                    "included_instance_types",
                    Type::map(Type::list(Type::String)),
                    "The only instance types that an image supports, by image ID; only images whose constraint is of the \
                     type `\"includes\"` have a key.",
                ),
                Attribute::computed(
                    "missing_ids",
                    Type::list(Type::String),
                    "The `ids` for which JD Cloud returned nothing, sorted: images without a constraint, such as private \
                     images, or IDs that don't exist. The response does not distinguish them.",
                ),
            ],
        }
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        arguments::validate_region(config, diagnostics);
        arguments::validate_ids(config, "to read every image of the region, omit ids", diagnostics);
        if let Value::Known(on_missing) = config.string("on_missing")
            && OnMissing::parse(on_missing).is_none()
        {
            diagnostics.argument_error(
                "on_missing",
                "Invalid on_missing",
                format!(
                    "on_missing must be \"ignore\", \"warn\", \"error\" or \"verify\", not {}.",
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
        let started = Instant::now();
        let ids = arguments::strings(config, "ids");
        let selection = ids.clone().map_or(ImageSelection::All, ImageSelection::Named);
        let answer = client.image_constraints(config.string("region").known(), selection).await;
        let answer = answer.map_err(|error| report(&error, diagnostics))?;
        for notice in &answer.notices {
            report_notice(*notice, diagnostics);
        }
        let on_missing =
            config.string("on_missing").known().and_then(OnMissing::parse).unwrap_or(OnMissing::Ignore);
        if ids.is_none() && !matches!(on_missing, OnMissing::Ignore) {
            diagnostics.warning(
                Some("on_missing"),
                "Unused on_missing",
                "on_missing has no effect, because ids is not set: no image can be missing from a list of the whole region. \
                 Set ids, or remove on_missing.",
            );
        }
        on_missing.report(&answer, diagnostics);
        if let OnMissing::Verify = on_missing {
            verify(client, &answer, started, diagnostics).await?;
        }
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
fn state(config: &Config, answer: &Answer, ids: Option<&BTreeSet<Str>>) -> Value {
    let mut lists = Lists::default();
    let mut kinds = HashMap::new();
    let [image_id, constraints_type, instance_types] =
        ["image_id", "constraints_type", "instance_types"].map(Str::from);
    let mut rows = Vec::with_capacity(answer.images.len());
    for jdcloud::Image { id, rule } in &answer.images {
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
    excluded.extend(answer.images.iter().map(|jdcloud::Image { id, rule }| {
        let excluded = match rule {
            Rule::Unrestricted | Rule::Excludes(_) => lists.value(rule),
            Rule::Includes(_) | Rule::Unknown { .. } => Value::Null,
        };
        (id.clone(), excluded)
    }));
    let included = answer.images.iter().filter(|image| matches!(image.rule, Rule::Includes(_)));
    let included: Vec<_> =
        included.map(|jdcloud::Image { id, rule }| (id.clone(), lists.value(rule))).collect();
    Value::members([
        ("id", arguments::id(answer.region.as_str(), ids.map(|ids| ids.iter().map(|id| &**id)))),
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

/// What to do about requested images that were not returned.
#[derive(Clone, Copy)]
enum OnMissing {
    Ignore,
    Warn,
    Error,
    /// Look the images up with `describeImages`.
    Verify,
}

impl OnMissing {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "ignore" => Some(Self::Ignore),
            "warn" => Some(Self::Warn),
            "error" => Some(Self::Error),
            "verify" => Some(Self::Verify),
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
                 or IDs that don't exist there; the response does not distinguish them. {remedy}",
                answer.region,
                listed(&answer.missing, NAMED)
            )
        };
        match self {
            Self::Ignore | Self::Verify => {}
            Self::Warn => diagnostics.warning(
                Some("ids"),
                summary,
                detail("Rules treat them as images without a constraint. Set on_missing to \"verify\" to check whether they exist, or to \"ignore\" if this is expected."),
            ),
            Self::Error => diagnostics.argument_error(
                "ids",
                summary,
                detail("Correct the ids, or set on_missing to \"verify\" to reject only those that don't exist or are delisted."),
            ),
        }
    }
}

/// Rejects images without a constraint from which no server can be created.
async fn verify(
    client: &Client,
    answer: &Answer,
    started: Instant,
    diagnostics: &mut Diagnostics,
) -> Result<(), ReadError> {
    let query = images::Query::Ids(answer.missing.iter().cloned().collect());
    let listed = client.images(Some(answer.region.as_str()), &query, started).await;
    let listed = listed.map_err(|error| report_unverified(&error, diagnostics))?;
    for notice in &listed.notices {
        report_notice(*notice, diagnostics);
    }
    let found: HashMap<&str, &Image> = listed.rows.iter().map(|image| (&*image.id, &**image)).collect();
    let unusable: Vec<String> = answer
        .missing
        .iter()
        .filter_map(|id| match found.get(&**id) {
            None => Some(format!("  - {id}: does not exist, or is not visible to this account")),
            Some(image) if image.offline == Some(true) => {
                Some(format!("  - {id}: is delisted (offline), so no new server can be created from it"))
            }
            Some(_) => None,
        })
        .collect();
    if !unusable.is_empty() {
        let more = match unusable.len().checked_sub(NAMED) {
            Some(more @ 1..) => format!("\n  - and {more} more"),
            _ => String::new(),
        };
        diagnostics.argument_error(
            "ids",
            "Images that can't be used",
            format!(
                "No server can be created from these images in {}:\n{}{more}\n\nCorrect misspelt ids, check the region and the \
                 account, and choose another image instead of a delisted one. To change or destroy servers that were created \
                 from these images, set on_missing to \"ignore\".",
                answer.region,
                unusable[..unusable.len().min(NAMED)].join("\n")
            ),
        );
        return Err(ReadError::Failed);
    }
    Ok(())
}

/// Reports that images could not be verified.
fn report_unverified(error: &Error, diagnostics: &mut Diagnostics) -> ReadError {
    let Error::Call(call) = error else { return report(error, diagnostics) };
    if call.failure != Failure::PermissionDenied {
        return report(error, diagnostics);
    }
    diagnostics.argument_error(
        "on_missing",
        "JD Cloud denies the permission",
        format!(
            "on_missing = \"verify\" looks up images without a constraint, but the user of this access key is not allowed to \
             call {}. Attach a policy that allows it to the user in JD Cloud's IAM, or set on_missing to \"ignore\", \"warn\" \
             or \"error\".\n\n{}",
            call.context.operation,
            ticket(call)
        ),
    );
    ReadError::Failed
}

fn warn_of_unknown_kinds(client: &Client, images: &[jdcloud::Image], diagnostics: &mut Diagnostics) {
    let unknown: Vec<String> = images
        .iter()
        .filter_map(|jdcloud::Image { id, rule }| match rule {
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
                "JD Cloud returned constraints of a kind that this version of the provider does not know: {}. They are in \
                 image_constraints as they were returned; excluded_instance_types is null for these images, and functions \
                 that need their meaning fail. Look for a newer version of the provider.",
                listed(&unknown, NAMED)
            ),
        );
    }
}
