//! Parses untrusted JSON as a stream of typed fields. Values of an unexpected type are not copied, not even into the error,
//! so that no response needs more memory than its body.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

/// Reads the fields of an object.
pub(crate) trait Fields<'de>: Sized {
    type Value;
    fn read<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error>;
}

/// Reads the elements of an array.
pub(crate) trait Elements<'de>: Sized {
    type Value;
    fn read<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error>;
}

/// Accepts an object only.
pub(crate) struct Object<T>(pub(crate) T);

/// Accepts an array only.
pub(crate) struct Array<T>(pub(crate) T);

/// Accepts null, or a value that the inner seed accepts.
pub(crate) struct Nullable<T>(pub(crate) T);

/// A string of at most `max` bytes, borrowed if it has no escapes.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub(crate) max: usize,
}

/// At most the first `max` bytes of a string of any length.
#[derive(Clone, Copy)]
pub(crate) struct Beginning {
    pub(crate) max: usize,
}

/// A number from 0 to 65535, also as a string. Other numbers and strings are no code, as null is.
pub(crate) struct ErrorCode;

/// A whole number that fits an `i64`.
pub(crate) struct WholeNumber;

/// `true` or `false`.
pub(crate) struct Flag;

/// The name of a field, mapped by the caller.
pub(crate) struct Key<F>(pub(crate) F);

/// The messages of serde quote an unexpected string, of any length. Those of serde_json, too: therefore all seeds use
/// `deserialize_any`.
macro_rules! without_quoting {
    () => {
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(E::invalid_type(Unexpected::Other("a string"), &self))
        }
    };
}

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Object<T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Object<T> {
    type Value = T::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        self.0.read(fields)
    }

    without_quoting!();
}

impl<'de, T: Elements<'de>> DeserializeSeed<'de> for Array<T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Elements<'de>> Visitor<'de> for Array<T> {
    type Value = T::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        self.0.read(elements)
    }

    without_quoting!();
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Nullable<T> {
    type Value = Option<T::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: DeserializeSeed<'de>> Visitor<'de> for Nullable<T> {
    type Value = Option<T::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string of at most {} bytes", self.max)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        if text.len() > self.max {
            Err(E::invalid_length(text.len(), &self))
        } else {
            Ok(Cow::Borrowed(text))
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.len() > self.max {
            Err(E::invalid_length(text.len(), &self))
        } else {
            Ok(Cow::Owned(text.to_owned()))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Beginning {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Beginning {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text[..text.floor_char_boundary(self.max)].to_owned())
    }
}

impl<'de> DeserializeSeed<'de> for ErrorCode {
    type Value = Option<u16>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for ErrorCode {
    type Value = Option<u16>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 65535")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(number.try_into().ok())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, number: &str) -> Result<Self::Value, E> {
        Ok(number.parse().ok())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'de> DeserializeSeed<'de> for WholeNumber {
    type Value = i64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for WholeNumber {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        number.try_into().map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    without_quoting!();
}

impl<'de> DeserializeSeed<'de> for Flag {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Flag {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(flag)
    }

    without_quoting!();
}

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Key<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Key<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((self.0)(name))
    }
}

/// Reads the value of the field `name` into `place`, which must be empty: a duplicate field is ambiguous.
pub(crate) fn once<'de, A: MapAccess<'de>, S: DeserializeSeed<'de>>(
    fields: &mut A,
    name: &'static str,
    place: &mut Option<S::Value>,
    seed: S,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *place = Some(fields.next_value_seed(seed)?);
    Ok(())
}

/// Skips the value of a field. Tells whether it is an object or an array that is not empty.
pub(crate) fn skip<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<bool, A::Error> {
    fields.next_value_seed(Skipped)
}

struct Skipped;

impl<'de> DeserializeSeed<'de> for Skipped {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skipped {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<bool, A::Error> {
        let mut found = false;
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            found = true;
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<bool, A::Error> {
        let mut found = false;
        while elements.next_element::<IgnoredAny>()?.is_some() {
            found = true;
        }
        Ok(found)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// The fields of an object that are not documented.
#[derive(Debug, Default)]
pub(crate) struct Undocumented {
    /// The name of the first one.
    any: Option<String>,
    /// The name of the first one that is an object or an array, and not empty.
    with_data: Option<String>,
}

impl Undocumented {
    /// How much of a name is kept.
    const MAX_NAME: usize = 64;

    /// Skips the field `name`.
    pub(crate) fn skip<'de, A: MapAccess<'de>>(
        &mut self,
        name: String,
        fields: &mut A,
    ) -> Result<(), A::Error> {
        if skip(fields)? {
            self.with_data.get_or_insert_with(|| name.clone());
        }
        self.any.get_or_insert(name);
        Ok(())
    }

    /// The field that may be the documented field `known` under another name: any one if that is absent, and one with data if
    /// it is null.
    pub(crate) fn in_place_of<T>(self, known: &Option<Option<T>>) -> Option<String> {
        match known {
            None => self.any,
            Some(None) => self.with_data,
            Some(Some(_)) => None,
        }
    }

    /// Any of them.
    pub(crate) fn any(self) -> Option<String> {
        self.any
    }

    /// What is kept of the name of a field.
    pub(crate) fn name(name: &str) -> String {
        name[..name.floor_char_boundary(Self::MAX_NAME)].to_owned()
    }
}
