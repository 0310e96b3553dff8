//! JD Cloud's own clients against the emulator, so that somebody else vouches for its reading of the API.
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
