//! `explain_instance_type`: a sentence for an `error_message`.

use super::constraints::{
    constraints_parameter, image_id_parameter, instance_type, rule, shown_kind, shown_list,
};
use crate::framework::{Function, FunctionError, Parameter, Signature, Type, Value};
use crate::jdcloud::{Rule, Verdict};

pub(super) struct ExplainInstanceType;

impl Function for ExplainInstanceType {
    fn name(&self) -> &'static str {
        "explain_instance_type"
    }

    fn signature(&self) -> Signature {
        Signature {
            summary: "Explains in a sentence whether an image supports an instance type, and why",
            description: "Returns one sentence that names the image, the instance type, and the constraint that decides. Made \
                for the `error_message` of a precondition or a validation. If the constraint is of an unknown kind, the \
                sentence states that. An image that is not among the data source's `ids` is an error.",
            parameters: vec![
                constraints_parameter(),
                image_id_parameter(),
                Parameter {
                    name: "instance_type",
                    ty: Type::String,
                    description: "The instance type, such as `g.n4.large`.",
                },
            ],
            result: Type::String,
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        // First, since it recognizes swapped arguments.
        let instance_type = instance_type(arguments, 2)?;
        let (image_id, rule) = rule(arguments)?;
        Ok(Value::string(sentence(image_id, &rule, instance_type)))
    }
}

fn sentence(image: &str, rule: &Rule, instance_type: &str) -> String {
    let types = rule.instance_types();
    let (count, list) = (types.len(), shown_list(types));
    let (supports, why) = match (rule, rule.verdict(instance_type)) {
        (_, Verdict::Excluded) if count == 1 => {
            ("does not support", "it is the only instance type that this image excludes".to_owned())
        }
        (_, Verdict::Excluded) => (
            "does not support",
            format!("it is one of the {count} instance types that this image excludes ({list})"),
        ),
        (_, Verdict::NotIncluded) => (
            "does not support",
            match count {
                0 => "this image supports no instance type at all".to_owned(),
                1 => format!("this image supports only {list}"),
                _ => format!("it is not one of the {count} instance types that this image supports ({list})"),
            },
        ),
        (_, Verdict::Unknown) => {
            return format!(
                "The provider cannot tell whether image {image} supports instance type {instance_type}: its constraint is \
                 of the kind \"{}\", which this version of the provider does not know.",
                shown_kind(rule)
            );
        }
        (Rule::Includes(_), Verdict::Supported) if count == 1 => {
            ("supports", "it is the only instance type that this image supports".to_owned())
        }
        (Rule::Includes(_), Verdict::Supported) => {
            ("supports", format!("it is one of the {count} instance types that this image supports"))
        }
        (_, Verdict::Supported) => (
            "supports",
            match count {
                0 => "JD Cloud has no constraint for this image".to_owned(),
                1 => format!("this image excludes only {list}"),
                _ => format!("it is not one of the {count} instance types that this image excludes"),
            },
        ),
    };
    format!("Image {image} {supports} instance type {instance_type}: {why}.")
}
