//! Schemas: the arguments and results of a block, with their types and descriptions.

use super::{Config, Diagnostics, Type, Value};

/// The schema of a provider block or data source, for both protocols. It has attributes only: nested blocks are known
/// and empty while a read is deferred, and nested attributes exist in protocol 6 only.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The purpose of the block, in Markdown.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// One argument or result of a block.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name in HCL.
    pub name: &'static str,
    /// The type of its value.
    pub ty: Type,
    /// Whether the user sets it, the provider, or either.
    pub mode: Mode,
    /// Whether Terraform hides its value in output.
    pub sensitive: bool,
    /// Its meaning, in Markdown.
    pub description: &'static str,
}

/// Who sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The user, always.
    Required,
    /// The user, or it is null.
    Optional,
    /// The provider only.
    Computed,
    /// The user, otherwise the provider.
    OptionalComputed,
}

impl Attribute {
    /// An optional argument.
    pub fn optional(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { name, ty, mode: Mode::Optional, sensitive: false, description }
    }

    /// A result, which only the provider sets.
    pub fn computed(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { mode: Mode::Computed, ..Self::optional(name, ty, description) }
    }

    /// An optional argument that the provider sets when it is omitted.
    pub fn optional_computed(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { mode: Mode::OptionalComputed, ..Self::optional(name, ty, description) }
    }

    /// The same attribute, with its value hidden in output.
    #[must_use]
    pub fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }
}

impl Schema {
    /// The type of the block's value: an object with every attribute.
    pub fn ty(&self) -> Type {
        Type::Object(
            self.attributes.iter().map(|attribute| (attribute.name.into(), attribute.ty.clone())).collect(),
        )
    }

    /// The value of a block that has not been read: arguments as configured, results unknown.
    pub(super) fn unread(&self, config: &Config) -> Value {
        Value::members(self.attributes.iter().map(|attribute| {
            let value = match (attribute.mode, config.get(attribute.name)) {
                (Mode::Computed, _) | (Mode::OptionalComputed, Value::Null) => Value::Unknown,
                (_, configured) => configured.clone(),
            };
            (attribute.name, value)
        }))
    }

    /// Rejects a configuration that sets read-only attributes. Terraform does not do it for data sources.
    pub(super) fn reject_read_only(&self, config: &Config, diagnostics: &mut Diagnostics) {
        let read_only = self.attributes.iter().filter(|attribute| attribute.mode == Mode::Computed);
        for Attribute { name, .. } in read_only.filter(|attribute| *config.get(attribute.name) != Value::Null)
        {
            diagnostics.argument_error(
                name,
                "Read-only attribute",
                format!("\"{name}\" is set by the provider and can't be set here. Remove it from the configuration."),
            );
        }
    }
}
