//! The provider block: its schema, and the client made from it.

use std::time::Duration;

use secrecy::SecretString;

use super::diagnostics::report_settings;
use super::sentence::whole_number_required;
use super::{NAME, VERSION, duration, names};
use crate::framework::{Attribute, Config, Diagnostics, Host, Schema, Type, Value};
use crate::jdcloud::{Argument, Client, Environment, Settings};

pub(super) fn schema() -> Schema {
    let secret = |name, description| Attribute::optional(name, Type::String, description).sensitive();
    let text = |name, description| Attribute::optional(name, Type::String, description);
    let number = |name, description| Attribute::optional(name, Type::Number, description);
    Schema {
        description: "The JD Cloud provider finds images and instance types, and checks during `terraform plan` whether an image \
            supports an instance type, so that an unsupported combination fails in the plan and not in the middle of an \
            apply. Every argument is optional: what is not set here comes from the environment or from the JD Cloud CLI's \
            `~/.jdc/config`.",
        attributes: vec![
            secret(
                "access_key",
                "Access key ID of the API key pair. Without it the pair comes, as a whole, from `JDCLOUD_ACCESS_KEY` and \
                 `JDCLOUD_SECRET_KEY`, then from `JDCLOUD_ACCESS_KEY_ID` and `JDCLOUD_ACCESS_KEY_SECRET`, then from the \
                 profile.",
            ),
            secret(
                "secret_key",
                "Access key secret of the API key pair. Always goes together with `access_key`.",
            ),
            secret(
                "security_token",
                "Token that belongs to a temporary key pair. Without it, when the key pair comes from the environment: \
                 `JDCLOUD_SECURITY_TOKEN`. It is sent in base64; set `JDCLOUD_SECURITY_TOKEN_ENCODING=raw` if JD Cloud \
                 refuses that.",
            ),
            text(
                "region",
                "Default region of data sources, such as `cn-north-1`. Without it: `JDCLOUD_REGION`, then \
                 `JDCLOUD_REGION_ID`, then the profile's `region_id`.",
            ),
            text(
                "profile",
                "Profile of the JD Cloud CLI to use. If it is set here, it takes precedence over the environment. Without \
                 it: `JDCLOUD_PROFILE`, then the name in `~/.jdc/current`, then `default`.",
            ),
            text(
                "config_file",
                "The JD Cloud CLI's configuration file. Defaults to `~/.jdc/config`. The provider never writes it. A file that is \
                 named here must exist.",
            ),
            text(
                "vm_endpoint",
                "Base URL of the VM API. Without it: `JDCLOUD_VM_ENDPOINT`, then the profile's `endpoint` \
                 (unless it is `www.jdcloud-api.com`), then `https://vm.jdcloud-api.com`. Plain `http` is accepted for this machine and for JD Cloud's internal \
                 endpoints (`http://vm.internal.<region>.jdcloud-api.com`) only.",
            ),
            text(
                "ca_bundle",
                "PEM file with certificates to trust in addition to the system's, or their text, for a proxy that inspects TLS or \
                 a private endpoint.",
            ),
            text(
                "request_timeout",
                "Timeout of one attempt of a request, such as `\"20s\"` or `\"1m30s\"`, at most `\"24h\"`; a bare number means \
                 seconds. Defaults to `\"20s\"`.",
            ),
            text(
                "read_timeout",
                "Timeout of one data source, retries and waiting included, such as `\"5m\"`, at most `\"24h\"`. Defaults to \
                 `\"5m\"`.",
            ),
            number(
                "max_retries",
                "The number of retries of a request that failed temporarily. Defaults to 5.",
            ),
            number(
                "max_concurrent_requests",
                "The number of requests in progress at once, from 1 to 1000. Defaults to 8.",
            ),
            number("batch_size", "The number of image IDs in one request, from 1 to 350. Defaults to 100."),
            Attribute::optional(
                "read_ahead",
                Type::Bool,
                "Whether many small data sources of a region may be read with one request for the whole region. Defaults to \
                 `true`.",
            ),
        ],
    }
}

/// Reports invalid arguments, without reading settings from the environment.
pub(super) fn validate(config: &Config, diagnostics: &mut Diagnostics) {
    let settings = settings(config, diagnostics);
    for problem in settings.problems(&Environment::of_process()) {
        report_settings(&problem, diagnostics);
    }
}

