//! What a read asks and what it gets.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::jdcloud::image_constraints::constraint::Rule;
use crate::jdcloud::settings::Region;

/// Which images a read asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSelection {
    /// Every constrained public and third-party image of the region.
    All,
    /// These.
    Named(BTreeSet<String>),
}

/// An image that the API returned, with its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `imageId`.
    pub id: Arc<str>,
    /// What it may run on. [`Rule::Unrestricted`] when it was returned without a constraint.
    pub rule: Rule,
}

/// The answer of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The region that was asked.
    pub region: Region,
    /// The images that were returned, sorted by id.
    pub images: Vec<Image>,
    /// The ids that were asked for and not returned, sorted.
    pub missing: Vec<Arc<str>>,
    /// What was worked around, each said once in a connection's life.
    pub notices: Vec<Notice>,
}

/// Something that a read worked around and that its user should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// This machine's clock is wrong; requests are signed with the server's time.
    ClockCorrected {
        /// The server's time less ours.
        by: time::Duration,
    },
    /// The API refused the signature JDCLOUD2-HMAC-SHA256 and accepted JDCLOUD3-HMAC-SHA256.
    SignatureVersion3,
    /// The API refused calls of `from` ids and takes calls of `to`.
    SmallerBatches {
        /// The size that was refused.
        from: usize,
        /// The size that works.
        to: usize,
    },
    /// The API silently left out ids of larger requests; the provider asks for at most `limit` at once.
    IncompleteResponses {
        /// The size that works.
        limit: usize,
    },
}
