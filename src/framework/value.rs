//! Terraform's values: known, null or unknown.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Members, Number, Type};

/// Shared text: keys and instance types repeat thousands of times in one value.
pub type Str = Arc<str>;

/// Shared elements of a list, set or tuple: thousands of images have the same list.
pub type Elements = Arc<[Value]>;

/// A value in one of three states. Its [`Type`] is in the schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value<T = Data> {
    /// Omitted, or set to `null`.
    Null,
    /// Known only later, during apply. Terraform's refinements of unknown values are not kept.
    Unknown,
    /// Known, though parts of it may be unknown.
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
    /// A value of type dynamic, with its own type. It may be null or unknown.
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

    /// Applies a function to a known value.
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

/// Removes duplicates from the elements of a set. Elements with unknown parts are kept, since they may turn out to differ.
pub(super) fn without_duplicates(mut elements: Vec<Value>) -> Vec<Value> {
    // Hosts send sets sorted, and then no element equals another.
    if elements.iter().all(Value::is_wholly_known) && elements.is_sorted_by(|one, next| one < next) {
        return elements;
    }
    let mut seen = BTreeSet::new();
    elements.retain(|element| !element.is_wholly_known() || seen.insert(element.clone()));
    elements
}
