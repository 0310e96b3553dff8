//! Runs every file of `examples/` with Terraform against the emulator: the printed configurations work, and fail with the
//! printed messages.
//!
//! ```text
//! cargo test --test examples
//! UPDATE_EXAMPLES=1 cargo test --test examples    # writes the outputs that the guides print (refused.txt and others)
//! ```
//!
//! The archived provider of `rules/beside-hashicorp-jdcloud` cannot be downloaded in a test. This provider's own binary is
//! installed under its source address instead.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // a test fails by panicking

#[allow(dead_code, unused_imports, unused_macros)] // what only the acceptance tests use
#[path = "acceptance/harness/mod.rs"]
mod harness;

#[path = "examples/example.rs"]
mod example;

#[path = "examples/finding.rs"]
mod finding;
#[allow(dead_code)] // what only the official clients use
#[path = "../emulator/tests/official_clients/packages.rs"]
mod packages;
#[path = "examples/policy.rs"]
mod policy;
#[path = "examples/readme.rs"]
mod readme;
#[path = "examples/registry.rs"]
mod registry;
#[path = "examples/rules.rs"]
mod rules;
#[path = "examples/testing.rs"]
mod testing;
#[path = "examples/tidiness.rs"]
mod tidiness;
#[path = "examples/traps.rs"]
mod traps;
