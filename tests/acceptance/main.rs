//! Acceptance tests: the built binary, installed as users install it, under real Terraform, against the emulator.
//!
//! ```text
//! make test                                        # sets Terraform up if there is none
//! cargo test --test acceptance                     # with `terraform` (or `tofu`) in PATH
//! TERRAFORM=/opt/terraform-1.9 cargo test --test acceptance rules
//! ```
//!
//! Each case has a directory, an environment and an emulator of its own, and runs on protocol 6 and on protocol 5.
//! For every command, [`harness::Case`] also checks that the selected protocol was used, that no secret is shown, that nothing
//! crashed, and that no process or socket is left.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // a test fails by panicking

mod harness;

mod data_source;
mod deferred;
mod functions;
mod images;
mod input;
mod instance_types;
mod lifecycle;
mod mocks;
mod provider_block;
mod responses;
mod rules;
mod schema;
mod verify;
mod wording;
