//! Decodes a value of a given type.

use std::collections::BTreeMap;

use rmp::Marker;

use crate::framework::value::without_duplicates;
use crate::framework::value_error::MAX_DEPTH;
use crate::framework::{Data, Members, Number, Problem, Step, Str, Type, Value, ValueError};

/// Decodes a value of type `ty`, which must use all of `bytes`.
///
/// # Errors
/// When the bytes are not valid msgpack, are truncated, continue after the value, or encode a value of another type.
/// Objects must have exactly the attributes of their type.
pub fn decode(ty: &Type, bytes: &[u8]) -> Result<Value, ValueError> {
    let mut decoder = Decoder { input: bytes };
    let value = decoder.value(ty, 0)?;
    match decoder.input.len() {
        0 => Ok(value),
        left => Err(Problem::Trailing(left).into()),
    }
}

struct Decoder<'a> {
    input: &'a [u8],
}

impl<'a> Decoder<'a> {
    fn value(&mut self, ty: &Type, depth: usize) -> Result<Value, ValueError> {
        if depth > MAX_DEPTH {
            return Err(Problem::TooDeep.into());
        }
        let marker = self.marker()?;
        if marker == Marker::Null {
            return Ok(Value::Null);
        }
        if let Some(length) = self.extension_length(marker)? {
            // Every extension means unknown. Its payload may hold refinements, which are not needed.
            self.take(1)?;
            self.take(length)?;
            return Ok(Value::Unknown);
        }
        let data = match ty {
            Type::Bool => match marker {
                Marker::True => Data::Bool(true),
                Marker::False => Data::Bool(false),
                _ => return Err(Problem::Required(Type::Bool).into()),
            },
            Type::Number => Data::Number(self.number(marker)?),
            Type::String => Data::String(self.text(marker)?.into()),
            Type::List(element) => Data::List(self.list(ty, marker, element, depth)?.into()),
            Type::Set(element) => {
                Data::List(without_duplicates(self.list(ty, marker, element, depth)?).into())
            }
            Type::Map(element) => Data::Map(self.map(marker, element, depth)?),
            Type::Tuple(elements) => Data::List(self.tuple(marker, elements, depth)?.into()),
            Type::Object(attributes) => Data::Map(self.object(marker, attributes, depth)?),
            Type::Dynamic => self.dynamic(marker, depth)?,
        };
        Ok(Value::Known(data))
    }

    fn list(
        &mut self,
        ty: &Type,
        marker: Marker,
        element: &Type,
        depth: usize,
    ) -> Result<Vec<Value>, ValueError> {
        let length = self.array_length(marker)?.ok_or_else(|| Problem::Required(ty.clone()))?;
        // An element takes at least a byte, so a length beyond the input does not reserve memory.
        let mut elements = Vec::with_capacity(length.min(self.input.len()).min(1024));
        for index in 0..length {
            elements.push(self.value(element, depth + 1).map_err(|error| error.within(Step::index(index)))?);
        }
        Ok(elements)
    }

    fn tuple(&mut self, marker: Marker, types: &[Type], depth: usize) -> Result<Vec<Value>, ValueError> {
        let length =
            self.array_length(marker)?.ok_or_else(|| Problem::Required(Type::Tuple(types.to_vec())))?;
        if length != types.len() {
            return Err(Problem::TupleLength { expected: types.len(), found: length }.into());
        }
        types
            .iter()
            .enumerate()
            .map(|(index, ty)| self.value(ty, depth + 1).map_err(|error| error.within(Step::index(index))))
            .collect()
    }

    fn map(&mut self, marker: Marker, element: &Type, depth: usize) -> Result<Members, ValueError> {
        let length = self.map_length(marker)?.ok_or_else(|| Problem::Required(Type::map(element.clone())))?;
        let mut members = Vec::with_capacity(length.min(self.input.len()).min(1024));
        for _ in 0..length {
            let key: Str = self.key()?.into();
            let value =
                self.value(element, depth + 1).map_err(|error| error.within(Step::Key(key.to_string())))?;
            members.push((key, value));
        }
        Members::unique(members).map_err(|key| Problem::Duplicate(key.to_string()).into())
    }

    fn object(
        &mut self,
        marker: Marker,
        attributes: &BTreeMap<Str, Type>,
        depth: usize,
    ) -> Result<Members, ValueError> {
        let length =
            self.map_length(marker)?.ok_or_else(|| Problem::Required(Type::Object(attributes.clone())))?;
        let mut members = Vec::with_capacity(length.min(attributes.len()));
        for _ in 0..length {
            let key = self.key()?;
            let Some((name, ty)) = attributes.get_key_value(key) else {
                return Err(Problem::Unexpected(key.to_owned()).into());
            };
            let value =
                self.value(ty, depth + 1).map_err(|error| error.within(Step::Attribute(name.to_string())))?;
            members.push((name.clone(), value));
        }
        let members = Members::unique(members).map_err(|key| Problem::Duplicate(key.to_string()))?;
        match members.first_missing(attributes.keys()) {
            None => Ok(members),
            Some(missing) => Err(Problem::Missing(missing.to_string()).into()),
        }
    }

