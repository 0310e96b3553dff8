//! Credentials, region and endpoint: their sources, and the errors if they are missing or invalid.

use std::fs;

use jdcloud_emulator::{ACCESS_KEY, Credentials, Options, SECRET_KEY};
use serde_json::json;

use crate::harness::{Case, Expected, Protocol, StaticServer, cases, same};

cases!(
    errors_name_an_unknown_access_key,
    errors_name_a_wrong_secret_key,
    an_incomplete_key_pair_in_arguments_is_an_error,
    an_incomplete_key_pair_in_the_environment_is_an_error,
    without_credentials_all_sources_are_listed,
    without_a_region_all_sources_are_listed,
    an_empty_argument_is_an_error,
    an_empty_ca_bundle_is_an_error,
    invalid_arguments_are_found_by_validate,
    numbers_and_durations_are_accepted_in_every_usual_form,
    errors_name_the_closed_port,
    errors_name_the_wrong_scheme,
    a_missing_config_file_is_an_error_even_with_keys_in_the_environment,
    a_pipe_instead_of_a_file_is_an_error,
    a_rejected_key_names_the_profile_it_is_from,
    a_wrong_endpoint_in_the_environment_names_the_variable,
    a_profile_of_the_cli_is_used,
    the_argument_profile_takes_precedence_over_the_environment,
    a_missing_profile_is_named,
    arguments_take_precedence_over_the_environment,
    a_security_token_is_sent_with_the_pair_it_belongs_to,
    a_private_authority_is_trusted_only_through_ca_bundle,
    an_unknown_region_is_explained,
);
mod with_ephemeral {
    use super::*;
    cases!(Ephemeral: an_ephemeral_secret_key_works_and_is_in_no_plan);
}

/// A configuration that reads a data source.
const WEB: &str = r#"
data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204"]
}
output "excluded" {
  value = data.jdcloud_image_constraints.web.excluded_instance_types["img-ubuntu2204"]
}
"#;
/// Where errors of a read point.
const BLOCK: &str = "data \"jdcloud_image_constraints\" \"web\"";

fn refuses(case: &Case, summary: &str, says: &[&str]) {
    case.plan().refused_with(&[Expected { summary, says, at: BLOCK }]);
}

#[track_caller]
fn reads(case: &Case) {
    same(
        &case.planned_outputs()["excluded"],
        &json!(["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"]),
        "the plan differs from JD Cloud's response",
    );
}

fn errors_name_an_unknown_access_key(protocol: Protocol) {
    let case = Case::build(protocol, WEB).variable("JDCLOUD_ACCESS_KEY", "UNKNOWN-KEY").init();
    refuses(
        &case,
        "JD Cloud rejected the access key",
        &[
            "The access key from JDCLOUD_ACCESS_KEY does not exist at JD Cloud, or is disabled. Check the key pair",
            "HTTP 401",
            "requestId: ",
        ],
    );
    assert_eq!(case.emulator().counters().calls, 1, "wrong credentials are retried");
}

fn errors_name_a_wrong_secret_key(protocol: Protocol) {
    let case = Case::build(protocol, WEB).variable("JDCLOUD_SECRET_KEY", "not-the-secret").init();
    let refused = case.plan();
    refused.refused_with(&[Expected {
        summary: "JD Cloud rejected the signature",
        says: &[
            "The secret key from JDCLOUD_SECRET_KEY does not belong to the access key. Check that it is complete",
            "HTTP 401",
            "requestId: ",
        ],
        at: BLOCK,
    }]);
    for text in [&refused.stdout, &refused.stderr, &refused.log] {
        assert!(!text.contains("not-the-secret"), "a wrong secret key is a secret too: {text}");
    }
    // Once with each version of the signature.
    assert_eq!(case.emulator().counters().calls, 2, "wrong credentials are retried");
}

fn an_incomplete_key_pair_in_arguments_is_an_error(protocol: Protocol) {
    let provider = "provider \"jdcloud\" {\n  access_key = \"only-half\"\n}\n";
    let case = Case::new(protocol, &format!("{WEB}{provider}"));
    // The environment has a complete pair, of another account.
    case.run(&["validate", "-json"]).refused_with(&[Expected {
        summary: "Incomplete credentials",
        says: &[
            "access_key is set in the provider block, but secret_key is not",
            "must come from the same source",
        ],
        at: "access_key = \"only-half\"",
    }]);
    assert_eq!(case.emulator().counters().calls, 0, "an incomplete pair was completed from another account");
}