/// The client of a configuration. It reads the files of the settings at the first read of a data source, and not before.
pub(super) fn client(config: &Config, host: &Host, diagnostics: &mut Diagnostics) -> Option<Client> {
    let settings = settings(config, diagnostics);
    let user_agent = user_agent(host, &std::env::var("TF_APPEND_USER_AGENT").unwrap_or_default());
    (!diagnostics.has_error()).then(|| Client::new(settings, Environment::of_process(), user_agent))
}

fn user_agent(host: &Host, append: &str) -> String {
    let mut user_agent = format!("terraform-provider-{NAME}/{VERSION}");
    // Other characters are not valid in a header: the HTTP client would not send any request.
    let valid = |text: &str| text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect::<String>();
    let (version, append) = (valid(&host.terraform_version), valid(append));
    if !version.is_empty() {
        user_agent.push_str(&format!(" (terraform {version})"));
    }
    if !append.trim().is_empty() {
        user_agent.push(' ');
        user_agent.push_str(append.trim());
    }
    user_agent
}

/// The arguments for the client. An unknown argument stays unknown: no other source may replace it.
fn settings(config: &Config, diagnostics: &mut Diagnostics) -> Settings {
    let text = |name| argument(config.string(name).map(str::to_owned));
    let secret = |name| argument(config.string(name).map(SecretString::from));
    let mut settings = Settings {
        access_key: secret("access_key"),
        secret_key: secret("secret_key"),
        security_token: secret("security_token"),
        region: text("region"),
        profile: text("profile"),
        config_file: text("config_file"),
        vm_endpoint: text("vm_endpoint"),
        ca_bundle: text("ca_bundle"),
        read_ahead: argument(config.bool("read_ahead")),
        ..Settings::default()
    };
    settings.request_timeout = duration(config, "request_timeout", diagnostics);
    settings.read_timeout = duration(config, "read_timeout", diagnostics);
    settings.max_retries = count(config, "max_retries", diagnostics);
    settings.max_concurrent_requests = count(config, "max_concurrent_requests", diagnostics);
    settings.batch_size = count(config, "batch_size", diagnostics);
    diagnostics.rewrite_details(|text| settings.without_secrets(text));
    settings
}

fn argument<T>(value: Value<T>) -> Argument<T> {
    match value {
        Value::Null => Argument::Absent,
        Value::Unknown => Argument::Unknown,
        Value::Known(value) => Argument::Known(value),
    }
}

fn duration(config: &Config, name: &str, diagnostics: &mut Diagnostics) -> Argument<Duration> {
    let value = config.string(name).map(|text| {
        let duration = duration::parse(text).ok();
        if duration.is_none() {
            let detail = format!(
                "{name} must be a duration such as \"20s\" or \"1m30s\", at most 24h; got {}.",
                names::quoted(text)
            );
            diagnostics.argument_error(name, "Invalid duration", detail);
        }
        duration
    });
    usable(value)
}

fn count(config: &Config, name: &str, diagnostics: &mut Diagnostics) -> Argument<u32> {
    let value = config.number(name).map(|number| {
        let count = number.as_i64().and_then(|count| u32::try_from(count).ok());
        if count.is_none() {
            let detail = whole_number_required(name, number);
            diagnostics.argument_error(name, "Invalid number", detail);
        }
        count
    });
    usable(value)
}

/// An argument whose invalid value is treated as absent: its error is reported, so no client is made from it.
fn usable<T>(value: Value<Option<T>>) -> Argument<T> {
    match argument(value) {
        Argument::Known(None) | Argument::Absent => Argument::Absent,
        Argument::Known(Some(value)) => Argument::Known(value),
        Argument::Unknown => Argument::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_names_provider_host_and_appended_text() {
        let host = Host { terraform_version: "1.11.4\n".into() };
        let expected = format!("terraform-provider-jdcloud/{VERSION} (terraform 1.11.4) ci/7");
        assert_eq!(user_agent(&host, " ci/7\n中"), expected);
        assert_eq!(user_agent(&Host::default(), " "), format!("terraform-provider-jdcloud/{VERSION}"));
    }
}
