//! Encodes a value of a given type.

use std::collections::BTreeMap;
use std::convert::Infallible;

use rmp::encode::{self, ByteBuf, ValueWriteError};

use crate::framework::{
    AttributePath, Data, MAX_RESULT, Members, Number, Problem, Step, Str, Type, Value, ValueError,
};

/// Encodes `value` as a value of type `ty`.
///
/// # Errors
/// When the value has another type. Objects must have exactly the attributes of their type.
pub fn encode(ty: &Type, value: &Value) -> Result<Vec<u8>, ValueError> {
    Encoder::default().whole(ty, value)
}

/// Encodes a value that must not have unknown parts.
///
/// # Errors
/// When it has unknown parts or another type.
pub fn encode_known(ty: &Type, value: &Value) -> Result<Vec<u8>, ValueError> {
    Encoder { known_only: true, ..Encoder::default() }.whole(ty, value)
}

/// An encoding in progress.
#[derive(Default)]
struct Encoder {
    output: ByteBuf,
    /// Rejects unknown values.
    known_only: bool,
}

/// Writing to memory cannot fail.
#[allow(clippy::needless_pass_by_value)] // the argument proves it
fn infallible<T>(result: Result<T, ValueWriteError<Infallible>>) {
    let Ok(_) = result;
}

impl Encoder {
    /// The bytes of a value, in memory that is reserved once: growing would hold a large result twice.
    fn whole(mut self, ty: &Type, value: &Value) -> Result<Vec<u8>, ValueError> {
        // Of a value with a few long elements among many short ones, the estimate is far too large.
        let _ = self.output.as_mut_vec().try_reserve(estimated_length(value).min(MAX_RESULT));
        self.value(ty, value)?;
        Ok(self.output.into_vec())
    }

    /// Writes a value of type `ty`.
    ///
    /// # Errors
    /// When the value has another type.
    fn value(&mut self, ty: &Type, value: &Value) -> Result<(), ValueError> {
        let data = match value {
            Value::Null => {
                self.null();
                return Ok(());
            }
            Value::Unknown if self.known_only => return Err(Problem::NotKnown.into()),
            Value::Unknown => {
                self.unknown();
                return Ok(());
            }
            Value::Known(data) => data,
        };
        match (ty, data) {
            (Type::Bool, Data::Bool(value)) => {
                let Ok(()) = encode::write_bool(&mut self.output, *value);
            }
            (Type::Number, Data::Number(number)) => self.number(number),
            (Type::String, Data::String(text)) => self.text(text),
            (Type::List(element) | Type::Set(element), Data::List(elements)) => {
                self.array_length(elements.len())?;
                for (index, value) in elements.iter().enumerate() {
                    self.value(element, value).map_err(|error| error.within(Step::index(index)))?;
                }
            }
            (Type::Tuple(types), Data::List(elements)) => {
                if types.len() != elements.len() {
                    return Err(Problem::TupleLength { expected: types.len(), found: elements.len() }.into());
                }
                self.array_length(types.len())?;
                for (index, (ty, value)) in types.iter().zip(elements.iter()).enumerate() {
                    self.value(ty, value).map_err(|error| error.within(Step::index(index)))?;
                }
            }
            (Type::Map(element), Data::Map(members)) => {
                self.map_length(members.len())?;
                for (key, value) in members.iter() {
                    self.text(key);
                    self.value(element, value).map_err(|error| error.within(Step::Key(key.to_string())))?;
                }
            }
            (Type::Object(attributes), Data::Map(members)) => {
                if !attributes.keys().eq(members.keys()) {
                    return Err(attribute_mismatch(attributes, members).into());
                }
                self.map_length(members.len())?;
                for (ty, (name, value)) in attributes.values().zip(members.iter()) {
                    self.text(name);
                    self.value(ty, value).map_err(|error| error.within(Step::Attribute(name.to_string())))?;
                }
            }
            (Type::Dynamic, Data::Dynamic(ty, value)) => {
                self.array_length(2)?;
                let json = ty.to_json();
                infallible(encode::write_bin(&mut self.output, &json));
                self.value(ty, value)?;
            }
            (Type::Dynamic, _) => return Err(Problem::Untyped.into()),
            _ => return Err(Problem::Required(ty.clone()).into()),
        }
        Ok(())
    }