fn an_incomplete_key_pair_in_the_environment_is_an_error(protocol: Protocol) {
    let case = Case::build(protocol, WEB)
        .without(&["JDCLOUD_SECRET_KEY"])
        .variable("JDCLOUD_ACCESS_KEY_ID", ACCESS_KEY)
        .variable("JDCLOUD_ACCESS_KEY_SECRET", SECRET_KEY)
        .init();
    refuses(
        &case,
        "Incomplete credentials",
        &["JDCLOUD_ACCESS_KEY is set in the environment, but JDCLOUD_SECRET_KEY is not"],
    );
    assert_eq!(case.emulator().counters().calls, 0, "an incomplete pair was completed from another account");
}

fn without_credentials_all_sources_are_listed(protocol: Protocol) {
    let case = Case::build(protocol, WEB).without(&["JDCLOUD_ACCESS_KEY", "JDCLOUD_SECRET_KEY"]).init();
    refuses(
        &case,
        "No JD Cloud credentials",
        &[
            "access_key and secret_key: not set",
            "JDCLOUD_ACCESS_KEY and JDCLOUD_SECRET_KEY: not set",
            "JDCLOUD_ACCESS_KEY_ID and JDCLOUD_ACCESS_KEY_SECRET: not set",
            &format!(
                "profile \"default\" in {}: there is no such file",
                case.path("home/.jdc/config").display()
            ),
            "Set JDCLOUD_ACCESS_KEY and JDCLOUD_SECRET_KEY, or access_key and secret_key in the provider block",
        ],
    );
    assert!(!case.path("home/.jdc").exists(), "the provider must not write files");
}

fn without_a_region_all_sources_are_listed(protocol: Protocol) {
    let case = Case::build(protocol, WEB).without(&["JDCLOUD_REGION"]).init();
    refuses(
        &case,
        "No region",
        &[
            "region: not set",
            "JDCLOUD_REGION and JDCLOUD_REGION_ID: not set",
            "profile \"default\"",
            "\"cn-north-1\"",
        ],
    );
}

fn an_empty_argument_is_an_error(protocol: Protocol) {
    let case = Case::new(protocol, "");
    let pair = "access_key = \"a\"\n  secret_key = \"b\"";
    for (argument, block) in [
        ("access_key", pair.replace("\"a\"", "\"\"")),
        ("secret_key", pair.replace("\"b\"", "\"\"")),
        ("security_token", format!("{pair}\n  security_token = \"\"")),
        ("region", "region = \"\"".to_owned()),
        ("profile", "profile = \"\"".to_owned()),
        ("config_file", "config_file = \"\"".to_owned()),
        ("vm_endpoint", "vm_endpoint = \"\"".to_owned()),
    ] {
        refuses_empty(&case, argument, &block);
    }
}

fn an_empty_ca_bundle_is_an_error(protocol: Protocol) {
    refuses_empty(&Case::new(protocol, ""), "ca_bundle", "ca_bundle = \"\"");
}

#[track_caller]
fn refuses_empty(case: &Case, argument: &str, block: &str) {
    case.write("main.tf", &format!("{WEB}provider \"jdcloud\" {{\n  {block}\n}}\n"));
    case.run(&["validate", "-json"]).refused_with(&[Expected {
        summary: "Empty argument",
        says: &[&format!("{argument} is an empty string.")],
        at: &format!("{argument} = \"\""),
    }]);
}

