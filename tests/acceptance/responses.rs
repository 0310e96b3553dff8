//! Invalid responses: a plan never treats them as "no constraints".

use std::time::{Duration, Instant};

use jdcloud_emulator::{Answer, FailBody, MalformedRow, Options, Scenario};

use crate::harness::{Case, CaseBuilder, Diagnostic, Expected, Outcome, Protocol, StaticServer, cases};

cases!(
    responses_of_other_servers_are_errors,
    responses_to_other_requests_are_errors,
    control_sequences_in_responses_are_not_shown,
    unexpected_json_is_an_error,
    errors_about_unexpected_json_use_json_terms,
    binary_responses_are_not_shown,
    messages_mention_retries_only_after_retries,
    incomplete_and_redirected_responses_are_errors,
    errors_of_jd_cloud_are_explained,
    a_temporary_failure_is_retried,
    a_read_ends_at_its_timeout_if_the_api_does_not_respond,
    a_wrong_clock_is_corrected_with_a_warning,
    malformed_rows_are_errors,
    a_response_without_rows_has_no_constraints,
    messages_have_the_details_for_a_ticket,
    every_failed_read_is_reported,
);
mod with_functions {
    use super::*;
    cases!(Functions: control_sequences_in_constraints_are_not_shown);
}

fn build(protocol: Protocol) -> CaseBuilder {
    Case::build(
        protocol,
        r#"
provider "jdcloud" {
  max_retries     = 0
  request_timeout = "10s"
}
data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204"]
}
"#,
    )
}

fn refuses(case: &Case, summary: &str, says: &[&str]) -> Diagnostic {
    let refused = case.plan();
    refused.refused_with(&[Expected { summary, says, at: "data \"jdcloud_image_constraints\" \"web\"" }]);
    let error = refused.diagnostics().of_severity("error").0.remove(0);
    assert!(error.detail.len() < 2000, "the detail quotes too much of the response: {}", error.detail);
    let calls = case.emulator().counters().calls;
    assert!(calls <= 1, "{calls} calls, although max_retries is 0");
    error
}

const NOT_TREATED: &str = "It was not treated as \"no constraints\".";

fn responses_of_other_servers_are_errors(protocol: Protocol) {
    let garbage = garbage();
    let mut case = build(protocol).init();
    for (content_type, body, summary, says) in [
        (
            "application/octet-stream",
            &garbage[..],
            "The response is not JSON",
            "The response has the content type application/octet-stream",
        ),
        (
            "text/html",
            b"<html><title>Log in</title></html>",
            "The response is not JSON",
            "it begins with: \"<html><title>Log in",
        ),
        ("application/json", b"", "The response is not JSON", "The response is empty"),
        (
            "application/json",
            b"{\"requestId\":\"r\",\"result\":{\"imageC",
            "The response is not JSON",
            "cut off",
        ),
        ("application/json", b"{}", "Unexpected response", NOT_TREATED),
        ("application/json", b"[]", "Unexpected response", NOT_TREATED),
        ("application/json", b"[\"r\", null, null]", "Unexpected response", NOT_TREATED),
        ("application/json", b"null", "Unexpected response", NOT_TREATED),
        ("application/json", b"{\"requestId\": 5}", "Unexpected response", NOT_TREATED),
    ] {
        let server = StaticServer::responding(content_type, body);
        case.set("JDCLOUD_VM_ENDPOINT", &server.url());
        refuses(&case, summary, &[says, "JDCLOUD_VM_ENDPOINT"]);
    }
}

