//! The trait of a data source.

use async_trait::async_trait;

use super::{Config, Diagnostics, Schema, Value};

/// Something that a configuration reads. `C` is what the provider's configuration became.
#[async_trait]
pub trait DataSource<C>: Send + Sync {
    /// Its name in HCL, the provider's prefix included.
    fn type_name(&self) -> &'static str;

    /// Its arguments and results.
    fn schema(&self) -> Schema;

    /// Checks a configuration, parts of which may be unknown: what can't be judged yet is passed over. Terraform calls
    /// this before the provider has credentials, and again before each read. Read-only attributes are refused already.
    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics);

    /// Reads it: returns the value of the whole block. `config` has passed [`Self::validate`] and is wholly known.
    ///
    /// # Errors
    /// When it can't be read; the reason is an error in `diagnostics`.
    async fn read(
        &self,
        configured: &C,
        config: &Config,
        diagnostics: &mut Diagnostics,
    ) -> Result<Value, ReadError>;
}

/// Why a data source was not read. `diagnostics` hold an error that says it to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// It failed.
    Failed,
    /// It needs arguments of the provider block that are not known yet. A host that accepts deferred responses gets one
    /// instead of the error.
    ProviderConfigUnknown,
}
