//! Terraform's types (cty) and their JSON form, which schemas and dynamic values contain.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::Str;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A number of any size and precision.
    Number,
    /// Unicode text.
    String,
    /// Any type; each value has its own.
    Dynamic,
    /// Values of one type, in order.
    List(Box<Type>),
    /// Values of one type, without order or duplicates.
    Set(Box<Type>),
    /// Values of one type by a string key.
    Map(Box<Type>),
    /// A fixed number of values, each of its own type.
    Tuple(Vec<Type>),
    /// A fixed set of named attributes, each of its own type.
    Object(BTreeMap<Str, Type>),
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of `element`.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes.
    pub fn object<const N: usize>(attributes: [(&str, Type); N]) -> Self {
        Self::Object(attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
    }

    /// The JSON form, for example `["list","string"]`; keys are sorted.
    pub fn to_json(&self) -> Vec<u8> {
        // Never fails: memory takes everything, and the `Serialize` implementation below returns no error of its own.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When the text is not the JSON form of a type, or is nested deeper than 128 levels.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

/// As in Terraform's own messages, for example `list of string`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Dynamic => f.write_str("dynamic"),
            Self::List(element) => write!(f, "list of {element}"),
            Self::Set(element) => write!(f, "set of {element}"),
            Self::Map(element) => write!(f, "map of {element}"),
            Self::Tuple(_) => f.write_str("tuple"),
            Self::Object(_) => f.write_str("object"),
        }
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool => serializer.serialize_str("bool"),
            Self::Number => serializer.serialize_str("number"),
            Self::String => serializer.serialize_str("string"),
            Self::Dynamic => serializer.serialize_str("dynamic"),
            Self::List(element) => ("list", element).serialize(serializer),
            Self::Set(element) => ("set", element).serialize(serializer),
            Self::Map(element) => ("map", element).serialize(serializer),
            Self::Tuple(elements) => ("tuple", elements).serialize(serializer),
            Self::Object(attributes) => ("object", attributes).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TypeVisitor)
    }
}

struct TypeVisitor;

impl<'de> Visitor<'de> for TypeVisitor {
    type Value = Type;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type in Terraform's JSON form")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Type, E> {
        match name {
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            "dynamic" => Ok(Type::Dynamic),
            other => Err(E::unknown_variant(other, &["bool", "number", "string", "dynamic"])),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Type, A::Error> {
        let kind: String = next(&mut seq)?;
        let ty = match kind.as_str() {
            "list" => Type::List(next(&mut seq)?),
            "set" => Type::Set(next(&mut seq)?),
            "map" => Type::Map(next(&mut seq)?),
            "tuple" => Type::Tuple(next(&mut seq)?),
            "object" => {
                let attributes = next(&mut seq)?;
                // The names of optional attributes matter only when a configuration is converted.
                seq.next_element::<Vec<String>>()?;
                Type::Object(attributes)
            }
            other => {
                return Err(de::Error::unknown_variant(other, &["list", "set", "map", "tuple", "object"]));
            }
        };
        match seq.next_element::<de::IgnoredAny>()? {
            None => Ok(ty),
            Some(_) => Err(de::Error::custom(format_args!("{kind} type has too many parts"))),
        }
    }
}

fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(seq: &mut A) -> Result<T, A::Error> {
    seq.next_element()?.ok_or_else(|| de::Error::custom("type is incomplete"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_json_form_that_terraform_reads() {
        let cases = [
            (Type::String, r#""string""#),
            (Type::Dynamic, r#""dynamic""#),
            (Type::list(Type::Number), r#"["list","number"]"#),
            (Type::set(Type::map(Type::Bool)), r#"["set",["map","bool"]]"#),
            (Type::Tuple(vec![Type::String, Type::Bool]), r#"["tuple",["string","bool"]]"#),
            (
                Type::object([("b", Type::Bool), ("a", Type::Number)]),
                r#"["object",{"a":"number","b":"bool"}]"#,
            ),
            (Type::Tuple(vec![]), r#"["tuple",[]]"#),
            (Type::object([]), r#"["object",{}]"#),
        ];
        for (ty, json) in cases {
            assert_eq!(ty.to_json(), json.as_bytes());
            assert_eq!(Type::from_json(json.as_bytes()).unwrap(), ty);
        }
    }

    #[test]
    fn optional_attribute_names_are_ignored() {
        let ty = Type::from_json(br#"["object",{"a":"number"},["a"]]"#).unwrap();
        assert_eq!(ty, Type::object([("a", Type::Number)]));
    }

    #[test]
    fn an_invalid_type_is_an_error_and_never_a_crash() {
        let deep = format!("{}\"string\"{}", "[\"list\",".repeat(10_000), "]".repeat(10_000));
        let cases: [&str; 10] = [
            "",
            "null",
            "\"text\"",
            "[]",
            r#"["list"]"#,
            r#"["list","string","string"]"#,
            r#"["map",1]"#,
            r#"["object",["string"]]"#,
            r#"["object",{},[],1]"#,
            &deep,
        ];
        for case in cases {
            assert!(Type::from_json(case.as_bytes()).is_err(), "{}", &case[..case.len().min(40)]);
        }
    }
}
