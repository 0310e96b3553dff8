//! The parts of the JD Cloud provider plugin for Terraform and OpenTofu.
//!
//! This library exists for the binary beside it and for the tests; it promises no stable interface. Layers only
//! point downwards: `provider` joins [`framework`] and [`jdcloud`], [`tfplugin`] speaks Terraform's protocols for a
//! `framework` provider, [`go_plugin`] is the contract with the host process and knows none of them.

pub mod framework;
pub mod go_plugin;
pub mod jdcloud;
pub mod provider;
pub mod tfplugin;
