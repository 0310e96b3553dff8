//! The meaning of a constraint: which instance types an image supports.
//!
//! The rows of the API and the values that users pass to functions are converted to the same [`Rule`], and
//! [`Rule::verdict`] decides for both. Independent of HTTP and JSON.

use std::sync::Arc;

use hashbrown::{Equivalent, HashSet};

/// Instance types, sorted and unique. Images with the same list share it.
pub type InstanceTypes = Arc<[Arc<str>]>;

/// `constraintsType` of a rule that lists the types that an image does not support.
pub const EXCLUDES: &str = "excludes";
/// `constraintsType` of a rule that lists the only types that an image supports.
pub const INCLUDES: &str = "includes";

/// The constraint of one image.
///
/// ```
/// use terraform_provider_jdcloud::jdcloud::{Rule, Verdict};
///
/// let rule = Rule::new(Some("excludes"), Some(["g.n2.large"]))?;
/// assert_eq!(rule.verdict("g.n2.large"), Verdict::Excluded);
/// assert_eq!(rule.verdict("g.n3.large"), Verdict::Supported);
/// # Ok::<(), terraform_provider_jdcloud::jdcloud::RuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The API returned the image without a constraint: every type is supported.
    Unrestricted,
    /// Every type except these is supported.
    Excludes(InstanceTypes),
    /// Only these types are supported.
    Includes(InstanceTypes),
    /// A kind that is not documented: returned as data, without a meaning.
    Unknown {
        /// `constraintsType` as it was returned.
        constraints_type: Arc<str>,
        /// `instanceTypes`, sorted and unique.
        instance_types: InstanceTypes,
    },
}

/// The verdict of a rule on one instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The image supports it.
    Supported,
    /// The `excludes` list of the image contains it.
    Excluded,
    /// The `includes` list of the image does not contain it.
    NotIncluded,
    /// The rule is of an unknown kind.
    Unknown,
}

/// Why a constraint is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The constraint has no kind.
    #[error("the constraint has no constraintsType")]
    NoConstraintsType,
    /// `includes` without a list is ambiguous: no type, or every type.
    #[error("the constraint is of type \"includes\" and has no list of instance types")]
    NoInstanceTypes,
    /// Two rows for one image differ.
    #[error("two rows for this image contradict each other")]
    Contradiction,
}

impl Rule {
    /// The rule of `constraints_type` and `instance_types`; an absent or null list is `None`.
    ///
    /// # Errors
    /// An absent or empty `constraints_type`, and `includes` without a list.
    pub fn new<'a, T>(constraints_type: Option<&str>, instance_types: Option<T>) -> Result<Self, RuleError>
    where
        T: IntoIterator<Item = &'a str>,
    {
        Self::shared(constraints_type, instance_types, &mut Interner::default())
    }

    /// Like [`Rule::new`]; strings and lists are shared through `interner`.
    pub(crate) fn shared<'a, T>(
        constraints_type: Option<&str>,
        instance_types: Option<T>,
        interner: &mut Interner,
    ) -> Result<Self, RuleError>
    where
        T: IntoIterator<Item = &'a str>,
    {
        let kind = constraints_type.filter(|kind| !kind.is_empty()).ok_or(RuleError::NoConstraintsType)?;
        let instance_types = instance_types.map(|types| interner.list(types));
        match (kind, instance_types) {
            (INCLUDES, None) => Err(RuleError::NoInstanceTypes),
            (INCLUDES, Some(types)) => Ok(Self::Includes(types)),
            (EXCLUDES, types) => Ok(Self::Excludes(types.unwrap_or_default())),
            (kind, types) => Ok(Self::Unknown {
                constraints_type: interner.text(kind),
                instance_types: types.unwrap_or_default(),
            }),
        }
    }

    /// The verdict on `instance_type`. The comparison is exact and case-sensitive.
    #[must_use]
    pub fn verdict(&self, instance_type: &str) -> Verdict {
        let listed = |types: &InstanceTypes| types.binary_search_by(|t| (**t).cmp(instance_type)).is_ok();
        match self {
            Self::Unrestricted => Verdict::Supported,
            Self::Excludes(types) if listed(types) => Verdict::Excluded,
            Self::Excludes(_) => Verdict::Supported,
            Self::Includes(types) if listed(types) => Verdict::Supported,
            Self::Includes(_) => Verdict::NotIncluded,
            Self::Unknown { .. } => Verdict::Unknown,
        }
    }

    /// The common rule of two rows for one image, which must have the same meaning.
    ///
    /// # Errors
    /// [`RuleError::Contradiction`] if they do not.
    pub fn agree(self, other: Self) -> Result<Self, RuleError> {
        match (self, other) {
            // An empty `excludes` has the same meaning as no constraint, with more information.
            (Self::Unrestricted, Self::Excludes(types)) | (Self::Excludes(types), Self::Unrestricted)
                if types.is_empty() =>
            {
                Ok(Self::Excludes(types))
            }
            (one, other) if one == other => Ok(one),
            _ => Err(RuleError::Contradiction),
        }
    }

    /// `constraintsType` as in the API; `None` if it returned no constraint.
    #[must_use]
    pub fn constraints_type(&self) -> Option<&str> {
        match self {
            Self::Unrestricted => None,
            Self::Excludes(_) => Some(EXCLUDES),
            Self::Includes(_) => Some(INCLUDES),
            Self::Unknown { constraints_type, .. } => Some(constraints_type),
        }
    }

    /// The listed types of a constraint of any kind.
    #[must_use]
    pub fn instance_types(&self) -> &[Arc<str>] {
        match self {
            Self::Unrestricted => &[],
            Self::Excludes(types) | Self::Includes(types) => types,
            Self::Unknown { instance_types, .. } => instance_types,
        }
    }
}

