//! The JSON form of values: what a host may send where it has no msgpack, and what tools print.
//!
//! Directed by the type like [`super::msgpack`]. JSON has no unknown values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::value::without_duplicates;
use super::value_error::MAX_DEPTH;
use super::{Data, Members, Number, Problem, Step, Str, Type, Value, ValueError};

/// Reads the value of type `ty` that the text `json` holds.
///
/// # Errors
/// When the text is not JSON, or a value of another type. Objects must have exactly the attributes of their type.
pub fn decode(ty: &Type, json: &[u8]) -> Result<Value, ValueError> {
    read(ty, parse(std::str::from_utf8(json).map_err(|_| Problem::Utf8)?)?, 0)
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ValueError> {
    serde_json::from_str(json).map_err(|error| Problem::Json(error.to_string()).into())
}

// Raw parts keep numbers as they were written; each level is scanned again, which is fine for how rarely this is used.
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
            let members = members_of(text).ok_or_else(required)?.into_iter().map(|(key, raw)| {
                let value = read(element, raw, depth + 1)
                    .map_err(|error| error.within(Step::Key(key.to_string())))?;
                Ok((Str::from(key), value))
            });
            Data::Map(members.collect::<Result<_, ValueError>>()?)
        }
        Type::Object(attributes) => {
            let found = members_of(text).ok_or_else(required)?;
            if let Some(name) = found.keys().find(|name| !attributes.contains_key(&***name)) {
                return Err(Problem::Unexpected(name.to_string()).into());
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

/// A value of an open type.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type")]
    ty: Type,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn members_of(text: &str) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_str(text).ok()
}

/// Writes `value` as JSON.
///
/// # Errors
/// When the value is not of type `ty`, or something in it is unknown.
pub fn encode(ty: &Type, value: &Value) -> Result<String, ValueError> {
    let mut json = String::new();
    write(ty, value, &mut json)?;
    Ok(json)
}

fn write(ty: &Type, value: &Value, json: &mut String) -> Result<(), ValueError> {
    let data = match value {
        Value::Null => {
            json.push_str("null");
            return Ok(());
        }
        Value::Unknown(_) => return Err(Problem::UnknownInJson.into()),
        Value::Known(data) => data,
    };
    match (ty, data) {
        (Type::Bool, Data::Bool(value)) => json.push_str(if *value { "true" } else { "false" }),
        // JSON has no infinite numbers, and numbers are read from strings too.
        (Type::Number, Data::Number(number)) if number.is_infinite() => {
            write_text(&number.to_string(), json)?;
        }
        (Type::Number, Data::Number(number)) => json.push_str(&number.to_string()),
        (Type::String, Data::String(text)) => write_text(text, json)?,
        (Type::List(element) | Type::Set(element), Data::List(elements)) => {
            write_list(elements.iter().map(|value| (&**element, value)), json)?;
        }
        (Type::Tuple(types), Data::List(elements)) => {
            if types.len() != elements.len() {
                return Err(Problem::TupleLength { expected: types.len(), found: elements.len() }.into());
            }
            write_list(types.iter().zip(elements.iter()), json)?;
        }
        (Type::Map(element), Data::Map(members)) => {
            write_members(members, |_| Some(element), |key| Step::Key(key.to_owned()), json)?;
        }
        (Type::Object(attributes), Data::Map(members)) => {
            if let Some(name) = members.first_missing(attributes.keys()) {
                return Err(Problem::Missing(name.to_string()).into());
            }
            write_members(
                members,
                |name| attributes.get(name),
                |name| Step::Attribute(name.to_owned()),
                json,
            )?;
        }
        (Type::Dynamic, Data::Dynamic(ty, value)) => {
            json.push_str("{\"value\":");
            write(ty, value, json)?;
            json.push_str(",\"type\":");
            json.push_str(&String::from_utf8_lossy(&ty.to_json()));
            json.push('}');
        }
        (Type::Dynamic, _) => return Err(Problem::Untyped.into()),
        _ => return Err(Problem::Required(ty.clone()).into()),
    }
    Ok(())
}

fn write_list<'a>(
    elements: impl Iterator<Item = (&'a Type, &'a Value)>,
    json: &mut String,
) -> Result<(), ValueError> {
    json.push('[');
    for (index, (ty, value)) in elements.enumerate() {
        if index > 0 {
            json.push(',');
        }
        write(ty, value, json).map_err(|error| error.within(Step::index(index)))?;
    }
    json.push(']');
    Ok(())
}

fn write_members<'a>(
    members: &Members,
    type_of: impl Fn(&str) -> Option<&'a Type>,
    step: impl Fn(&str) -> Step,
    json: &mut String,
) -> Result<(), ValueError> {
    json.push('{');
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        let ty = type_of(key).ok_or_else(|| Problem::Unexpected(key.to_string()))?;
        write_text(key, json)?;
        json.push(':');
        write(ty, value, json).map_err(|error| error.within(step(key)))?;
    }
    json.push('}');
    Ok(())
}

fn write_text(text: &str, json: &mut String) -> Result<(), ValueError> {
    json.push_str(&serde_json::to_string(text).map_err(|error| Problem::Json(error.to_string()))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_json_form_that_terraform_reads() {
        let object = Type::object([("a", Type::Number), ("b", Type::list(Type::String))]);
        let cases = [
            (Type::Bool, "true"),
            (Type::Number, "99999999999999999999999999"),
            (Type::Number, "0.1"),
            (Type::String, r#""a \"quote\" 中""#),
            (Type::map(Type::Number), r#"{"x":1,"y":null}"#),
            (Type::Tuple(vec![Type::Bool, Type::String]), r#"[false,"x"]"#),
            (object, r#"{"a":1,"b":["x","y"]}"#),
            (Type::Dynamic, r#"{"value":["x"],"type":["list","string"]}"#),
            (Type::Dynamic, "null"),
        ];
        for (ty, json) in cases {
            let value = decode(&ty, json.as_bytes()).unwrap();
            assert_eq!(encode(&ty, &value).unwrap(), json);
        }
        assert_eq!(decode(&Type::Number, br#""12.50""#), decode(&Type::Number, b"12.5"));
        assert_eq!(
            decode(&Type::set(Type::String), br#"["a","a"]"#).unwrap(),
            Value::list([Value::string("a")])
        );
    }

    #[test]
    fn an_infinite_number_is_a_string_and_no_broken_json() {
        for text in ["Inf", "-Inf"] {
            let value = Value::Known(Data::Number(Number::parse(text).unwrap()));
            let json = encode(&Type::Number, &value).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(decode(&Type::Number, json.as_bytes()).unwrap(), value);
        }
    }

    #[test]
    fn what_is_not_of_the_type_is_named_with_its_place() {
        let ty = Type::object([("rows", Type::list(Type::object([("id", Type::String)])))]);
        let cases = [
            (r#"{"rows":[{"id":"x"},{"id":1}]}"#, "rows[1].id: string is required"),
            (r#"{"rows":[{}]}"#, r#"rows[0]: attribute "id" is missing"#),
            (r#"{"rows":[],"more":1}"#, r#"attribute "more" is not expected"#),
            (r#"[]"#, "object is required"),
        ];
        for (json, message) in cases {
            assert_eq!(decode(&ty, json.as_bytes()).unwrap_err().to_string(), message);
        }
        for json in ["", "{", "nul", "\u{feff}1", "1 2"] {
            assert!(decode(&Type::Number, json.as_bytes()).is_err(), "{json}");
        }
        assert!(encode(&Type::String, &Value::UNKNOWN).is_err());
    }
}
