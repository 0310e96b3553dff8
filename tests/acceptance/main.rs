//! Acceptance tests: the built binary, installed as users install it, under real Terraform, against the emulator.
//!
//! ```text
//! make test                                        # sets Terraform up if there is none
//! cargo test --test acceptance                     # with `terraform` (or `tofu`) in PATH
//! TERRAFORM=/opt/terraform-1.9 cargo test --test acceptance rules
//! ```
//!
//! Each case has a directory, an environment and an emulator of its own, and runs on protocol 6 and on protocol 5.
//! Whatever a case is about, [`harness::Case`] also checks that the protocol was really the one asked for, that no
//! secret came out, that nothing crashed, and that no process or socket is left behind.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // a test fails by panicking

mod harness;

mod answers;
mod data_source;
mod deferred;
mod functions;
mod images;
mod input;
mod instance_types;
mod lifecycle;
mod mocks;
mod provider_block;
mod rules;
mod schema;
mod verify;
mod wording;
