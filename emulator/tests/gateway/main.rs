//! Black-box tests of the emulator: over sockets, and as a program.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what clippy.toml allows in tests, for what tests share"
)]

mod catalogues;
mod client;
mod hostile_answers;
mod https;
mod images;
mod instance_types;
mod journal;
mod limits;
mod program;
mod scenarios;
mod signatures;
