//! The selection of a read of constraints, and its result.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::jdcloud::call::notice::Notice;
use crate::jdcloud::image_constraints::constraint::Rule;
use crate::jdcloud::settings::Region;

/// The images to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSelection {
    /// Every constrained public and third-party image of the region.
    All,
    /// The images with these ids.
    Named(BTreeSet<Arc<str>>),
}

/// An image that the API returned, with its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `imageId`.
    pub id: Arc<str>,
    /// The instance types that it supports. [`Rule::Unrestricted`] if it was returned without a constraint.
    pub rule: Rule,
}

/// The result of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The region of the read.
    pub region: Region,
    /// The returned images, sorted by id.
    pub images: Vec<Image>,
    /// The ids that were requested and not returned, sorted.
    pub missing: Vec<Arc<str>>,
    /// The problems that were worked around, each reported once per connection.
    pub notices: Vec<Notice>,
}
