//! Schemas as messages of each protocol.

use super::proto::{v5, v6};
use crate::framework::{Attribute, Mode, Schema};

macro_rules! conversion {
    ($name:ident, $wire:ident) => {
        /// The schema as a message of this protocol.
        pub(super) fn $name(schema: &Schema) -> $wire::Schema {
            let attributes = schema.attributes.iter().map(|attribute| {
                let Attribute { name, ty, mode, sensitive, description } = attribute;
                // Only protocol 6 has a further field: nested types, which are not used.
                #[allow(clippy::needless_update)]
                $wire::schema::Attribute {
                    name: (*name).to_owned(),
                    r#type: ty.to_json().into(),
                    description: (*description).to_owned(),
                    description_kind: v6::StringKind::Markdown.into(),
                    required: *mode == Mode::Required,
                    optional: matches!(mode, Mode::Optional | Mode::OptionalComputed),
                    computed: matches!(mode, Mode::Computed | Mode::OptionalComputed),
                    sensitive: *sensitive,
                    ..Default::default()
                }
            });
            let block = $wire::schema::Block {
                attributes: attributes.collect(),
                description: schema.description.to_owned(),
                description_kind: v6::StringKind::Markdown.into(),
                ..Default::default()
            };
            $wire::Schema { version: 0, block: Some(block) }
        }
    };
}

conversion!(to_v5, v5);
conversion!(to_v6, v6);
