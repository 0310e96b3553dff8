//! The selection of a read of constraints, and its result.

use std::collections::BTreeSet;
use std::sync::Arc;

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

/// A problem that a read worked around and that users should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// This machine's clock is wrong; requests are signed with the server's time.
    ClockCorrected {
        /// The server's time minus this machine's time.
        by: time::Duration,
    },
    /// The API refused the signature JDCLOUD2-HMAC-SHA256 and accepted JDCLOUD3-HMAC-SHA256.
    SignatureVersion3,
    /// The API refused requests for `from` ids and accepts requests for `to`.
    SmallerBatches {
        /// The refused size.
        from: usize,
        /// The accepted size.
        to: usize,
    },
    /// Responses to larger requests were incomplete without an error; the provider requests at most `limit` ids at once.
    IncompleteResponses {
        /// The size without incomplete responses.
        limit: usize,
    },
}
