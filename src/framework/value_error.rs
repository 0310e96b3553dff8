//! Why bytes are not a value of the expected type, or a value not one of its declared type.

use super::{AttributePath, InvalidNumber, Step, Type};

/// A value that does not fit its type, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", prefix(path))]
pub struct ValueError {
    /// The part of the value that is wrong.
    pub path: AttributePath,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is of another type.
    #[error("{0} is required")]
    Required(Type),
    /// A tuple of another length.
    #[error("a tuple of {expected} elements is required, not of {found}")]
    TupleLength {
        /// As many as the type has.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
    /// An object lacks an attribute.
    #[error("attribute {0:?} is missing")]
    Missing(String),
    /// An object has an attribute that its type does not have.
    #[error("attribute {0:?} is not expected")]
    Unexpected(String),
    /// A map or object has a key twice.
    #[error("key {0:?} is there twice")]
    Duplicate(String),
    /// A number that can't be kept.
    #[error(transparent)]
    Number(#[from] InvalidNumber),
    /// Text that is not UTF-8.
    #[error("the text is not valid UTF-8")]
    Utf8,
    /// The description of a dynamic value's type is wrong.
    #[error("the type of a dynamic value is malformed: {0}")]
    Type(String),
    /// A value of an open type came without its type.
    #[error("a value of type dynamic needs its own type")]
    Untyped,
    /// A value that must be known is not.
    #[error("an unknown value where a known one is required")]
    NotKnown,
    /// The bytes end in the middle of the value.
    #[error("the encoding ends too early")]
    Truncated,
    /// Bytes are left after the value.
    #[error("{0} bytes follow the value")]
    Trailing(usize),
    /// Nested deeper than any real value.
    #[error("the value is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// Text that is not JSON.
    #[error("the JSON is malformed: {0}")]
    Json(String),
}

/// How deep values may nest. Terraform's own values stay far below; the bound keeps hostile ones off our stack.
pub(super) const MAX_DEPTH: usize = 100;

impl ValueError {
    /// The same error, seen from the value that contains the wrong one.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.path.0.insert(0, step);
        self
    }
}

impl From<Problem> for ValueError {
    fn from(problem: Problem) -> Self {
        Self { path: AttributePath::default(), problem }
    }
}

fn prefix(path: &AttributePath) -> String {
    if path.0.is_empty() { String::new() } else { format!("{path}: ") }
}
