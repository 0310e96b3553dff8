//! `terraform test`: the suites that show users how to test their own modules.

use crate::example::{build, suits};
use crate::harness::{Feature, Protocol};

#[test]
fn suites_with_mocks_need_no_account() {
    if !suits(Feature::CrossValidation) {
        return;
    }
    for protocol in [Protocol::V5, Protocol::V6] {
        let case = build(protocol, "testing").without_settings().init();
        let test = case.text(&["test"]);
        test.succeeded();
        test.shows("Success! 4 passed, 0 failed.");
        assert_eq!(case.emulator().counters().calls, 0, "a test with mocks called JD Cloud");
    }
}

#[test]
fn a_suite_without_mocks_makes_requests() {
    if !suits(Feature::CrossValidation) {
        return;
    }
    let case = build(Protocol::V6, "testing").init();
    let test = case.text(&["test", "-test-directory=emulator"]);
    test.succeeded();
    test.shows("Success! 2 passed, 0 failed.");
    assert!(case.emulator().counters().calls > 0, "no request was made");
}

/// A suite that cannot fail tests nothing.
#[test]
fn a_module_without_its_rule_fails_its_suites() {
    if !suits(Feature::CrossValidation) {
        return;
    }
    let main = std::fs::read_to_string(crate::example::root().join("testing/main.tf")).unwrap();
    let begin = main.find("\n  validation {").unwrap();
    let end = begin + main[begin..].find("\n  }\n").unwrap() + "\n  }\n".len();
    let without = format!("{}\n{}", &main[..begin], &main[end..]);
    let case = build(Protocol::V6, "testing").without_settings().file("main.tf", &without).init();
    let test = case.text(&["test"]);
    test.failed();
    test.shows("2 passed, 2 failed.");
}