fn invalid_arguments_are_found_by_validate(protocol: Protocol) {
    let case = Case::build(protocol, "").without_settings().init();
    for (argument, summary, says) in [
        ("region = \"../x\"", "Invalid region", "\"../x\""),
        ("region = \"cn-north-1 \"", "Invalid region", "\"cn-north-1 \""),
        (
            "vm_endpoint = \"vm.jdcloud-api.com\"",
            "Invalid endpoint",
            "is not a URL such as https://vm.jdcloud-api.com",
        ),
        ("vm_endpoint = \"not a url\"", "Invalid endpoint", "\"not a url\""),
        (
            "vm_endpoint = \"ftp://vm.jdcloud-api.com\"",
            "Invalid endpoint",
            "must begin with https:// or http://",
        ),
        (
            "vm_endpoint = \"http://vm.jdcloud-api.com\"",
            "Invalid endpoint",
            "is plain http, which is allowed only for this machine and for JD Cloud's internal hosts (*.internal.<region>.jdcloud-api.com)",
        ),
        (
            "vm_endpoint = \"https://vm.jdcloud-api.com/v1\"",
            "Invalid endpoint",
            "must end after the host and port",
        ),
        (
            "request_timeout = \"soon\"",
            "Invalid duration",
            "request_timeout must be a duration such as \"20s\" or \"1m30s\", at most 24h; got \"soon\".",
        ),
        (
            "config_file = \"/no/such/file\"",
            "Configuration file can't be read",
            "config_file is \"/no/such/file\": there is no such file.",
        ),
        (
            "config_file = \"..\"",
            "Configuration file can't be read",
            "config_file is \"..\": it is a directory.",
        ),
        (
            "config_file = \"/dev/null\"",
            "Configuration file can't be read",
            "config_file is \"/dev/null\": it is not a regular file.",
        ),
        ("ca_bundle = \"/no/such/file\"", "Certificates can't be used", "there is no such file"),
        ("ca_bundle = \"/dev/null\"", "Certificates can't be used", "it is not a regular file"),
        (
            "security_token = \"only-a-token\"",
            "Incomplete credentials",
            "security_token is set in the provider block, but access_key and secret_key are not. A security token works \
             only with the key pair it was issued with.",
        ),
        ("request_timeout = \"0s\"", "Argument out of range", "request_timeout must be"),
        ("read_timeout = \"-5m\"", "Invalid duration", "\"-5m\""),
        ("read_timeout = \"25h\"", "Invalid duration", "at most 24h; got \"25h\"."),
        ("max_retries = -1", "Invalid number", "max_retries must be a whole number of at least 0, not -1."),
        ("max_retries = 1.5", "Invalid number", "max_retries must be a whole number of at least 0, not 1.5."),
        (
            "max_concurrent_requests = 0",
            "Argument out of range",
            "max_concurrent_requests must be between 1 and 1000, not 0.",
        ),
        ("batch_size = 0", "Argument out of range", "batch_size must be between 1 and 350, not 0."),
        ("batch_size = 351", "Argument out of range", "batch_size must be between 1 and 350, not 351."),
    ] {
        case.write("main.tf", &format!("{WEB}provider \"jdcloud\" {{\n  {argument}\n}}\n"));
        // Terraform would print the line of a secret.
        let at = if argument.starts_with("security_token") { "" } else { argument };
        let refused = case.run(&["validate", "-json"]);
        refused.refused_with(&[Expected { summary, says: &[says], at }]);
        assert!(!refused.to_string().contains("only-a-token"), "{refused}");
    }
}

fn numbers_and_durations_are_accepted_in_every_usual_form(protocol: Protocol) {
    let provider = r#"
provider "jdcloud" {
  request_timeout         = 15
  read_timeout            = "1m30s"
  max_retries             = "0"
  max_concurrent_requests = 1
  batch_size              = 350
  read_ahead              = "false"
}
"#;
    reads(&Case::new(protocol, &format!("{WEB}{provider}")));
}

fn errors_name_the_closed_port(protocol: Protocol) {
    let (_kept, closed) = StaticServer::closed_port();
    let hcl = format!("{WEB}provider \"jdcloud\" {{\n  max_retries = 0\n}}\n");
    let case = Case::build(protocol, &hcl).variable("JDCLOUD_VM_ENDPOINT", format!("http://{closed}")).init();
    refuses(
        &case,
        "JD Cloud can't be reached",
        &[
            &format!("No connection to {closed}: "),
            "the firewall, and JDCLOUD_VM_ENDPOINT.",
            "Attempts: 1 in",
        ],
    );
}

fn errors_name_the_wrong_scheme(protocol: Protocol) {
    let hcl = format!("{WEB}provider \"jdcloud\" {{\n  max_retries = 0\n}}\n");
    for (tls, scheme, says, remedy) in [
        (false, "https", "does not speak TLS", "Check the scheme of JDCLOUD_VM_ENDPOINT."),
        (
            true,
            "http",
            "does not speak plain HTTP",
            "Write https:// in the place of http:// in JDCLOUD_VM_ENDPOINT.",
        ),
    ] {
        let mut case = Case::build(protocol, &hcl).emulator(|options| options.tls = tls).init();
        let url = case.emulator().url();
        let (_, host) = url.split_once("://").unwrap();
        case.set("JDCLOUD_VM_ENDPOINT", &format!("{scheme}://{host}"));
        refuses(
            &case,
            &format!("The server {says}"),
            &[&format!("The server at {host} {says}"), remedy, "Attempts: 1 in"],
        );
    }
}

