//! Paths to a part of a value, for errors and diagnostics.

use std::fmt;

/// The path from the root of a block or value to one of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributePath(pub Vec<Step>);

/// One step of an [`AttributePath`]. Elements of a set have no step: the path ends at the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into an object's or block's attribute.
    Attribute(String),
    /// Into a map's element.
    Key(String),
    /// Into a list's or tuple's element.
    Index(i64),
}

impl Step {
    /// The step into the element at `position`.
    pub fn index(position: usize) -> Self {
        Self::Index(i64::try_from(position).unwrap_or(i64::MAX))
    }
}

impl AttributePath {
    /// The path to one top-level attribute.
    pub fn attribute(name: impl Into<String>) -> Self {
        Self(vec![Step::Attribute(name.into())])
    }
}

/// As in HCL: `image_constraints[2].image_id`.
impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
