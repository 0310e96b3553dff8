//! `filter_instance_types`: the supported instance types of a list.

use super::constraints::{
    constraints_parameter, image_id_parameter, rule, unknown_kind, wrong_instance_type,
};
use crate::framework::{Function, FunctionError, Parameter, Signature, Type, Value};
use crate::jdcloud::Verdict;

/// The position of the list.
const INSTANCE_TYPES: usize = 2;

pub(super) struct FilterInstanceTypes;

impl Function for FilterInstanceTypes {
    fn name(&self) -> &'static str {
        "filter_instance_types"
    }

    fn signature(&self) -> Signature {
        Signature {
            summary: "Keeps the instance types that an image supports",
            description: "Returns those of the given instance types that the image supports, in the order given, so that \
                the first element is the most preferred one that works. The result can be empty. An image that is not \
                among the data source's `ids` is an error.",
            parameters: vec![
                constraints_parameter(),
                image_id_parameter(),
                Parameter {
                    name: "instance_types",
                    ty: Type::list(Type::String),
                    description: "The instance types to choose from, the most preferred first.",
                },
            ],
            result: Type::list(Type::String),
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let (image_id, rule) = rule(arguments)?;
        let candidates = arguments.get(INSTANCE_TYPES).and_then(Value::as_list).unwrap_or_default();
        let mut supported = Vec::new();
        for (position, candidate) in candidates.iter().enumerate() {
            let Some(instance_type) = candidate.as_str() else {
                return Err(FunctionError::argument(INSTANCE_TYPES, format!("element {position} is null")));
            };
            if let Some(problem) = wrong_instance_type(instance_type) {
                return Err(FunctionError::argument(
                    INSTANCE_TYPES,
                    format!("element {position}: {problem}"),
                ));
            }
            match rule.verdict(instance_type) {
                Verdict::Supported => supported.push(candidate.clone()),
                Verdict::Excluded | Verdict::NotIncluded => {}
                Verdict::Unknown => return Err(unknown_kind(image_id, &rule)),
            }
        }
        Ok(Value::list(supported))
    }
}