/// The environment may have the keys of another account.
fn a_missing_config_file_is_an_error_even_with_keys_in_the_environment(protocol: Protocol) {
    let provider = "variable \"file\" {}\nprovider \"jdcloud\" {\n  config_file = var.file\n}\n";
    let case =
        Case::build(protocol, &format!("{WEB}{provider}")).variable("TF_VAR_file", "../nowhere").init();
    case.plan().refused_with(&[Expected {
        summary: "Configuration file can't be read",
        says: &["config_file is \"../nowhere\": there is no such file."],
        at: "config_file = var.file",
    }]);
    assert_eq!(case.emulator().counters().calls, 0, "the request was for another account");
}

/// Opening a pipe would wait for its other end without a limit.
fn a_pipe_instead_of_a_file_is_an_error(protocol: Protocol) {
    let pipe = |path: &std::path::Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let case = Case::build(protocol, WEB).without(&["JDCLOUD_ACCESS_KEY", "JDCLOUD_SECRET_KEY"]).init();
    fs::create_dir(case.path("home/.jdc")).unwrap();
    pipe(&case.path("home/.jdc/config"));
    refuses(&case, "Configuration file can't be read", &["home/.jdc/config: it is not a regular file."]);
    fs::remove_file(case.path("home/.jdc/config")).unwrap();
    pipe(&case.path("home/.jdc/current"));
    refuses(&case, "Configuration file can't be read", &["home/.jdc/current: it is not a regular file."]);

    let case = Case::new(protocol, &format!("{WEB}provider \"jdcloud\" {{\n  ca_bundle = \"../pipe\"\n}}\n"));
    pipe(&case.path("pipe"));
    let refused = case.plan();
    refused.failed();
    refused.shows("ca_bundle ../pipe: it is not a regular file.");
}

fn a_rejected_key_names_the_profile_it_is_from(protocol: Protocol) {
    let provider = "provider \"jdcloud\" {\n  profile     = \"work\"\n  config_file = \"../file\"\n}\n";
    let case = Case::new(protocol, &format!("{WEB}{provider}"));
    fs::write(case.path("file"), profile("work", "cn-north-1").replace(ACCESS_KEY, "UNKNOWN-KEY")).unwrap();
    refuses(
        &case,
        "JD Cloud rejected the access key",
        &["The access key from profile \"work\" of ../file does not exist at JD Cloud, or is disabled."],
    );
}

fn a_wrong_endpoint_in_the_environment_names_the_variable(protocol: Protocol) {
    let case = Case::build(protocol, WEB).variable("JDCLOUD_VM_ENDPOINT", "http://vm.jdcloud-api.com").init();
    refuses(
        &case,
        "Invalid endpoint",
        &["\"http://vm.jdcloud-api.com\", which is set by JDCLOUD_VM_ENDPOINT, is plain http"],
    );
}

/// A section of the JD Cloud CLI's file with valid keys.
fn profile(name: &str, region: &str) -> String {
    format!(
        "[{name}]\naccess_key = {ACCESS_KEY}\nsecret_key = {SECRET_KEY}\nregion_id = {region}\n\
         endpoint = www.jdcloud-api.com\nscheme = https\ntimeout = 20\n\n"
    )
}

fn a_profile_of_the_cli_is_used(protocol: Protocol) {
    let names = ["JDCLOUD_ACCESS_KEY", "JDCLOUD_SECRET_KEY", "JDCLOUD_REGION"];
    let mut case = Case::build(protocol, WEB).without(&names).init();
    fs::create_dir(case.path("home/.jdc")).unwrap();
    let file = profile("default", "cn-north-1") + &profile("east", "cn-east-2");
    fs::write(case.path("home/.jdc/config"), file).unwrap();
    reads(&case);
    case.set("JDCLOUD_PROFILE", "east");
    same(
        &case.planned_outputs()["excluded"],
        &json!(["s.i3f.metal"]),
        "JDCLOUD_PROFILE chose another profile",
    );
}

fn the_argument_profile_takes_precedence_over_the_environment(protocol: Protocol) {
    let provider = r#"
provider "jdcloud" {
  profile     = "work"
  config_file = "../the-cli's-file"
}
"#;
    let case = Case::build(protocol, &format!("{WEB}{provider}"))
        .variable("JDCLOUD_ACCESS_KEY", "UNKNOWN-KEY")
        .variable("JDCLOUD_REGION", "cn-nowhere-9")
        .init();
    fs::write(case.path("the-cli's-file"), profile("work", "cn-north-1")).unwrap();
    reads(&case);
}

