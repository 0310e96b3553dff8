//! Schemas: which arguments a block takes, and what Terraform and its users are told about them.

use super::{Config, Diagnostics, Type, Value};

/// The arguments of a provider block or a data source. One schema serves both protocols, so it has attributes only:
/// nested blocks read as known and empty while a read is deferred, and nested attributes are protocol 6's alone.
#[derive(Clone, Debug)]
pub struct Schema {
    /// What the block is for, in Markdown.
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
    /// Who sets it.
    pub mode: Mode,
    /// Whether Terraform hides it from its output.
    pub sensitive: bool,
    /// What it means and what a user can do about it, in Markdown.
    pub description: &'static str,
}

/// Who sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The user, always.
    Required,
    /// The user, or nobody.
    Optional,
    /// The provider alone.
    Computed,
    /// The user, or else the provider.
    OptionalComputed,
}

impl Attribute {
    /// An argument that may be left out.
    pub fn optional(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { name, ty, mode: Mode::Optional, sensitive: false, description }
    }

    /// A result.
    pub fn computed(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { mode: Mode::Computed, ..Self::optional(name, ty, description) }
    }

    /// An argument that the provider fills in where it is left out.
    pub fn optional_computed(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { mode: Mode::OptionalComputed, ..Self::optional(name, ty, description) }
    }

    /// The same attribute, hidden from Terraform's output.
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

    /// The value of a block that is not read yet: what is configured, and unknown for what the provider will set.
    pub(super) fn unread(&self, config: &Config) -> Value {
        Value::members(self.attributes.iter().map(|attribute| {
            let value = match (attribute.mode, config.get(attribute.name)) {
                (Mode::Computed, _) | (Mode::OptionalComputed, Value::Null) => Value::Unknown,
                (_, configured) => configured.clone(),
            };
            (attribute.name, value)
        }))
    }

    /// Refuses values that a configuration sets for what only the provider sets. Terraform itself lets them through.
    pub(super) fn refuse_read_only(&self, config: &Config, diagnostics: &mut Diagnostics) {
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
