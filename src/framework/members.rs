//! The elements of a map, or the attributes of an object.

use std::ops::Index;

use super::{Str, Value};

/// Values by name, sorted by name. One value contains thousands of these, mostly small, and a sorted array takes the
/// least memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Members(Box<[(Str, Value)]>);

impl Members {
    /// Collects members with unique names, in any order.
    ///
    /// # Errors
    /// The first duplicate name.
    pub(super) fn unique(mut members: Vec<(Str, Value)>) -> Result<Self, Str> {
        // Hosts send them sorted.
        if !members.is_sorted_by(|(one, _), (next, _)| one < next) {
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            if let Some(twice) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(twice[0].0.clone());
            }
        }
        Ok(Self(members.into()))
    }

    /// The value with this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let place = self.0.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// The first of `names` that is missing.
    pub(super) fn first_missing<'a>(&self, mut names: impl Iterator<Item = &'a Str>) -> Option<&'a Str> {
        names.find(|name| self.get(name).is_none())
    }

    /// The number of members.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Str, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The sorted names.
    pub fn keys(&self) -> impl Iterator<Item = &Str> {
        self.0.iter().map(|(name, _)| name)
    }

    /// The values, sorted by name.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }
}

/// Of several values with the same name the last is kept.
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

    /// The value with this name; null if there is none.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_and_the_last_of_each_name_is_kept() {
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