fn a_missing_profile_is_named(protocol: Protocol) {
    let case = Case::new(protocol, &format!("{WEB}provider \"jdcloud\" {{\n  profile = \"wrok\"\n}}\n"));
    refuses(
        &case,
        "Profile not found",
        &["which should contain profile \"wrok\", does not exist.", "jdc configure add"],
    );
    assert_eq!(case.emulator().counters().calls, 0, "the request was for another account");
}

fn arguments_take_precedence_over_the_environment(protocol: Protocol) {
    let provider = r#"
variable "endpoint" {}
provider "jdcloud" {
  access_key  = "written-key"
  secret_key  = "written-secret"
  region      = "cn-north-1"
  vm_endpoint = var.endpoint
}
"#;
    let account = Credentials::new("written-key", "written-secret");
    let mut case = Case::build(protocol, &format!("{WEB}{provider}"))
        .emulator(|options| options.credentials = vec![account])
        .variable("JDCLOUD_ACCESS_KEY", "UNKNOWN-KEY")
        .variable("JDCLOUD_REGION", "cn-nowhere-9")
        .variable("JDCLOUD_VM_ENDPOINT", "http://127.0.0.1:1")
        .init();
    let url = case.emulator().url();
    case.set("TF_VAR_endpoint", &url);
    reads(&case);
}

fn a_security_token_is_sent_with_the_pair_it_belongs_to(protocol: Protocol) {
    let with_token = |options: &mut Options| {
        let token = Some("the-token".to_owned());
        options.credentials =
            vec![Credentials { security_token: token, ..Credentials::new("temporary", "secret") }];
    };
    let build = || {
        let pair = Case::build(protocol, WEB).variable("JDCLOUD_ACCESS_KEY", "temporary");
        pair.variable("JDCLOUD_SECRET_KEY", "secret").emulator(with_token)
    };
    reads(&build().variable("JDCLOUD_SECURITY_TOKEN", "the-token").init());
    // The message must name the variable, because JD Cloud's own clients use different encodings.
    let case = build()
        .variable("JDCLOUD_SECURITY_TOKEN", "the-token")
        .variable("JDCLOUD_SECURITY_TOKEN_ENCODING", "raw")
        .init();
    let refused = case.plan();
    refused.failed();
    refused.shows("JDCLOUD_SECURITY_TOKEN_ENCODING=raw");
    assert!(!refused.stdout.contains("the-token") && !refused.log.contains("the-token"), "{}", refused.log);
}

fn a_private_authority_is_trusted_only_through_ca_bundle(protocol: Protocol) {
    let provider = "provider \"jdcloud\" {\n  max_retries = 0\n}\n";
    let case =
        Case::build(protocol, &format!("{WEB}{provider}")).emulator(|options| options.tls = true).init();
    refuses(&case, "No trusted connection to JD Cloud", &["ca_bundle", "Attempts: 1 in"]);
    fs::write(case.path("authority.pem"), case.emulator().ca_pem().unwrap()).unwrap();
    case.write("main.tf", &format!("{WEB}provider \"jdcloud\" {{\n  ca_bundle = \"../authority.pem\"\n}}\n"));
    reads(&case);
}

fn an_unknown_region_is_explained(protocol: Protocol) {
    for (region, says) in [
        ("cn-nroth-1", "The region \"cn-nroth-1\" probably does not exist. Common regions are cn-north-1,"),
        (
            "cn-north-1a",
            "\"cn-north-1a\" probably does not exist: it looks like a zone of the region cn-north-1. Common regions",
        ),
    ] {
        let case = Case::build(protocol, WEB).variable("JDCLOUD_REGION", region).init();
        refuses(&case, "JD Cloud found nothing at this address", &[says, "HTTP 404", "requestId: "]);
        assert_eq!(case.emulator().counters().calls, 1, "404 is retried");
    }
}

fn an_ephemeral_secret_key_works_and_is_in_no_plan(protocol: Protocol) {
    let hcl = format!(
        "{WEB}variable \"secret_key\" {{\n  type      = string\n  ephemeral = true\n}}\n\
         provider \"jdcloud\" {{\n  access_key = \"{ACCESS_KEY}\"\n  secret_key = var.secret_key\n}}\n"
    );
    let case = Case::build(protocol, &hcl)
        .without(&["JDCLOUD_ACCESS_KEY", "JDCLOUD_SECRET_KEY"])
        .variable("TF_VAR_secret_key", SECRET_KEY)
        .init();
    // Every command's output is searched for the secret key, that of `show -json` included.
    reads(&case);
    case.apply().succeeded();
    let state = fs::read_to_string(case.path("work/terraform.tfstate")).unwrap();
    assert!(!state.contains(SECRET_KEY), "the state holds the secret key");
}
