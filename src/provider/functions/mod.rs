//! The functions of the provider. A new function is a file here and a line in [`all`].

mod constraints;
mod explain_instance_type;
mod filter_instance_types;
mod supports_instance_type;

use crate::framework::Function;

pub(super) fn all() -> Vec<Box<dyn Function>> {
    vec![
        Box::new(supports_instance_type::SupportsInstanceType),
        Box::new(filter_instance_types::FilterInstanceTypes),
        Box::new(explain_instance_type::ExplainInstanceType),
    ]
}
