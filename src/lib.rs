//! The parts of the JD Cloud provider plugin for Terraform and OpenTofu.
//!
//! This library exists for the binary and the tests; it has no stable interface. `provider` combines [`framework`] and
//! [`jdcloud`]; [`tfplugin`] serves a `framework` provider over Terraform's protocols; [`go_plugin`] is the contract with
//! the host process and knows none of them.

pub mod framework;
pub mod go_plugin;
pub mod jdcloud;
pub mod provider;
pub mod tfplugin;
