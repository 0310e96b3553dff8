//! The arguments of a block, read by name.

use super::{Data, Members, Mode, Number, Schema, Value};

/// The arguments of one block: those of its schema, each known, null or unknown.
///
/// The codec has checked them against the schema. Reading an argument by a wrong name or as a wrong type is a bug in the
/// provider: builds with debug assertions (those of the tests) panic; a release reads null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config(Members);

impl Config {
    /// The arguments of a decoded block; `None` for a null block. The arguments of an unknown block are unknown, so that
    /// none is mistaken for an omitted one.
    pub(super) fn new(schema: &Schema, block: Value) -> Option<Self> {
        match block {
            Value::Known(Data::Map(members)) => Some(Self(members)),
            Value::Unknown => {
                let attributes = schema.attributes.iter().map(|attribute| {
                    let value = if attribute.mode == Mode::Computed { Value::Null } else { Value::Unknown };
                    (attribute.name.into(), value)
                });
                Some(Self(attributes.collect()))
            }
            _ => None,
        }
    }

    /// An argument.
    pub fn get(&self, name: &str) -> &Value {
        let value = self.0.get(name);
        debug_assert!(value.is_some(), "the schema has no argument {name:?}");
        value.unwrap_or(&Value::Null)
    }

    /// A string argument.
    pub fn string(&self, name: &str) -> Value<&str> {
        self.typed(name, |data| if let Data::String(text) = data { Some(&**text) } else { None })
    }

    /// A bool argument.
    pub fn bool(&self, name: &str) -> Value<bool> {
        self.typed(name, |data| if let Data::Bool(value) = data { Some(*value) } else { None })
    }

    /// A number argument.
    pub fn number(&self, name: &str) -> Value<&Number> {
        self.typed(name, |data| if let Data::Number(number) = data { Some(number) } else { None })
    }

    /// An argument that is a list or a set.
    pub fn elements(&self, name: &str) -> Value<&[Value]> {
        self.typed(name, |data| if let Data::List(elements) = data { Some(&**elements) } else { None })
    }

    /// The names of the arguments that are unknown, or have unknown parts.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| !value.is_wholly_known()).map(|(name, _)| &**name)
    }

    fn typed<'a, T>(&'a self, name: &str, read: impl FnOnce(&'a Data) -> Option<T>) -> Value<T> {
        match self.get(name) {
            Value::Null => Value::Null,
            Value::Unknown => Value::Unknown,
            Value::Known(data) => {
                let value = read(data);
                debug_assert!(value.is_some(), "the schema has another type for argument {name:?}");
                value.map_or(Value::Null, Value::Known)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::{Attribute, Type};

    fn config(block: Value) -> Option<Config> {
        let attributes = vec![
            Attribute::optional("region", Type::String, "Where."),
            Attribute::computed("id", Type::String, "Which."),
        ];
        Config::new(&Schema { description: "", attributes }, block)
    }

    fn known() -> Config {
        config(Value::members([("region", Value::string("r")), ("id", Value::Null)])).unwrap()
    }

    #[test]
    fn an_unknown_block_has_unknown_arguments_and_a_null_one_has_none() {
        let unknown = config(Value::Unknown).unwrap();
        assert_eq!(unknown.string("region"), Value::Unknown);
        assert_eq!(unknown.string("id"), Value::Null, "the provider sets it");
        assert_eq!(unknown.unknown().collect::<Vec<_>>(), ["region"]);
        assert_eq!(known().string("region"), Value::Known("r"));
        assert_eq!(known().unknown().count(), 0);
        assert_eq!(config(Value::Null), None);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "no argument \"regoin\"")]
    fn a_misspelt_argument_is_found_by_the_first_test_that_reads_it() {
        let _ = known().string("regoin");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "another type for argument \"region\"")]
    fn an_argument_read_as_another_type_is_found_too() {
        let _ = known().bool("region");
    }
}
