//! Answers that are none: whatever comes back, a plan never takes it for "no constraints".

use jdcloud_emulator::{Answer, FailBody, MalformedRow, Scenario};

use crate::harness::{Case, CaseBuilder, Diagnostic, Expected, Protocol, Stranger, cases};

cases!(
    strangers_answers_are_refused,
    broken_answers_are_refused,
    errors_of_jd_cloud_are_explained,
    malformed_rows_are_refused,
    an_answer_without_rows_has_no_constraints,
    a_message_has_what_a_ticket_needs,
    one_failed_read_does_not_hide_another,
);

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
    assert!(error.detail.len() < 2000, "a screen full of somebody's answer: {}", error.detail);
    let calls = case.emulator().counters().calls;
    assert!(calls <= 1, "{calls} calls, although max_retries is 0");
    error
}

fn strangers_answers_are_refused(protocol: Protocol) {
    // Nothing that compresses, and nothing that is text.
    let garbage: Vec<u8> = (0..10_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let many_rows = format!("{{\"requestId\": \"r\", \"result\": {}", "[".repeat(1 << 20));
    for (content_type, body, summary, says) in [
        (
            "application/octet-stream",
            &garbage[..],
            "The answer is not JSON",
            "What came is application/octet-stream",
        ),
        (
            "text/html",
            b"<html><title>Log in</title></html>",
            "The answer is not JSON",
            "it begins with: \"<html><title>Log in",
        ),
        ("application/json", b"", "The answer is not JSON", "What came is application/json"),
        (
            "application/json",
            b"{\"requestId\":\"r\",\"result\":{\"imageC",
            "The answer is not JSON",
            "requestId",
        ),
        ("application/json", many_rows.as_bytes(), "The answer is not JSON", "it begins with"),
        ("application/json", b"{}", "Unexpected response", "It was not taken for \"no constraints\"."),
        ("application/json", b"[]", "Unexpected response", "It was not taken for \"no constraints\"."),
        ("application/json", b"null", "Unexpected response", "It was not taken for \"no constraints\"."),
        (
            "application/json",
            b"{\"requestId\": 5}",
            "Unexpected response",
            "It was not taken for \"no constraints\".",
        ),
        (
            "application/json",
            b"{\"requestId\": \"\"}",
            "Unexpected response",
            "It was not taken for \"no constraints\".",
        ),
    ] {
        let stranger = Stranger::answering(content_type, body);
        let case = build(protocol).variable("JDCLOUD_VM_ENDPOINT", stranger.url()).init();
        refuses(&case, summary, &[says, "vm_endpoint"]);
    }
}

fn with(protocol: Protocol, change: impl FnOnce(&mut Scenario)) -> Case {
    build(protocol).emulator(|options| change(&mut options.scenario)).init()
}

fn broken_answers_are_refused(protocol: Protocol) {
    let portal = with(protocol, |scenario| scenario.answer = Answer::Html);
    refuses(&portal, "The answer is not JSON", &["What came is text/html", "a proxy or a login page"]);
    let cut = with(protocol, |scenario| scenario.cut_json = true);
    refuses(&cut, "The answer is not JSON", &["it begins with"]);
    let broken = with(protocol, |scenario| scenario.cut_body = true);
    refuses(&broken, "The connection to JD Cloud broke", &["before the answer was complete"]);
    let reset = with(protocol, |scenario| scenario.reset_first = 1);
    refuses(&reset, "The connection to JD Cloud broke", &[]);
    let redirect = with(protocol, |scenario| scenario.answer = Answer::Redirect);
    refuses(&redirect, "Redirected away from JD Cloud", &["HTTP 302"]);
    let bomb = with(protocol, |scenario| scenario.huge_body_mb = Some(80));
    refuses(&bomb, "The answer is too large", &["larger than 64 MiB"]);
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

fn malformed_rows_are_refused(protocol: Protocol) {
    for (row, problem) in [
        (MalformedRow::NoImageId, "it has no imageId"),
        (MalformedRow::EmptyType, "its constraint has no constraintsType"),
        (MalformedRow::NullType, "its constraint has no constraintsType"),
        (MalformedRow::IncludesNull, "it is of the kind \"includes\" and has no list of instance types"),
    ] {
        let case = with(protocol, |scenario| scenario.malformed_row = Some(row));
        refuses(&case, "Malformed response", &["Row 1 of JD Cloud's answer", problem, "requestId: "]);
    }
    let quarrel = Case::new(
        protocol,
        "data \"jdcloud_image_constraints\" \"web\" {\n  region = \"cn-odd-1\"\n  ids    = [\"img-quarrel\"]\n}\n",
    );
    refuses(
        &quarrel,
        "Malformed response",
        &["for image img-quarrel,", "it contradicts another row for the same image"],
    );
}

fn an_answer_without_rows_has_no_constraints(protocol: Protocol) {
    for answer in [Answer::ResultNull, Answer::ResultAbsent] {
        let case = with(protocol, |scenario| scenario.answer = answer);
        case.plan().warned_of(&[]);
    }
    let case = with(protocol, |scenario| scenario.extra_fields = true);
    case.plan().warned_of(&[]);
}

fn a_message_has_what_a_ticket_needs(protocol: Protocol) {
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
           JD Cloud could not answer"#,
    );
    let endpoint = case.emulator().url();
    refused.shows(&format!(
        "Request: describeImageConstraintsBatch for 1 image (img-ubuntu2204) in cn-north-1 at {endpoint} \
         Answer: HTTP 503, "
    ));
    refused.shows("requestId: ");
    refused.shows("Attempts: 1 in ");
}

fn one_failed_read_does_not_hide_another(protocol: Protocol) {
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
