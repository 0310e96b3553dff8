//! The types to decode: that of the provider's schema, and one of every kind.

use std::sync::OnceLock;

use terraform_provider_jdcloud::framework::Type;

/// The type that the first byte of an input chooses, and the rest of the input.
pub fn choose(input: &[u8]) -> Option<(&'static Type, &[u8])> {
    static TYPES: OnceLock<Vec<Type>> = OnceLock::new();
    let types = TYPES.get_or_init(|| {
        let row = Type::object([
            ("image_id", Type::String),
            ("constraints_type", Type::String),
            ("instance_types", Type::list(Type::String)),
        ]);
        vec![
            Type::Dynamic,
            Type::object([
                ("ids", Type::set(Type::String)),
                ("image_constraints", Type::list(row)),
                ("excluded_instance_types", Type::map(Type::list(Type::String))),
                ("max_retries", Type::Number),
                ("read_ahead", Type::Bool),
            ]),
            Type::Number,
            Type::String,
            Type::Bool,
            Type::list(Type::Dynamic),
            Type::set(Type::set(Type::Number)),
            Type::map(Type::Dynamic),
            Type::Tuple(vec![Type::Bool, Type::Number, Type::Dynamic]),
            Type::set(Type::Dynamic),
        ]
    });
    let (first, rest) = input.split_first()?;
    Some((&types[usize::from(*first) % types.len()], rest))
}