    fn null(&mut self) {
        let Ok(()) = encode::write_nil(&mut self.output);
    }

    fn text(&mut self, text: &str) {
        infallible(encode::write_str(&mut self.output, text));
    }

    /// As Terraform encodes numbers: a 64-bit integer, an exact float, or else a string of decimal digits.
    fn number(&mut self, number: &Number) {
        if let Some(integer) = number.as_i64() {
            infallible(encode::write_sint(&mut self.output, integer));
        } else if let Some(float) = number.as_exact_f64().filter(|_| !number.is_integer()) {
            infallible(encode::write_f64(&mut self.output, float));
        } else {
            self.text(&number.to_string());
        }
    }

    fn array_length(&mut self, length: usize) -> Result<(), ValueError> {
        infallible(encode::write_array_len(&mut self.output, wire_length(length)?));
        Ok(())
    }

    fn map_length(&mut self, length: usize) -> Result<(), ValueError> {
        infallible(encode::write_map_len(&mut self.output, wire_length(length)?));
        Ok(())
    }

    /// The extension that every version of Terraform decodes as unknown: type 0, one byte 0.
    fn unknown(&mut self) {
        infallible(encode::write_ext_meta(&mut self.output, 1, 0));
        self.output.as_mut_vec().push(0);
    }
}

/// The encoded length of `value`, estimated: long lists and maps by a sample. Rather too large than too small.
fn estimated_length(value: &Value) -> usize {
    const HEADER: usize = 5;
    let text = |text: &Str| match text.len() {
        length @ ..32 => 1 + length,
        length @ 32..256 => 2 + length,
        length => HEADER + length,
    };
    match value {
        Value::Known(Data::String(value)) => text(value),
        Value::Known(Data::List(elements)) => {
            HEADER + estimated_sum(elements.len(), elements.iter(), estimated_length)
        }
        Value::Known(Data::Map(members)) => {
            let member = |(name, value)| text(name) + estimated_length(value);
            HEADER + estimated_sum(members.len(), members.iter(), member)
        }
        Value::Known(Data::Dynamic(_, value)) => HEADER + estimated_length(value),
        Value::Known(Data::Bool(_) | Data::Number(_)) | Value::Null | Value::Unknown => HEADER,
    }
}

/// The sum of the lengths of `count` items, from a sample where they are many.
fn estimated_sum<T>(count: usize, items: impl Iterator<Item = T>, length: impl Fn(T) -> usize) -> usize {
    const SAMPLE: usize = 64;
    let step = count.div_ceil(SAMPLE).max(1);
    let sum = items.step_by(step).map(length).sum::<usize>().saturating_mul(step);
    // The other items may be longer.
    if step > 1 { sum.saturating_add(sum / 16) } else { sum }
}

/// How the names of `members` differ from `attributes`.
fn attribute_mismatch(attributes: &BTreeMap<Str, Type>, members: &Members) -> Problem {
    let unexpected = members.keys().find(|name| !attributes.contains_key(*name));
    let missing = members.first_missing(attributes.keys());
    match (unexpected, missing) {
        (None, Some(name)) => Problem::Missing(name.to_string()),
        (name, _) => Problem::Unexpected(name.map(ToString::to_string).unwrap_or_default()),
    }
}

/// A length in msgpack. A longer list or map would not fit into a message.
fn wire_length(length: usize) -> Result<u32, ValueError> {
    u32::try_from(length)
        .map_err(|_| ValueError { path: AttributePath::default(), problem: Problem::Truncated })
}
