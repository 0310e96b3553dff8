//! Decodes the JSON form of values, which a host may send in place of msgpack. The type directs the decoding, as in
//! [`super::msgpack`]. JSON has no unknown values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::value::without_duplicates;
use super::value_error::MAX_DEPTH;
use super::{Data, Number, Problem, Step, Str, Type, Value, ValueError};

/// Decodes a value of type `ty`.
///
/// # Errors
/// When the text is not valid JSON, or the value has another type. Objects must have exactly the attributes of their
/// type.
pub fn decode(ty: &Type, json: &[u8]) -> Result<Value, ValueError> {
    read(ty, parse(std::str::from_utf8(json).map_err(|_| Problem::Utf8)?)?, 0)
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ValueError> {
    serde_json::from_str(json).map_err(|error| Problem::Json(error.to_string()).into())
}

// `RawValue` keeps the digits of numbers. Each level is parsed again, which is acceptable: hosts rarely send JSON.
fn read(ty: &Type, raw: &RawValue, depth: usize) -> Result<Value, ValueError> {
    if depth > MAX_DEPTH {
        return Err(Problem::TooDeep.into());
    }
    let text = raw.get();
    if text == "null" {
        return Ok(Value::Null);
    }
    let required = || ValueError::from(Problem::Required(ty.clone()));
    let data = match ty {
        Type::Bool => Data::Bool(serde_json::from_str(text).map_err(|_| required())?),
        Type::Number => {
            let digits =
                if text.starts_with('"') { parse::<Cow<'_, str>>(text)? } else { Cow::Borrowed(text) };
            Data::Number(Number::parse(&digits).map_err(Problem::from)?)
        }
        Type::String => {
            Data::String(serde_json::from_str::<Cow<'_, str>>(text).map_err(|_| required())?.into())
        }
        Type::List(element) | Type::Set(element) => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| required())?;
            let elements = elements.into_iter().enumerate();
            let elements: Vec<Value> = elements
                .map(|(index, raw)| {
                    read(element, raw, depth + 1).map_err(|error| error.within(Step::index(index)))
                })
                .collect::<Result<_, _>>()?;
            Data::List(
                if matches!(ty, Type::Set(_)) { without_duplicates(elements) } else { elements }.into(),
            )
        }
        Type::Tuple(types) => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| required())?;
            if elements.len() != types.len() {
                return Err(Problem::TupleLength { expected: types.len(), found: elements.len() }.into());
            }
            let elements = types.iter().zip(elements.iter()).enumerate();
            let elements = elements.map(|(index, (ty, raw))| {
                read(ty, raw, depth + 1).map_err(|error| error.within(Step::index(index)))
            });
            Data::List(elements.collect::<Result<_, _>>()?)
        }
        Type::Map(element) => {
            let members = members_of(text)?.ok_or_else(required)?.into_iter().map(|(key, raw)| {
                let value =
                    read(element, raw, depth + 1).map_err(|error| error.within(Step::Key(key.clone())))?;
                Ok((Str::from(key), value))
            });
            Data::Map(members.collect::<Result<_, ValueError>>()?)
        }
        Type::Object(attributes) => {
            let found = members_of(text)?.ok_or_else(required)?;
            if let Some(name) = found.keys().find(|name| !attributes.contains_key(&***name)) {
                return Err(Problem::Unexpected(name.clone()).into());
            }
            let members = attributes.iter().map(|(name, ty)| {
                let raw = found.get(&**name).ok_or_else(|| Problem::Missing(name.to_string()))?;
                let value = read(ty, raw, depth + 1)
                    .map_err(|error| error.within(Step::Attribute(name.to_string())))?;
                Ok((name.clone(), value))
            });
            Data::Map(members.collect::<Result<_, ValueError>>()?)
        }
        Type::Dynamic => {
            let typed: Typed<'_> =
                serde_json::from_str(text).map_err(|error| Problem::Type(error.to_string()))?;
            let value = read(&typed.ty, typed.value, depth + 1)?;
            Data::Dynamic(Box::new(typed.ty), Box::new(value))
        }
    };
    Ok(Value::Known(data))
}

/// A dynamic value.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type")]
    ty: Type,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The members of the object `text`, or `None` if it is none.
fn members_of(text: &str) -> Result<Option<BTreeMap<String, &RawValue>>, ValueError> {
    let Ok(Pairs(pairs)) = serde_json::from_str(text) else { return Ok(None) };
    let mut members = BTreeMap::new();
    for (key, value) in pairs {
        match members.entry(key) {
            Entry::Occupied(entry) => return Err(Problem::Duplicate(entry.key().clone()).into()),
            Entry::Vacant(entry) => drop(entry.insert(value)),
        }
    }
    Ok(Some(members))
}

/// The members of an object, duplicate keys included, of which a map would keep the last.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_from_terraforms_json() {
        let number = |text: &str| Value::Known(Data::Number(Number::parse(text).unwrap()));
        let object = Type::object([("a", Type::Number), ("b", Type::list(Type::String))]);
        let strings = |texts: [&str; 2]| Value::list(texts.map(Value::string));
        let dynamic = |ty: Type, value| Value::Known(Data::Dynamic(Box::new(ty), Box::new(value)));
        let cases = [
            (Type::Bool, "true", true.into()),
            (Type::Number, "99999999999999999999999999", number("99999999999999999999999999")),
            (Type::Number, "0.1", number("0.1")),
            (Type::Number, r#""12.50""#, number("12.5")),
            (Type::Number, r#""-Inf""#, number("-Inf")),
            (Type::String, r#""a \"quote\" 中""#, Value::string("a \"quote\" 中")),
            (
                Type::map(Type::Number),
                r#"{"x":1,"y":null}"#,
                Value::members([("x", 1.into()), ("y", Value::Null)]),
            ),
            (Type::set(Type::String), r#"["a","a"]"#, Value::list([Value::string("a")])),
            (
                Type::Tuple(vec![Type::Bool, Type::String]),
                r#"[false,"x"]"#,
                Value::list([false.into(), Value::string("x")]),
            ),
            (
                object,
                r#"{"b":["x","y"],"a":1}"#,
                Value::members([("a", 1.into()), ("b", strings(["x", "y"]))]),
            ),
            (
                Type::Dynamic,
                r#"{"value":["x","y"],"type":["list","string"]}"#,
                dynamic(Type::list(Type::String), strings(["x", "y"])),
            ),
            (Type::Dynamic, "null", Value::Null),
        ];
        for (ty, json, value) in cases {
            assert_eq!(decode(&ty, json.as_bytes()), Ok(value), "{json}");
        }
    }

    #[test]
    fn errors_have_the_path_of_the_value_with_the_wrong_type() {
        let ty = Type::object([("rows", Type::list(Type::object([("id", Type::String)])))]);
        let cases = [
            (r#"{"rows":[{"id":"x"},{"id":1}]}"#, "rows[1].id: string is required"),
            (r#"{"rows":[{}]}"#, r#"rows[0]: attribute "id" is missing"#),
            (r#"{"rows":[],"more":1}"#, r#"attribute "more" is not expected"#),
            (r#"{"rows":[{"id":"x"}],"rows":[]}"#, r#"duplicate key "rows""#),
            (r#"[]"#, "object is required"),
        ];
        for (json, message) in cases {
            assert_eq!(decode(&ty, json.as_bytes()).unwrap_err().to_string(), message);
        }
        for json in ["", "{", "nul", "\u{feff}1", "1 2"] {
            assert!(decode(&Type::Number, json.as_bytes()).is_err(), "{json}");
        }
    }
}