/// Shares equal strings and equal lists: a region has a few hundred instance types and a few dozen distinct lists,
/// repeated in thousands of images.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: HashSet<Arc<str>>,
    lists: HashSet<InstanceTypes>,
    size: usize,
}

impl Interner {
    /// The memory of a text or a list without its content: two counters, and its entry in a table that is about to grow.
    const OVERHEAD: usize = 64;

    /// Its approximate memory in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.size += Self::OVERHEAD + text.len();
        self.texts.insert(Arc::clone(&new));
        new
    }

    fn list<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> InstanceTypes {
        let mut list: Vec<&str> = texts.into_iter().collect();
        list.sort_unstable();
        list.dedup();
        if let Some(known) = self.lists.get(&ListKey(&list)) {
            return Arc::clone(known);
        }
        let new: InstanceTypes = list.into_iter().map(|text| self.text(text)).collect();
        self.size += Self::OVERHEAD + size_of_val(&*new);
        self.lists.insert(Arc::clone(&new));
        new
    }
}

/// A borrowed list, for a lookup without an allocation.
#[derive(Hash)]
struct ListKey<'a>(&'a [&'a str]);

impl Equivalent<InstanceTypes> for ListKey<'_> {
    fn equivalent(&self, known: &InstanceTypes) -> bool {
        self.0.iter().copied().eq(known.iter().map(|text| &**text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: &str, types: Option<&[&str]>) -> Result<Rule, RuleError> {
        Rule::new(Some(kind), types.map(|t| t.iter().copied()))
    }

    #[test]
    fn a_rule_decides_which_types_are_supported() {
        let cases: &[(&str, Option<&[&str]>, Verdict, Verdict)] = &[
            // (kind, list, verdict for "a", verdict for "A")
            ("excludes", Some(&["b", "a"]), Verdict::Excluded, Verdict::Supported),
            ("excludes", Some(&[]), Verdict::Supported, Verdict::Supported),
            ("excludes", None, Verdict::Supported, Verdict::Supported),
            ("includes", Some(&["a", "b", "a"]), Verdict::Supported, Verdict::NotIncluded),
            ("includes", Some(&[]), Verdict::NotIncluded, Verdict::NotIncluded),
            ("requires", Some(&["a"]), Verdict::Unknown, Verdict::Unknown),
            ("requires", None, Verdict::Unknown, Verdict::Unknown),
            ("Excludes", Some(&["a"]), Verdict::Unknown, Verdict::Unknown),
        ];
        for (kind, types, lower, upper) in cases {
            let rule = rule(kind, *types).unwrap();
            assert_eq!((rule.verdict("a"), rule.verdict("A")), (*lower, *upper), "{kind} {types:?}");
            assert_eq!(rule.constraints_type(), Some(*kind));
        }
        assert_eq!(Rule::Unrestricted.verdict("a"), Verdict::Supported);
    }

    #[test]
    fn ambiguous_constraints_are_errors() {
        assert_eq!(rule("includes", None), Err(RuleError::NoInstanceTypes));
        assert_eq!(rule("", Some(&["a"])), Err(RuleError::NoConstraintsType));
        assert_eq!(Rule::new(None, Some(["a"])), Err(RuleError::NoConstraintsType));
    }

    #[test]
    fn listed_types_are_sorted_and_unique() {
        let rule = rule("excludes", Some(&["b", "a", "b"])).unwrap();
        assert_eq!(rule.instance_types().iter().map(|t| &**t).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn rows_for_one_image_must_have_the_same_meaning() {
        let excludes = |types: &[&str]| rule("excludes", Some(types)).unwrap();
        assert_eq!(excludes(&["a", "b"]).agree(excludes(&["b", "a"])), Ok(excludes(&["a", "b"])));
        assert_eq!(Rule::Unrestricted.agree(excludes(&[])), Ok(excludes(&[])));
        assert_eq!(excludes(&["a"]).agree(excludes(&[])), Err(RuleError::Contradiction));
        assert_eq!(Rule::Unrestricted.agree(excludes(&["a"])), Err(RuleError::Contradiction));
        assert_eq!(
            rule("includes", Some(&["a"])).unwrap().agree(excludes(&["a"])),
            Err(RuleError::Contradiction)
        );
    }

    #[test]
    fn equal_lists_of_many_images_share_one_allocation() {
        let mut interner = Interner::default();
        let mut next = || Rule::shared(Some("excludes"), Some(["b", "a"]), &mut interner).unwrap();
        let (Rule::Excludes(one), Rule::Excludes(other)) = (next(), next()) else { panic!("excludes") };
        assert!(Arc::ptr_eq(&one, &other));
    }
}
