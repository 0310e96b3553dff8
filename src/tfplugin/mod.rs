//! Terraform's two plugin protocols as thin adapters over a `framework` server.

pub mod proto;