/// A gateway's error with status 200, a renamed field, the response to another request: if these were accepted, the image
/// would have no constraint, and the plan would pass.
fn responses_to_other_requests_are_errors(protocol: Protocol) {
    let mut case = build(protocol).init();
    let row = |id: &str, field: &str| {
        format!(
            r#"{{"requestId":"r","result":{{"imageConstraints":[{{"imageId":"{id}","{field}":{{"constraintsType":"excludes","instanceTypes":["g.n4.large"]}}}}]}}}}"#
        )
    };
    let constraint = "imageInstanceTypeConstraint";
    for (body, summary, says) in [
        (
            r#"{"requestId":"r","code":500,"message":"internal error"}"#.to_owned(),
            "Unexpected response",
            &["has the undocumented field \"code\"", NOT_TREATED][..],
        ),
        (
            r#"{"requestId":"r","result":{"image_constraints":[]}}"#.to_owned(),
            "Unexpected response",
            &["has the undocumented field \"image_constraints\"", NOT_TREATED],
        ),
        (
            r#"{"requestId":"","result":{"imageConstraints":[]}}"#.to_owned(),
            "Unexpected response",
            &["without a requestId", NOT_TREATED],
        ),
        (
            row("img-ubuntu2204", "constraint"),
            "Malformed response",
            &["has an undocumented one", "requestId: r"],
        ),
        (
            row("img-other", constraint),
            "The response is for another request",
            &["a row for image img-other, but the request was for img-ubuntu2204.", "requestId: r"],
        ),
        (
            row("IMG-UBUNTU2204", constraint),
            "The response is for another request",
            &["a row for image IMG-UBUNTU2204, but the request was for img-ubuntu2204."],
        ),
    ] {
        let server = StaticServer::responding("application/json", body.as_bytes());
        case.set("JDCLOUD_VM_ENDPOINT", &server.url());
        refuses(&case, summary, says);
    }
}

