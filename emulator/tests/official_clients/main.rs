//! Runs JD Cloud's own clients against the emulator, as an independent check of its API.
//!
//! They sign with `JDCLOUD3-HMAC-SHA256`. They are fetched from the Python package index at pinned versions.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what clippy.toml allows in tests, for what tests share"
)]

mod command_line;
mod packages;
mod python_sdk;
