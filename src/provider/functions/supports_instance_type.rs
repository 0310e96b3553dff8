//! `supports_instance_type`: whether an image supports an instance type.

use super::constraints::{constraints_parameter, image_id_parameter, instance_type, rule, unknown_kind};
use crate::framework::{Function, FunctionError, Parameter, Signature, Type, Value};
use crate::jdcloud::Verdict;

pub(super) struct SupportsInstanceType;

impl Function for SupportsInstanceType {
    fn name(&self) -> &'static str {
        "supports_instance_type"
    }

    fn signature(&self) -> Signature {
        Signature {
            summary: "Tells whether an image supports an instance type",
            description: "Returns `true` if the image supports the instance type according to JD Cloud's constraints, and \
                `false` if a constraint of the image excludes it. Whether the instance type exists is not checked. An image \
                that is not among the data source's `ids` is an error.",
            parameters: vec![
                constraints_parameter(),
                image_id_parameter(),
                Parameter {
                    name: "instance_type",
                    ty: Type::String,
                    description: "The instance type, such as `g.n4.large`. Upper and lower case differ.",
                },
            ],
            result: Type::Bool,
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        // First, since it recognizes swapped arguments.
        let instance_type = instance_type(arguments, 2)?;
        let (image_id, rule) = rule(arguments)?;
        match rule.verdict(instance_type) {
            Verdict::Supported => Ok(true.into()),
            Verdict::Excluded | Verdict::NotIncluded => Ok(false.into()),
            Verdict::Unknown => Err(unknown_kind(image_id, &rule)),
        }
    }
}
