//! Terraform's values: known, null, or not known yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Members, Number, Type};

/// Text that is cheap to share: keys and instance types repeat thousands of times in one value.
pub type Str = Arc<str>;

/// The elements of a list, set or tuple; shared, because thousands of images have the same list.
pub type Elements = Arc<[Value]>;

/// A value in one of its three states. What type it has is told by a [`Type`] beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value<T = Data> {
    /// Absent, or set to `null`.
    Null,
    /// Decided only later, in apply. What Terraform may know about it already (its refinements) is not kept.
    Unknown,
    /// Known, though parts of it may not be.
    Known(T),
}

/// A known value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    /// A bool.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Str),
    /// A list, set or tuple.
    List(Elements),
    /// A map or object.
    Map(Members),
    /// A value whose type was left open, with that type. It may be null or unknown in itself.
    Dynamic(Box<Type>, Box<Value>),
}

impl<T> Value<T> {
    /// The known value.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same state of another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Value<U> {
        match self {
            Self::Null => Value::Null,
            Self::Unknown => Value::Unknown,
            Self::Known(value) => Value::Known(change(value)),
        }
    }
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<Str>) -> Self {
        Self::Known(Data::String(text.into()))
    }

    /// A list, set or tuple.
    pub fn list(elements: impl IntoIterator<Item = Value>) -> Self {
        Self::Known(Data::List(elements.into_iter().collect()))
    }

    /// A map or object.
    pub fn members<K: Into<Str>>(members: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Known(Data::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }

    /// Whether nothing in it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Unknown => false,
            Self::Known(Data::List(elements)) => elements.iter().all(Self::is_wholly_known),
            Self::Known(Data::Map(members)) => members.values().all(Self::is_wholly_known),
            Self::Known(Data::Dynamic(_, value)) => value.is_wholly_known(),
            Self::Known(Data::Bool(_) | Data::Number(_) | Data::String(_)) => true,
        }
    }

    /// The text, where it is known.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Known(Data::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list, set or tuple, where they are known.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::Known(Data::List(elements)) => Some(elements),
            _ => None,
        }
    }

    /// The members of a map or object, where they are known.
    pub fn as_members(&self) -> Option<&Members> {
        match self {
            Self::Known(Data::Map(members)) => Some(members),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Known(Data::Bool(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Known(Data::Number(value.into()))
    }
}

/// The elements of a set: a known one counts once, while two unknown ones may still turn out to differ.
pub(super) fn without_duplicates(mut elements: Vec<Value>) -> Vec<Value> {
    // As hosts send them: in order, so that each differs from the one before.
    if elements.iter().all(Value::is_wholly_known) && elements.is_sorted_by(|one, next| one < next) {
        return elements;
    }
    let mut seen = BTreeSet::new();
    elements.retain(|element| !element.is_wholly_known() || seen.insert(element.clone()));
    elements
}
