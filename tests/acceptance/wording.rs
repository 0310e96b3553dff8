//! Messages must be understandable without knowledge of Rust and its libraries.

use std::fs;

use crate::harness::{Case, Protocol, StaticServer, cases};

cases!(messages_have_no_terms_of_the_implementation);

/// Terms of the implementation.
const JARGON: [&str; 9] = [
    "client error",
    "tcp connect error",
    "SendRequest",
    "UnknownIssuer",
    "error reading a body",
    "the read itself",
    "longer than nothing",
    "0ns",
    "ResultBody",
];

fn messages_have_no_terms_of_the_implementation(protocol: Protocol) {
    let (_kept, address) = StaticServer::closed_port();
    let closed = format!("http://{address}");
    let portal =
        StaticServer::responding("application/json", b"{\"requestId\": \"r\", \"result\": \"none\"}");
    let mut problems = Vec::new();
    for (provider, data, variable, value) in [
        ("", "", "JDCLOUD_VM_ENDPOINT", closed.as_str()),
        ("", "", "JDCLOUD_VM_ENDPOINT", &portal.url()),
        ("", "", "JDCLOUD_SECRET_KEY", ""),
        ("", "", "JDCLOUD_REGION", "../x"),
        ("", "", "JDCLOUD_PROFILE", "wrok"),
        ("", "region = \"../x\"", "", ""),
        ("request_timeout = \"0s\"", "", "", ""),
        ("access_key = \"half\"", "", "", ""),
        ("profile = \"wrok\"", "", "", ""),
        ("config_file = \"../malformed\"\n  profile = \"default\"", "", "", ""),
        ("ca_bundle = \"../malformed\"", "", "", ""),
        ("config_file = \"../nowhere\"\n  profile = \"default\"", "", "", ""),
    ] {
        let hcl = format!(
            "provider \"jdcloud\" {{\n  max_retries = 0\n  {provider}\n}}\n\
             data \"jdcloud_image_constraints\" \"web\" {{\n  ids = [\"img-ubuntu2204\"]\n  {data}\n}}\n"
        );
        let mut builder = Case::build(protocol, &hcl);
        if variable == "JDCLOUD_PROFILE" {
            builder = builder.without(&["JDCLOUD_ACCESS_KEY", "JDCLOUD_SECRET_KEY"]);
        }
        if !variable.is_empty() {
            builder = builder.variable(variable, value);
        }
        read(&builder.init(), &mut problems);
    }
    read(&Case::build(protocol, WEB).emulator(|options| options.tls = true).init(), &mut problems);
    for cut in [true, false] {
        let case = Case::build(protocol, WEB).emulator(|options| {
            options.scenario.cut_body = cut;
            options.scenario.reset_first = u64::from(!cut);
        });
        read(&case.init(), &mut problems);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

const WEB: &str = r#"
provider "jdcloud" {
  max_retries = 0
}
data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204"]
}
"#;

/// Plans, and collects the problems of the wording of the errors.
fn read(case: &Case, problems: &mut Vec<String>) {
    fs::write(case.path("malformed"), "access_key = before any section\n").unwrap();
    let refused = case.plan();
    refused.failed();
    for error in refused.diagnostics().of_severity("error").0 {
        let text = format!("{}: {}", error.summary, error.detail);
        for word in JARGON.iter().filter(|word| text.contains(*word)) {
            problems.push(format!("{word:?} is a term of the implementation: {text}"));
        }
        let sentence = error.detail.split_whitespace().next().unwrap_or_default();
        if ["the", "profile", "no"].contains(&sentence) {
            problems.push(format!("this begins in the middle of a sentence: {text}"));
        }
    }
}
