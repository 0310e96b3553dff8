//! The trait of a provider.

use super::{Config, DataSource, Diagnostics, Function, Schema};

/// A provider: its configuration, and what it offers.
pub trait Provider: Send + Sync + 'static {
    /// What a configuration becomes; every read gets it.
    type Configured: Send + Sync + 'static;

    /// The arguments of the provider block.
    fn schema(&self) -> Schema;

    /// What configurations can read.
    fn data_sources(&self) -> Vec<Box<dyn DataSource<Self::Configured>>>;

    /// What expressions can call.
    fn functions(&self) -> Vec<Box<dyn Function>>;

    /// Checks a provider block, parts of which may be unknown: what can't be judged yet is passed over.
    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics);

    /// Takes a configuration in, parts of which may be unknown. Returns nothing where `diagnostics` hold an error.
    fn configure(
        &self,
        config: &Config,
        host: &Host,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::Configured>;

    /// Ends what is in flight. Reads that come later work.
    fn stop(&self, configured: &Self::Configured);
}

/// Who asks.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The version that the host calls itself, such as `1.11.4`; empty where it does not say.
    pub terraform_version: String,
}
