//! The harness of the acceptance tests. The cases are in the files beside this directory.

mod case;
mod cli;
mod diagnostic;
mod mirror;
mod outcome;
mod static_server;

pub(crate) use case::{Case, CaseBuilder, Signal};
pub(crate) use cli::{Cli, Feature};
pub(crate) use diagnostic::{Diagnostic, Expected};
pub(crate) use mirror::Protocol;
pub(crate) use outcome::{Outcome, same};
pub(crate) use static_server::StaticServer;

/// Runs each case with protocol 5 and with protocol 6, if Terraform has the required feature.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        $crate::harness::cases!(Plain: $($case),+);
    };
    ($feature:ident: $($case:ident),+ $(,)?) => {
        mod protocol_5 {
            $(#[test] fn $case() { $crate::harness::run($crate::harness::Protocol::V5, $crate::harness::Feature::$feature, super::$case) })+
        }
        mod protocol_6 {
            $(#[test] fn $case() { $crate::harness::run($crate::harness::Protocol::V6, $crate::harness::Feature::$feature, super::$case) })+
        }
    };
}
pub(crate) use cases;

/// Runs a case, or reports that Terraform is too old for it.
pub(crate) fn run(protocol: Protocol, feature: Feature, case: fn(Protocol)) {
    let cli = Cli::get();
    if cli.has(feature) {
        case(protocol);
    } else {
        eprintln!("not applicable: {} has no {}", cli.name(), feature.description());
    }
}
