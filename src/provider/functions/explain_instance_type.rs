//! `explain_instance_type`: the answer as a sentence, for an `error_message`.

use super::constraints::{LISTED, constraints_parameter, image_id_parameter, rule, text};
use crate::framework::{Function, FunctionError, Parameter, Signature, Type, Value};
use crate::jdcloud::{Rule, Verdict};
use crate::provider::sentence::{counted, listed};

pub(super) struct ExplainInstanceType;

impl Function for ExplainInstanceType {
    fn name(&self) -> &'static str {
        "explain_instance_type"
    }

    fn signature(&self) -> Signature {
        Signature {
            summary: "Says in a sentence whether an image supports an instance type, and why",
            description: "Returns one sentence that names the image, the instance type, and the rule that decides. Made for \
                the `error_message` of a precondition or a validation. A constraint of a kind that the provider does not \
                know is said in the sentence. It is an error to ask about an image that the data source did not ask about.",
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
        let (image_id, rule) = rule(arguments)?;
        let sentence = sentence(image_id, &rule, text(arguments, 2)?);
        Ok(Value::string(sentence))
    }
}

fn sentence(image: &str, rule: &Rule, instance_type: &str) -> String {
    let types = rule.instance_types();
    match (rule, rule.verdict(instance_type)) {
        (_, Verdict::Excluded) => format!(
            "Image {image} does not support instance type {instance_type}: JD Cloud excludes it for this image, with {} in \
             all ({}).",
            counted(types.len(), "type"),
            listed(types, LISTED)
        ),
        (_, Verdict::NotIncluded) if types.is_empty() => format!(
            "Image {image} does not support instance type {instance_type}: JD Cloud includes no instance type at all for \
             this image."
        ),
        (_, Verdict::NotIncluded) => format!(
            "Image {image} does not support instance type {instance_type}: JD Cloud includes only {} for this image ({}).",
            counted(types.len(), "type"),
            listed(types, LISTED)
        ),
        (_, Verdict::Unknown) => format!(
            "Nobody can tell whether image {image} supports instance type {instance_type}: its constraint is of the kind \
             \"{}\", which this version of the provider does not know.",
            rule.constraints_type().unwrap_or_default()
        ),
        (Rule::Includes(_), Verdict::Supported) => {
            format!(
                "Image {image} supports instance type {instance_type}: it is among the {} that JD Cloud includes for this image.",
                counted(types.len(), "type")
            )
        }
        (_, Verdict::Supported) if types.is_empty() => {
            format!(
                "Image {image} supports instance type {instance_type}: JD Cloud has no constraint for this image."
            )
        }
        (_, Verdict::Supported) => format!(
            "Image {image} supports instance type {instance_type}: it is not among the {} that JD Cloud excludes for this \
             image.",
            counted(types.len(), "type")
        ),
    }
}
