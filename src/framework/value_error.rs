//! Errors of decoding and encoding values.

use super::{AttributePath, InvalidNumber, Step, Type};

/// Why a value is not of its type, with the path to the wrong part.
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
    /// It has another type.
    #[error("{0} is required")]
    Required(Type),
    /// A tuple of another length.
    #[error("a tuple of {expected} elements is required, not of {found}")]
    TupleLength {
        /// The length of the type.
        expected: usize,
        /// The length of the value.
        found: usize,
    },
    /// An object lacks an attribute.
    #[error("attribute {0:?} is missing")]
    Missing(String),
    /// An object has an attribute that its type does not have.
    #[error("attribute {0:?} is not expected")]
    Unexpected(String),
    /// A map or object has a duplicate key.
    #[error("duplicate key {0:?}")]
    Duplicate(String),
    /// A number is invalid.
    #[error(transparent)]
    Number(#[from] InvalidNumber),
    /// Text that is not UTF-8.
    #[error("the text is not valid UTF-8")]
    Utf8,
    /// The type of a dynamic value is invalid.
    #[error("the type of a dynamic value is invalid: {0}")]
    Type(String),
    /// A dynamic value has no type.
    #[error("a value of type dynamic needs its own type")]
    Untyped,
    /// A value that must be known is unknown.
    #[error("an unknown value where a known one is required")]
    NotKnown,
    /// The bytes end within the value.
    #[error("the encoding is truncated")]
    Truncated,
    /// Bytes follow the value.
    #[error("{0} bytes follow the value")]
    Trailing(usize),
    /// It is nested too deeply.
    #[error("the value is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// The text is not valid JSON.
    #[error("invalid JSON: {0}")]
    Json(String),
}

/// How deep values may nest. Real values stay far below; the limit protects the stack from malicious ones.
pub(super) const MAX_DEPTH: usize = 100;

impl ValueError {
    /// The same error with a path that starts at the containing value.
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
