//! The elements of a map, or the attributes of an object.

use std::ops::Index;

use super::{Str, Value};

/// Values by name, in the order of their names. A value has thousands of small ones, which a sorted list keeps in the
/// least room.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Members(Box<[(Str, Value)]>);

impl Members {
    /// Members whose names are all different, in any order.
    ///
    /// # Errors
    /// A name that is there twice.
    pub(super) fn unique(mut members: Vec<(Str, Value)>) -> Result<Self, Str> {
        // As hosts send them.
        if !members.is_sorted_by(|(one, _), (next, _)| one < next) {
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            if let Some(twice) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(twice[0].0.clone());
            }
        }
        Ok(Self(members.into()))
    }

    /// The value called `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let place = self.0.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// The first of `names` that no value has.
    pub(super) fn first_missing<'a>(&self, mut names: impl Iterator<Item = &'a Str>) -> Option<&'a Str> {
        names.find(|name| self.get(name).is_none())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&Str, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Str> {
        self.0.iter().map(|(name, _)| name)
    }

    /// The values, in the order of their names.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }
}

/// The last of several values of one name counts.
impl FromIterator<(Str, Value)> for Members {
    fn from_iter<T: IntoIterator<Item = (Str, Value)>>(members: T) -> Self {
        let mut members: Vec<(Str, Value)> = members.into_iter().collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Self(members.into())
    }
}

impl Index<&str> for Members {
    type Output = Value;

    /// The value called `name`; null if there is none.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_and_the_last_of_a_name_counts() {
        let pairs = [("b", 1), ("a", 2), ("b", 3), ("b", 4)];
        let pairs = || pairs.iter().map(|(name, value)| (Str::from(*name), Value::from(*value)));
        let members: Members = pairs().collect();
        assert_eq!(
            members.iter().map(|(name, value)| (&**name, value.clone())).collect::<Vec<_>>(),
            [("a", Value::from(2)), ("b", Value::from(4))]
        );
        assert_eq!((members.get("b"), members.get("c")), (Some(&Value::from(4)), None));
        assert_eq!(Members::unique(pairs().collect()), Err("b".into()));
        assert_eq!(Members::unique(pairs().skip(1).take(2).collect()).map(|members| members.len()), Ok(2));
    }
}
