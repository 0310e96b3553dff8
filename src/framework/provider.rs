//! The trait of a provider.

use super::{Config, DataSource, Diagnostics, Function, Schema};

/// A provider: its configuration, its data sources and its functions.
pub trait Provider: Send + Sync + 'static {
    /// The configured provider, which every read gets.
    type Configured: Send + Sync + 'static;

    /// The arguments of the provider block.
    fn schema(&self) -> Schema;

    /// Its data sources.
    fn data_sources(&self) -> Vec<Box<dyn DataSource<Self::Configured>>>;

    /// Its functions.
    fn functions(&self) -> Vec<Box<dyn Function>>;

    /// Validates a provider block. Parts of it may be unknown, and those are skipped.
    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics);

    /// Configures the provider. Parts of the block may be unknown. Returns `None` where `diagnostics` contain an error.
    fn configure(
        &self,
        config: &Config,
        host: &Host,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::Configured>;

    /// `text` of a diagnostic without the secrets of `configured`, which a user may have given to another argument.
    fn without_secrets(&self, configured: &Self::Configured, text: &str) -> String;

    /// Cancels reads in progress. Later reads work.
    fn stop(&self, configured: &Self::Configured);
}

/// The host that called us.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The host's version, such as `1.11.4`; may be empty.
    pub terraform_version: String,
}
