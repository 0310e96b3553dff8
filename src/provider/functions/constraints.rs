//! The parameters that the functions share: the constraints of a data source, and an image ID.

use crate::framework::{FunctionError, Parameter, Type, Value};
use crate::jdcloud::{Rule, RuleError, UntrustedText};
use crate::provider::names;
use crate::provider::sentence::listed;

/// The positions of the parameters that every function has.
const CONSTRAINTS: usize = 0;
const IMAGE_ID: usize = 1;

/// The maximum number of names in a message; further ones are counted.
const LISTED: usize = 5;

pub(super) fn constraints_parameter() -> Parameter {
    let row = Type::object([
        ("image_id", Type::String),
        ("constraints_type", Type::String),
        ("instance_types", Type::list(Type::String)),
    ]);
    Parameter {
        name: "constraints",
        ty: Type::object([("ids", Type::set(Type::String)), ("image_constraints", Type::list(row))]),
        description: "The data source itself, such as `data.jdcloud_image_constraints.web`: pass the whole of it, not one \
            of its attributes; with `count` or `for_each` one of its instances, such as \
            `data.jdcloud_image_constraints.web[0]`. An object with `ids` and `image_constraints` works too.",
    }
}

pub(super) fn image_id_parameter() -> Parameter {
    Parameter {
        name: "image_id",
        ty: Type::String,
        description: "The image ID. It must be among the `ids` of the data source. If that has no `ids`, an ID that JD Cloud \
            returned no constraint for counts as an image without a constraint, even if it is misspelt.",
    }
}

/// The rule of the image in the arguments of a function.
///
/// # Errors
/// If the text is not a valid image ID, if the data source did not request that image, so that its constraint is not
/// known, or if its rows make no rule.
pub(super) fn rule(arguments: &[Value]) -> Result<(&str, Rule), FunctionError> {
    let image_id = text(arguments, IMAGE_ID)?;
    if let Some(problem) = names::problem(image_id) {
        let message = format!("{} is not a valid image ID ({problem})", names::quoted(image_id));
        return Err(FunctionError::argument(IMAGE_ID, message));
    }
    let constraints = arguments.get(CONSTRAINTS).and_then(Value::as_members);
    let attribute = |name: &str| constraints.and_then(|members| members.get(name)).unwrap_or(&Value::Null);
    if let Some(ids) = attribute("ids").as_list() {
        let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
        if !ids.contains(&image_id) {
            return Err(FunctionError::argument(IMAGE_ID, not_asked_about(image_id, &ids)));
        }
    }
    let Some(rows) = attribute("image_constraints").as_list() else {
        return Err(FunctionError::argument(
            CONSTRAINTS,
            "image_constraints is null, so nothing is known about any image. Pass the whole data source, such as \
             data.jdcloud_image_constraints.web, or data.jdcloud_image_constraints.web[0] with count",
        ));
    };
    let mut rule = None;
    for (position, row) in rows.iter().enumerate() {
        let malformed = |problem: &dyn std::fmt::Display| {
            FunctionError::argument(CONSTRAINTS, format!("image_constraints[{position}]: {problem}"))
        };
        let Some(members) = row.as_members() else { return Err(malformed(&"the element is null")) };
        let member = |name: &str| members.get(name).unwrap_or(&Value::Null);
        match member("image_id").as_str() {
            None => return Err(malformed(&"image_id is null")),
            Some(id) if id != image_id => continue,
            Some(_) => {}
        }
        let types = match member("instance_types").as_list() {
            None => None,
            Some(types) => {
                let types: Option<Vec<&str>> = types.iter().map(Value::as_str).collect();
                Some(types.ok_or_else(|| malformed(&"instance_types has a null element"))?)
            }
        };
        let row = Rule::new(member("constraints_type").as_str(), types)
            .map_err(|error| malformed(&in_hcl(error)))?;
        rule = Some(match rule {
            None => row,
            Some(rule) => Rule::agree(rule, row).map_err(|error| malformed(&in_hcl(error)))?,
        });
    }
    Ok((image_id, rule.unwrap_or(Rule::Unrestricted)))
}

/// The instance type in the argument at `position`.
///
/// # Errors
/// If it is not a valid instance type: a typing error, or an image ID.
pub(super) fn instance_type(arguments: &[Value], position: usize) -> Result<&str, FunctionError> {
    let instance_type = text(arguments, position)?;
    match wrong_instance_type(instance_type) {
        Some(problem) => Err(FunctionError::argument(position, problem)),
        None => Ok(instance_type),
    }
}

/// Why `name` is not a valid instance type, as a clause.
pub(super) fn wrong_instance_type(name: &str) -> Option<String> {
    let quoted = names::quoted(name);
    if let Some(problem) = names::problem(name) {
        Some(format!("{quoted} is not a valid instance type ({problem})"))
    } else if name.starts_with("img-") {
        Some(format!(
            "{quoted} looks like an image ID, not like an instance type. The arguments are the data source, then the \
             image ID, then the instance type"
        ))
    } else {
        None
    }
}

/// A string argument.
fn text(arguments: &[Value], position: usize) -> Result<&str, FunctionError> {
    let text = arguments.get(position).and_then(Value::as_str);
    text.ok_or_else(|| FunctionError::argument(position, "a string is required"))
}

/// The error for an image whose constraint is of an unknown kind.
pub(super) fn unknown_kind(image_id: &str, rule: &Rule) -> FunctionError {
    let kind = shown_kind(rule);
    FunctionError::argument(
        CONSTRAINTS,
        format!(
            "the constraint of image {image_id} is of the kind \"{kind}\", which this version of the provider does not \
             know, so it can't say which instance types the image supports. Look for a newer version of the provider"
        ),
    )
}

/// The kind of a rule, safe to show.
pub(super) fn shown_kind(rule: &Rule) -> UntrustedText {
    UntrustedText::without_secrets(rule.constraints_type().unwrap_or_default())
}

/// At most [`LISTED`] names and the number of the others, safe to show.
pub(super) fn shown_list<T: AsRef<str>>(names: &[T]) -> UntrustedText {
    UntrustedText::without_secrets(&listed(names, LISTED))
}

fn not_asked_about(image_id: &str, ids: &[&str]) -> String {
    format!(
        "\"{image_id}\" is not among the ids that this data source asked about ({}), so nothing is known about it. Add it \
         to ids",
        shown_list(ids)
    )
}

/// The problem of a row, with the names of its attributes in HCL.
fn in_hcl(error: RuleError) -> &'static str {
    match error {
        RuleError::NoConstraintsType => "constraints_type is null or empty",
        RuleError::NoInstanceTypes => {
            "instance_types is null, which is not valid if constraints_type is \"includes\""
        }
        RuleError::Contradiction => "it contradicts another element for the same image",
    }
}