    fn dynamic(&mut self, marker: Marker, depth: usize) -> Result<Data, ValueError> {
        if self.array_length(marker)? != Some(2) {
            return Err(Problem::Untyped.into());
        }
        let marker = self.marker()?;
        let json = match self.binary(marker)? {
            Some(json) => json,
            None => self.text(marker)?.as_bytes(),
        };
        let ty = Type::from_json(json).map_err(|error| Problem::Type(error.to_string()))?;
        let value = self.value(&ty, depth + 1)?;
        Ok(Data::Dynamic(Box::new(ty), Box::new(value)))
    }

    /// An integer, a float, or a string of decimal digits.
    fn number(&mut self, marker: Marker) -> Result<Number, ValueError> {
        let number = match marker {
            Marker::FixPos(value) => i64::from(value).into(),
            Marker::FixNeg(value) => i64::from(value).into(),
            Marker::U8 => i64::from(u8::from_be_bytes(self.array()?)).into(),
            Marker::U16 => i64::from(u16::from_be_bytes(self.array()?)).into(),
            Marker::U32 => i64::from(u32::from_be_bytes(self.array()?)).into(),
            Marker::U64 => u64::from_be_bytes(self.array()?).into(),
            Marker::I8 => i64::from(i8::from_be_bytes(self.array()?)).into(),
            Marker::I16 => i64::from(i16::from_be_bytes(self.array()?)).into(),
            Marker::I32 => i64::from(i32::from_be_bytes(self.array()?)).into(),
            Marker::I64 => i64::from_be_bytes(self.array()?).into(),
            Marker::F32 => float(f64::from(f32::from_be_bytes(self.array()?)))?,
            Marker::F64 => float(f64::from_be_bytes(self.array()?))?,
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                Number::parse(self.text(marker)?).map_err(Problem::from)?
            }
            _ => return Err(Problem::Required(Type::Number).into()),
        };
        Ok(number)
    }

    fn key(&mut self) -> Result<&'a str, ValueError> {
        let marker = self.marker()?;
        self.text(marker)
    }

    fn text(&mut self, marker: Marker) -> Result<&'a str, ValueError> {
        let length = match marker {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 => self.length8()?,
            Marker::Str16 => self.length16()?,
            Marker::Str32 => self.length32()?,
            _ => return Err(Problem::Required(Type::String).into()),
        };
        std::str::from_utf8(self.take(length)?).map_err(|_| Problem::Utf8.into())
    }

    fn binary(&mut self, marker: Marker) -> Result<Option<&'a [u8]>, ValueError> {
        let length = match marker {
            Marker::Bin8 => self.length8()?,
            Marker::Bin16 => self.length16()?,
            Marker::Bin32 => self.length32()?,
            _ => return Ok(None),
        };
        self.take(length).map(Some)
    }

    fn array_length(&mut self, marker: Marker) -> Result<Option<usize>, ValueError> {
        Ok(Some(match marker {
            Marker::FixArray(length) => usize::from(length),
            Marker::Array16 => self.length16()?,
            Marker::Array32 => self.length32()?,
            _ => return Ok(None),
        }))
    }

    fn map_length(&mut self, marker: Marker) -> Result<Option<usize>, ValueError> {
        Ok(Some(match marker {
            Marker::FixMap(length) => usize::from(length),
            Marker::Map16 => self.length16()?,
            Marker::Map32 => self.length32()?,
            _ => return Ok(None),
        }))
    }

    fn extension_length(&mut self, marker: Marker) -> Result<Option<usize>, ValueError> {
        Ok(Some(match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.length8()?,
            Marker::Ext16 => self.length16()?,
            Marker::Ext32 => self.length32()?,
            _ => return Ok(None),
        }))
    }

    fn length8(&mut self) -> Result<usize, ValueError> {
        self.array().map(|[byte]| usize::from(byte))
    }

    fn length16(&mut self) -> Result<usize, ValueError> {
        self.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    fn length32(&mut self) -> Result<usize, ValueError> {
        let length = u32::from_be_bytes(self.array()?);
        usize::try_from(length).map_err(|_| Problem::Truncated.into())
    }

    fn marker(&mut self) -> Result<Marker, ValueError> {
        self.array().map(|[byte]| Marker::from_u8(byte))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ValueError> {
        let (bytes, rest) = self.input.split_first_chunk().ok_or(Problem::Truncated)?;
        self.input = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ValueError> {
        let (bytes, rest) = self.input.split_at_checked(length).ok_or(Problem::Truncated)?;
        self.input = rest;
        Ok(bytes)
    }
}

fn float(value: f64) -> Result<Number, Problem> {
    Number::from_f64(value).map_err(Problem::from)
}
