//! The JD Cloud provider: where the framework meets the API client.
//!
//! Turns configurations into clients, results into values, and errors into diagnostics. What a constraint means is decided
//! in [`crate::jdcloud`], not here.

mod configuration;
mod data_sources;
mod diagnostics;
mod duration;
mod functions;
mod names;
mod sentence;

use crate::framework::{Config, DataSource, Diagnostics, Function, Host, Provider, Schema};
use crate::jdcloud::Client;

/// The name of the provider in configurations, and the prefix of its data sources.
pub const NAME: &str = "jdcloud";

/// Where Terraform finds the provider.
pub const SOURCE_ADDRESS: &str = "registry.terraform.io/jdcloud/jdcloud";

/// Where OpenTofu finds the provider.
pub const OPENTOFU_ADDRESS: &str = "registry.opentofu.org/jdcloud/jdcloud";

/// The provider's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The provider.
pub struct JdCloud;

impl Provider for JdCloud {
    type Configured = Client;

    fn schema(&self) -> Schema {
        configuration::schema()
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<Client>>> {
        data_sources::all()
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        functions::all()
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        configuration::validate(config, diagnostics);
    }

    fn configure(&self, config: &Config, host: &Host, diagnostics: &mut Diagnostics) -> Option<Client> {
        configuration::client(config, host, diagnostics)
    }

    fn without_secrets(&self, client: &Client, text: &str) -> String {
        client.without_secrets(text)
    }

    fn stop(&self, client: &Client) {
        client.stop();
    }
}
