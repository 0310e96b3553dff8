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

    /// Reads it. `config` has passed [`Self::validate`] and is wholly known. Returns the value of the whole block, or
    /// nothing where `diagnostics` hold an error.
    async fn read(&self, configured: &C, config: &Config, diagnostics: &mut Diagnostics) -> Option<Value>;
}
