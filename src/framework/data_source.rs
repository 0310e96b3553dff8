//! The trait of a data source.

use async_trait::async_trait;

use super::{Config, Diagnostics, Schema, Value};

/// A data source. `C` is [`super::Provider::Configured`].
#[async_trait]
pub trait DataSource<C>: Send + Sync {
    /// Its type name in HCL, with the provider's prefix.
    fn type_name(&self) -> &'static str;

    /// Its arguments and results.
    fn schema(&self) -> Schema;

    /// Validates a configuration. Parts of it may be unknown, and those are skipped. Terraform calls this before the
    /// provider is configured, and again before each read. Read-only attributes are already rejected.
    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics);

    /// Reads the data source and returns the value of the whole block. `config` is valid and wholly known.
    ///
    /// # Errors
    /// When it cannot be read. `diagnostics` then contain an error for the user.
    async fn read(
        &self,
        configured: &C,
        config: &Config,
        diagnostics: &mut Diagnostics,
    ) -> Result<Value, ReadError>;
}

/// Why a data source was not read. `diagnostics` contain the error for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The read failed.
    Failed,
    /// The read needs arguments of the provider block that are not known yet. Hosts that accept deferred responses get
    /// one in place of the error.
    ProviderConfigUnknown,
}