/// Control sequences in every part of a response that messages quote.
fn control_sequences_in_responses_are_not_shown(protocol: Protocol) {
    let mut case = build(protocol).init();
    let forged = "\\u001b[2J\\u001b[HApply complete! Resources: 1 added\\n".repeat(20_000);
    for body in [
        format!(
            r#"{{"requestId":"{forged}","error":{{"code":400,"status":"{forged}","message":"{forged}"}}}}"#
        ),
        format!(r#"{{"requestId":"r","result":"{forged}"}}"#),
        format!(r#"{{"requestId":"r","{forged}":1}}"#),
        format!(r#"{{"requestId":"r","result":{{"imageConstraints":[{{"imageId":"{forged}"}}]}}}}"#),
        format!("<html>{}", forged.replace("\\u001b", "\u{1b}")),
    ] {
        let server = StaticServer::responding("application/json", body.as_bytes());
        case.set("JDCLOUD_VM_ENDPOINT", &server.url());
        let refused = case.plan();
        refused.failed();
        let error = refused.diagnostics().of_severity("error").0.remove(0);
        assert!(error.detail.len() < 4_000, "{}", error.detail.len());
        assert!(!error.detail.contains('\u{1b}'), "{}", error.detail);
        assert!(!refused.log.contains("\\u001b[2J") && !refused.log.contains('\u{1b}'), "it is in the log");
    }
}

/// Control sequences in what functions and the warning of an unknown kind quote: they could clear the terminal, and print a
/// plan that was never made.
fn control_sequences_in_constraints_are_not_shown(protocol: Protocol) {
    let functions = r#"
output "explained" {
  value = 1
  precondition {
    condition     = data.jdcloud_image_constraints.web.id == ""
    error_message = provider::jdcloud::explain_instance_type(ARGUMENTS)
  }
}
output "supported" {
  value = provider::jdcloud::supports_instance_type(ARGUMENTS)
}
"#
    .replace("ARGUMENTS", "data.jdcloud_image_constraints.web, \"img-ubuntu2204\", \"g.n4.large\"");
    let mut case = build(protocol).file("functions.tf", &functions).init();
    let forged = "\\u001b[2J\\u001b[HApply complete! Resources: 1 added\\n".repeat(20);
    // An unknown kind is quoted by the warning, by the error of `supports_instance_type` and by the explanation.
    for (kind, instance_type, shown) in [(&*forged, "g.n3.large", 3), ("excludes", &*forged, 1)] {
        let body = format!(
            r#"{{"requestId":"r","result":{{"imageConstraints":[{{"imageId":"img-ubuntu2204","imageInstanceTypeConstraint":{{"constraintsType":"{kind}","instanceTypes":["{instance_type}","g.n4.large"]}}}}]}}}}"#
        );
        let server = StaticServer::responding("application/json", body.as_bytes());
        case.set("JDCLOUD_VM_ENDPOINT", &server.url());
        let refused = case.plan();
        refused.failed();
        let diagnostics = refused.diagnostics().0;
        for diagnostic in &diagnostics {
            assert!(!diagnostic.detail.contains('\u{1b}'), "{}", diagnostic.detail);
            assert!(diagnostic.detail.len() < 1_000, "{}", diagnostic.detail.len());
        }
        let escaped = diagnostics.iter().filter(|one| one.detail.contains("\\u{1b}[2J")).count();
        assert_eq!(escaped, shown, "{refused}");
    }
}

/// JSON that is similar to a response of JD Cloud.
const UNEXPECTED_JSON: [&str; 10] = [
    r#"[]"#,
    r#"[null]"#,
    r#"[[]]"#,
    r#""none""#,
    r#"{"imageConstraints": {}}"#,
    r#"{"imageConstraints": [null]}"#,
    r#"{"imageConstraints": [["img-ubuntu2204", null]]}"#,
    r#"{"imageConstraints": [{"imageId": 5}]}"#,
    r#"{"imageConstraints": [{"imageId": "img-ubuntu2204", "imageInstanceTypeConstraint": []}]}"#,
    r#"{"imageConstraints": [{"imageId": "img-ubuntu2204", "imageInstanceTypeConstraint": ["excludes", []]}]}"#,
];

/// Plans with a server whose response has a `requestId` and this `result`.
#[track_caller]
fn plan_with_result(case: &mut Case, result: &str) -> Outcome {
    let answer = format!("{{\"requestId\": \"r\", \"result\": {result}}}");
    let server = StaticServer::responding("application/json", answer.as_bytes());
    case.set("JDCLOUD_VM_ENDPOINT", &server.url());
    case.plan()
}

/// If these were accepted, most of them would have no rows, and every rule would pass.
fn unexpected_json_is_an_error(protocol: Protocol) {
    let mut case = build(protocol).init();
    let accepted: Vec<_> =
        UNEXPECTED_JSON.into_iter().filter(|result| plan_with_result(&mut case, result).success).collect();
    assert_eq!(accepted, [""; 0], "these were treated as responses without constraints");
}

fn errors_about_unexpected_json_use_json_terms(protocol: Protocol) {
    let mut case = build(protocol).init();
    for result in UNEXPECTED_JSON {
        for error in plan_with_result(&mut case, result).diagnostics().of_severity("error").0 {
            for word in ["struct", "sequence", "ResultBody", "Row", "Constraint ", "tuple"] {
                assert!(
                    !error.detail.contains(word),
                    "{word:?} is a term of the implementation: {}",
                    error.detail
                );
            }
        }
    }
}

/// Ten megabytes of binary data that cannot be compressed.
fn garbage() -> Vec<u8> {
    (0..10_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn binary_responses_are_not_shown(protocol: Protocol) {
    let server = StaticServer::responding("application/octet-stream", &garbage());
    let case = build(protocol).variable("JDCLOUD_VM_ENDPOINT", server.url()).init();
    let error = refuses(
        &case,
        "The response is not JSON",
        &["The response has the content type application/octet-stream"],
    );
    let readable = |character: char| character != char::REPLACEMENT_CHARACTER;
    assert!(error.detail.chars().all(readable), "binary data is shown: {}", error.detail);
}

fn messages_mention_retries_only_after_retries(protocol: Protocol) {
    let failing: fn(&mut Scenario) = |scenario| scenario.fail_first = 9;
    let throttling: fn(&mut Scenario) = |scenario| scenario.throttle_per_minute = Some(0);
    for change in [failing, throttling] {
        let refused = with(protocol, change).plan();
        let error = refused.diagnostics().of_severity("error").0.remove(0);
        assert!(error.detail.contains("Attempts:  1 "), "{}", error.detail);
        let said = error.detail.replace("max_retries", "");
        assert!(!said.contains("retries"), "there was one attempt: {}", error.detail);
    }
}

fn with(protocol: Protocol, change: impl FnOnce(&mut Scenario)) -> Case {
    build(protocol).emulator(|options| change(&mut options.scenario)).init()
}

fn incomplete_and_redirected_responses_are_errors(protocol: Protocol) {
    let portal = with(protocol, |scenario| scenario.answer = Answer::Html);
    refuses(
        &portal,
        "The response is not JSON",
        &["The response has the content type text/html", "a proxy or a login page"],
    );
    let cut = with(protocol, |scenario| scenario.cut_json = true);
    refuses(&cut, "The response is not JSON", &["ends too early", "cut off"]);
    let broken = with(protocol, |scenario| scenario.cut_body = true);
    refuses(&broken, "The connection to JD Cloud broke", &["before the response was complete"]);
    let reset = with(protocol, |scenario| scenario.reset_first = 1);
    refuses(&reset, "The connection to JD Cloud broke", &[]);
    let redirect = with(protocol, |scenario| scenario.answer = Answer::Redirect);
    refuses(&redirect, "Redirected away from JD Cloud", &["HTTP 302"]);
    let bomb = with(protocol, |scenario| scenario.huge_body_mb = Some(80));
    refuses(&bomb, "The response is too large", &["larger than 64 MiB"]);
}

fn errors_of_jd_cloud_are_explained(protocol: Protocol) {
    let forbidden = with(protocol, |scenario| scenario.answer = Answer::ForbiddenIp);
    refuses(&forbidden, "JD Cloud refuses this IP address", &["allow list", "HTTP 403, HTTP_FORBIDDEN"]);
    let denied = with(protocol, |scenario| scenario.answer = Answer::PermissionDenied);
    refuses(
        &denied,
        "JD Cloud denies the permission",
        &["describeImageConstraintsBatch", "HTTP 403, PERMISSION_DENIED"],
    );
    let failed = with(protocol, |scenario| scenario.fail_first = 9);
    refuses(&failed, "JD Cloud failed", &["HTTP 500", "requestId: "]);
    let gateway = with(protocol, |scenario| {
        scenario.fail_first = 9;
        scenario.fail_status = 502;
        scenario.fail_body = FailBody::Html;
    });
    refuses(&gateway, "JD Cloud failed", &["HTTP 502"]);
    let throttled = with(protocol, |scenario| scenario.throttle_per_minute = Some(0));
    refuses(&throttled, "JD Cloud throttles this account", &["HTTP 429, HTTP_RATE_LIMIT_EXCEEDED"]);
}

fn a_temporary_failure_is_retried(protocol: Protocol) {
    let hcl = "data \"jdcloud_image_constraints\" \"web\" {\n  ids = [\"img-ubuntu2204\"]\n}\n";
    let gateway = |options: &mut Options| {
        options.scenario.fail_first = 2;
        options.scenario.fail_status = 503;
    };
    let case = Case::build(protocol, hcl).emulator(gateway).init();
    case.plan().warned_of(&[]);
    assert_eq!(case.emulator().counters().calls, 3, "two temporary failures need two retries");
}

fn a_read_ends_at_its_timeout_if_the_api_does_not_respond(protocol: Protocol) {
    let hcl = r#"
provider "jdcloud" {
  read_timeout = "1s"
}
data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204"]
}
"#;
    let case = Case::build(protocol, hcl).emulator(|options| options.scenario.hang_first = 100).init();
    let begun = Instant::now();
    refuses(&case, "JD Cloud did not respond in time", &["within 1 s", "read_timeout"]);
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "read_timeout is 1 s and it took {:?}",
        begun.elapsed()
    );
}

fn a_wrong_clock_is_corrected_with_a_warning(protocol: Protocol) {
    for (source, argument) in [
        ("jdcloud_image_constraints", "ids = [\"img-ubuntu2204\"]"),
        ("jdcloud_images", "ids = [\"img-ubuntu2204\"]"),
        ("jdcloud_instance_types", "names = [\"g.n4.large\"]"),
    ] {
        let block = format!("data \"{source}\" \"web\"");
        let case = Case::build(protocol, &format!("{block} {{\n  {argument}\n}}\n"))
            .emulator(|options| options.scenario.clock_skew_s = 3 * 3600)
            .init();
        case.plan().warned_of(&[Expected {
            summary: "The clock of this machine is wrong",
            says: &["It is 3 h behind JD Cloud's clock.", "Set the clock, for example by enabling NTP."],
            at: &block,
        }]);
        assert_eq!(case.emulator().counters().calls, 2, "{source}: the clock is corrected once");
    }
}

fn malformed_rows_are_errors(protocol: Protocol) {
    for (row, problem) in [
        (MalformedRow::NoImageId, "it has no imageId"),
        (MalformedRow::EmptyType, "its constraint has no constraintsType"),
        (MalformedRow::NullType, "its constraint has no constraintsType"),
        (
            MalformedRow::IncludesNull,
            "its constraint is of the type \"includes\" and has no list of instance types",
        ),
    ] {
        let case = with(protocol, |scenario| scenario.malformed_row = Some(row));
        refuses(&case, "Malformed response", &["Row 1 of JD Cloud's response", problem, "requestId: "]);
    }
    let contradiction = Case::new(
        protocol,
        "data \"jdcloud_image_constraints\" \"web\" {\n  region = \"cn-odd-1\"\n  ids    = [\"img-quarrel\"]\n}\n",
    );
    refuses(
        &contradiction,
        "Malformed response",
        &["for image img-quarrel,", "it contradicts another row for the same image"],
    );
}

fn a_response_without_rows_has_no_constraints(protocol: Protocol) {
    for answer in [Answer::ResultNull, Answer::ResultAbsent] {
        let case = with(protocol, |scenario| scenario.answer = answer);
        case.plan().warned_of(&[]);
    }
    let case = with(protocol, |scenario| scenario.extra_fields = true);
    case.plan().warned_of(&[]);
}

fn messages_have_the_details_for_a_ticket(protocol: Protocol) {
    let case = with(protocol, |scenario| {
        scenario.fail_first = 9;
        scenario.fail_status = 503;
    });
    let refused = case.text(&["plan"]);
    refused.failed();
    refused.shows(
        r#"Error: JD Cloud failed
           with data.jdcloud_image_constraints.web,
           on main.tf line 5, in data "jdcloud_image_constraints" "web":
           5: data "jdcloud_image_constraints" "web" {
           JD Cloud responded with a server error"#,
    );
    let endpoint = case.emulator().url();
    refused.shows(&format!(
        "Request: describeImageConstraintsBatch for 1 image (img-ubuntu2204) in cn-north-1 at {endpoint} \
         Response: HTTP 503, "
    ));
    refused.shows("requestId: ");
    refused.shows("Attempts: 1 in ");
}

fn every_failed_read_is_reported(protocol: Protocol) {
    let hcl = r#"
provider "jdcloud" {
  max_retries = 0
}
data "jdcloud_image_constraints" "good" {
  ids = ["img-ubuntu2204"]
}
data "jdcloud_image_constraints" "bad" {
  ids = ["img-poison"]
}
data "jdcloud_image_constraints" "elsewhere" {
  region = "cn-nowhere-9"
}
"#;
    let case = Case::build(protocol, hcl)
        .emulator(|options| options.scenario.poisoned_ids = vec!["img-poison".to_owned()])
        .init();
    case.plan().refused_with(&[
        Expected {
            summary: "JD Cloud refused the request",
            says: &["HTTP 400", "img-poison"],
            at: "data \"jdcloud_image_constraints\" \"bad\"",
        },
        Expected {
            summary: "JD Cloud found nothing at this address",
            says: &["cn-nowhere-9"],
            at: "data \"jdcloud_image_constraints\" \"elsewhere\"",
        },
    ]);
}
