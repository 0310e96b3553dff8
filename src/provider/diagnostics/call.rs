//! Diagnostics for failed calls: the cause at JD Cloud or in the network, and what to do next.

use std::time::Duration;

use crate::jdcloud::{
    Context, Failure, RowProblem, RuleError, Source, TlsProblem, TokenEncoding, TransportError,
};
use crate::provider::sentence::{joined, span};

/// The regions of JD Cloud's documentation.
const COMMON_REGIONS: [&str; 4] = ["cn-north-1", "cn-east-1", "cn-east-2", "cn-south-1"];

/// Summary and detail.
pub(super) fn message(failure: &Failure, context: &Context) -> (&'static str, String) {
    message_of(failure, context, context.time_left.is_some())
}

/// The same, where `read_timeout` may have left no time for a retry.
fn message_of(failure: &Failure, context: &Context, out_of_time: bool) -> (&'static str, String) {
    let (region, asks_about) = (&context.region, context.asks_about);
    let not_treated = format!("It was not treated as \"no {}\".", context.lists);
    match failure {
        Failure::UnknownAccessKey => (
            "JD Cloud rejected the access key",
            format!(
                "The access key{} does not exist at JD Cloud, or is disabled. Check the key pair in JD Cloud's console, under \
                 Access Key Management.",
                from(context, 0)
            ),
        ),
        Failure::SignatureMismatch => (
            "JD Cloud rejected the signature",
            format!(
                "The secret key{} does not belong to the access key. Check that it is complete and from the same pair.{}",
                from(context, 1),
                token_hint(context.token)
            ),
        ),
        Failure::Unauthenticated => (
            "JD Cloud rejected the credentials",
            format!(
                "JD Cloud rejected the access key{}. Check the key pair, and whether temporary credentials have expired.{}",
                from(context, 0),
                token_hint(context.token)
            ),
        ),
        Failure::ClockSkew { by, server } => (
            "The clock of this machine is wrong",
            format!(
                "It is {} {} JD Cloud's clock, which shows {} {:02}:{:02}:{:02} UTC. JD Cloud rejects requests with a wrong \
                 time. Set the clock, for example by enabling NTP.",
                span(by.unsigned_abs()),
                if by.is_positive() { "behind" } else { "ahead of" },
                server.date(),
                server.hour(),
                server.minute(),
                server.second()
            ),
        ),
        Failure::ForbiddenAddress => (
            "JD Cloud refuses this IP address",
            "The access key may not be used from this machine's address. Add the address to the key's allow list in JD Cloud's \
             console, or run Terraform from an allowed one. A proxy changes the address that JD Cloud sees."
                .to_owned(),
        ),
        Failure::PermissionDenied => (
            "JD Cloud denies the permission",
            format!(
                "The user of this access key is not allowed to call {}. Attach a policy that allows the read-only calls of Virtual \
                 Machines to the user in JD Cloud's IAM.",
                context.operation
            ),
        ),
        Failure::NotFound if context.asked.count.is_some() && COMMON_REGIONS.contains(&&*region.to_string()) => (
            "JD Cloud found nothing at this address",
            format!(
                "One of the ids may not exist in {region}: see JD Cloud's message below, and look for a typing error.{}",
                is_endpoint_of_vm(context)
            ),
        ),
        Failure::NotFound if COMMON_REGIONS.contains(&&*region.to_string()) => (
            "JD Cloud found nothing at this address",
            format!(
                "There is no {} in {region}. Run Terraform again later.{}",
                context.operation,
                is_endpoint_of_vm(context)
            ),
        ),
        Failure::NotFound => (
            "JD Cloud found nothing at this address",
            format!(
                "The region \"{region}\" probably does not exist{}. Common regions are {}.{}",
                region_of_zone(&region.to_string())
                    .map_or_else(String::new, |of| format!(": it looks like a zone of the region {of}")),
                joined(&COMMON_REGIONS),
                is_endpoint_of_vm(context)
            ),
        ),
        Failure::Throttled { retry_after } => (
            "JD Cloud throttles this account",
            format!(
                "{}The account has made too many requests in this minute, from this machine or from others{}. Run Terraform \
                 again {}; read many images in one data block, reduce max_concurrent_requests, or increase {}.",
                retry_after_too_long(*retry_after, context),
                after_retries(context, "; retries did not help"),
                if retry_after.and(context.time_left).is_some() { "after that" } else { "in a minute" },
                if out_of_time { "read_timeout" } else { "max_retries" }
            ),
        ),
        Failure::QuotaExceeded => (
            "A quota of the JD Cloud account is used up",
            "A quota of the account is exceeded. Waiting does not help: increase the quota in JD Cloud's console, or open a \
             ticket with JD Cloud."
                .to_owned(),
        ),
        Failure::Server { retry_after } => (
            "JD Cloud failed",
            format!(
                "{}JD Cloud responded with a server error{}. Run Terraform again later. {}{}",
                retry_after_too_long(*retry_after, context),
                after_retries(context, ", also after retries"),
                if context.request_id.is_some() {
                    "If the error persists, open a ticket with JD Cloud and quote the requestId below."
                } else {
                    "The response has no requestId, so a server in between, such as a proxy, may have sent it."
                },
                smaller_requests(context)
            ),
        ),
        Failure::Refused => (
            "JD Cloud refused the request",
            if context.message.is_some() {
                format!(
                    "The message below is from JD Cloud. If it names an {asks_about}, check that one. If the cause is \
                     unclear, open a ticket with JD Cloud and quote the requestId below."
                )
            } else {
                "The response has no message, so a server in between, such as a proxy, may have sent it.".to_owned()
            },
        ),
        Failure::Redirect { location } => (
            "Redirected away from JD Cloud",
            format!(
                "The response redirects to {}. The provider does not follow redirects with a signed request. Another server \
                 responds in JD Cloud's place, such as a proxy's login page{}.",
                location.as_ref().map_or("another address".to_owned(), ToString::to_string),
                or_endpoint_is_wrong(context)
            ),
        ),
        Failure::UnexpectedStatus { status } => (
            "Unexpected response",
            format!(
                "The response has HTTP status {status}; JD Cloud sends results with status 200. {not_treated} Another server \
                 responds in JD Cloud's place, such as a proxy{}.",
                or_endpoint_is_wrong(context)
            ),
        ),
        Failure::NotJson { cut_off: true, reason, beginning, .. } => (
            "The response is not JSON",
            format!(
                "The response {}{} ({reason}). Run Terraform again. If the error persists, check the proxy{}.",
                if beginning.is_some() {
                    "is JSON that ends too early: it was cut off on its way from JD Cloud"
                } else {
                    "is empty: it was cut off on its way from JD Cloud, or another server responds in its place"
                },
                after_retries(context, ", also after retries"),
                and_endpoint(context)
            ),
        ),
        Failure::NotJson { content_type, reason, beginning, .. } => (
            "The response is not JSON",
            format!(
                "The response has {} ({reason}); {}. Another server responds in JD Cloud's place, such as a proxy or a login \
                 page{}.",
                content_type
                    .as_ref()
                    .map_or("no content type".to_owned(), |content_type| format!("the content type {content_type}")),
                beginning
                    .as_ref()
                    .map_or("it is not text".to_owned(), |beginning| format!("it begins with: \"{beginning}\"")),
                or_endpoint_is_wrong(context)
            ),
        ),
        Failure::Unexpected { reason } => (
            "Unexpected response",
            format!(
                "The response is JSON, but not a valid response of JD Cloud: {reason}. {not_treated} {}",
                changed_or_other_server(context)
            ),
        ),
        Failure::UnreadableRow { row, reason } => (
            "Unexpected response",
            format!(
                "The response is JSON, but element {row} of its list does not have the documented form: {reason}. \
                 {not_treated} {}",
                changed_or_other_server(context)
            ),
        ),
        Failure::OtherRow { asked, got } => (
            "The response is for another request",
            format!(
                "The response has a row for {asks_about} {got}, but the request was for {}{}. A server in between returned the \
                 response to another request, such as a cache that ignores the query, or the id of the {asks_about} differs \
                 only in case. {not_treated}",
                asked.query.as_ref().map_or_else(|| asked.sample.join(", "), ToString::to_string),
                match asked.count.map(|count| count.saturating_sub(asked.sample.len())) {
                    Some(more @ 1..) => format!(" and {more} more"),
                    _ => String::new(),
                }
            ),
        ),
        Failure::MalformedRow { row, id, problem } => (
            "Malformed response",
            format!(
                "Row {row} of JD Cloud's response{} is malformed: {}. {not_treated} {} Otherwise open a ticket with JD Cloud \
                 and quote the requestId below.",
                id.as_ref().map(|id| format!(", for {asks_about} {id},")).unwrap_or_default(),
                row_problem(*problem),
                NEWER_VERSION
            ),
        ),
        Failure::IncompleteList { rows, total } => (
            "JD Cloud's list is incomplete",
            format!(
                "According to JD Cloud the list has {total} rows, but only {rows} were returned, also when the list was read \
                 again. The incomplete list was not used. Run Terraform again. If the error persists, open a ticket with JD \
                 Cloud and quote the requestId below."
            ),
        ),
        Failure::Transport(error) => transport(error, context),
        Failure::AttemptTimeout { limit } => (
            "JD Cloud did not respond in time",
            format!(
                "No complete response arrived within {}. Check the network, and the proxy if there is one, or increase \
                 request_timeout{} in the provider block.{}",
                span(*limit),
                if out_of_time { " and read_timeout" } else { "" },
                smaller_requests(context)
            ),
        ),
        // The last failure explains more than the timeout.
        Failure::ReadTimeout { limit, last: Some(last) } => {
            let (summary, explanation) = message_of(last, context, true);
            let limit = span(*limit);
            (summary, format!("{explanation} The provider stopped retrying after read_timeout ({limit})."))
        }
        Failure::ReadTimeout { limit, last: None } => (
            "JD Cloud did not respond in time",
            format!(
                "The data source was not read within {}, waiting included. If a read may take longer, increase read_timeout in \
                 the provider block.",
                span(*limit)
            ),
        ),
        Failure::Unsendable { reason } => ("The request can't be sent", format!("{reason}. No request was sent.")),
        Failure::Lost => (
            "The provider lost a request",
            "The request ended without a response. This is a bug in the provider; please report it.".to_owned(),
        ),
    }
}

fn transport(error: &TransportError, context: &Context) -> (&'static str, String) {
    match error {
        TransportError::Dns { host, reason } => (
            "JD Cloud's host name can't be resolved",
            format!(
                "{host}: {reason}. Check the network and its name server{}. Behind a corporate proxy, set HTTPS_PROXY.",
                and_endpoint(context)
            ),
        ),
        TransportError::Connect { host, reason } => (
            "JD Cloud can't be reached",
            format!(
                "No connection to {host}: {reason}. Check the network and the firewall{}. Behind a corporate proxy, set \
                 HTTPS_PROXY.",
                and_endpoint(context)
            ),
        ),
        TransportError::Tls { host, problem } => (
            "No trusted connection to JD Cloud",
            format!("{host}: {problem}. {}", tls_remedy(problem, context)),
        ),
        TransportError::WrongScheme { host, tls: true } => (
            "The server does not speak TLS",
            format!(
                "The server at {host} does not speak TLS. {}a proxy or a firewall responds in the server's place.",
                endpoint_setting(context).map_or_else(
                    || "Probably ".to_owned(),
                    |setting| format!("Check the scheme of {setting}. If it is correct, ")
                )
            ),
        ),
        TransportError::WrongScheme { host, tls: false } => (
            "The server does not speak plain HTTP",
            format!(
                "The server at {host} does not speak plain HTTP. Write https:// in the place of http:// in {}.",
                endpoint_setting(context).unwrap_or_else(|| "the endpoint".to_owned())
            ),
        ),
        TransportError::Unsendable { reason } => {
            ("The request can't be sent", format!("{reason}. No request was sent."))
        }
        TransportError::Proxy { proxy, variable, reason } => (
            "The proxy can't be used",
            format!(
                "{proxy}: {reason}. Check {variable}, or list JD Cloud's host in NO_PROXY to bypass the proxy."
            ),
        ),
        TransportError::ProxyRefusal { proxy, variable, host } => (
            "The proxy can't be used",
            format!(
                "{proxy}, the proxy of {variable}, refused a connection to {host}. It does not allow this host, or can't reach \
                 it: ask its administrator, or list the host in NO_PROXY to bypass the proxy."
            ),
        ),
        TransportError::ProxyAuthentication { proxy, variable } => (
            "The proxy can't be used",
            format!(
                "{proxy} requires a user name and password, or rejected those of {variable} (HTTP 407). Set it to \
                 http://user:password@host:port, with special characters percent-encoded. The request was not repeated, since \
                 that may lock the account."
            ),
        ),
        TransportError::TooLarge { limit } => (
            "The response is too large",
            format!(
                "The response is larger than {} MiB, the maximum that the provider accepts. Request fewer {}s in one data \
                 block.",
                limit >> 20,
                context.asks_about
            ),
        ),
        TransportError::Broken { host, reason } => (
            "The connection to JD Cloud broke",
            format!(
                "The connection to {host} ended before the response was complete: {reason}. Check the network and the \
                 proxy.{}",
                smaller_requests(context)
            ),
        ),
    }
}

const NEWER_VERSION: &str = "JD Cloud's API may have changed: look for a newer version of the provider.";

/// What a response of another form may come from.
fn changed_or_other_server(context: &Context) -> String {
    format!(
        "{NEWER_VERSION} Or another server responds in JD Cloud's place, such as a proxy{}.",
        or_endpoint_is_wrong(context)
    )
}

fn tls_remedy(problem: &TlsProblem, context: &Context) -> String {
    let ca_bundle = "If a proxy inspects TLS, or the endpoint is private, set ca_bundle in the provider block to its \
                     certificate authority.";
    match problem {
        TlsProblem::UntrustedAuthority => ca_bundle.to_owned(),
        TlsProblem::Expired | TlsProblem::NotValidYet => {
            "Check this machine's clock. If it is right, the server, or the proxy that inspects TLS, needs a new certificate."
                .to_owned()
        }
        TlsProblem::AuthorityAsServer => "Create a certificate for the server, with CA:FALSE.".to_owned(),
        TlsProblem::OtherHost
        | TlsProblem::ClientCertificate
        | TlsProblem::Version
        | TlsProblem::CipherSuite => {
            format!(
                "Another server may respond in JD Cloud's place, such as a proxy{}.",
                or_endpoint_is_wrong(context)
            )
        }
        TlsProblem::Other(_) => format!("{ca_bundle} Check this machine's clock as well."),
    }
}

/// The setting that the endpoint is from; `None` for the default.
fn endpoint_setting(context: &Context) -> Option<String> {
    match context.endpoint_source.as_ref()? {
        Source::Environment(names) => Some(joined(names)),
        Source::Profile { name, file } => {
            let file = file.as_ref().map_or("~/.jdc/config".to_owned(), ToString::to_string);
            Some(format!("endpoint in profile \"{name}\" of {file}"))
        }
        Source::Arguments(_) | Source::Read => Some("vm_endpoint in the provider block".to_owned()),
        Source::Default => None,
    }
}

fn and_endpoint(context: &Context) -> String {
    endpoint_setting(context).map_or_else(String::new, |setting| format!(", and {setting}"))
}

fn is_endpoint_of_vm(context: &Context) -> String {
    endpoint_setting(context).map_or_else(String::new, |setting| {
        format!(" Check that {setting} is the endpoint of the VM service.")
    })
}

fn or_endpoint_is_wrong(context: &Context) -> String {
    endpoint_setting(context).map_or_else(String::new, |setting| format!(", or {setting} is wrong"))
}

/// The region of a zone such as cn-north-1a.
fn region_of_zone(zone: &str) -> Option<&str> {
    let region = zone.strip_suffix(|last: char| last.is_ascii_lowercase())?;
    region.ends_with(|last: char| last.is_ascii_digit()).then_some(region)
}

/// The source of the access key (0) or of the secret key (1), as the end of a noun phrase.
fn from(context: &Context, part: usize) -> String {
    match &context.credentials {
        Some(Source::Arguments(names)) => {
            names.get(part).map(|name| format!(" from {name} in the provider block")).unwrap_or_default()
        }
        Some(Source::Environment(names)) => {
            names.get(part).map(|name| format!(" from {name}")).unwrap_or_default()
        }
        Some(Source::Profile { name, file: Some(file) }) => format!(" from profile \"{name}\" of {file}"),
        Some(Source::Profile { name, file: None }) => format!(" from profile \"{name}\""),
        Some(Source::Read | Source::Default) | None => String::new(),
    }
}

/// The first sentence if `Retry-After` is longer than the remaining time of the read.
fn retry_after_too_long(retry_after: Option<Duration>, context: &Context) -> String {
    match (retry_after, context.time_left) {
        (Some(wait), Some(left)) => format!(
            "JD Cloud requires a wait of {}, longer than the remaining read_timeout ({}). ",
            span(wait),
            span(left)
        ),
        _ => String::new(),
    }
}

/// The hint for a request that may have been too large for the server.
fn smaller_requests(context: &Context) -> &'static str {
    if context.lists == "constraints" && context.asked.count > Some(1) {
        " If only requests for many images fail, set batch_size in the provider block to a smaller number."
    } else {
        ""
    }
}

/// `clause` if the request was retried.
fn after_retries(context: &Context, clause: &'static str) -> &'static str {
    if context.attempts > 1 { clause } else { "" }
}

fn token_hint(token: Option<TokenEncoding>) -> &'static str {
    match token {
        None => "",
        Some(TokenEncoding::Base64) => {
            " The security token was sent in base64; if it is valid, try JDCLOUD_SECURITY_TOKEN_ENCODING=raw."
        }
        Some(TokenEncoding::Raw) => {
            " The security token was sent as it is; if it is valid, try without JDCLOUD_SECURITY_TOKEN_ENCODING=raw."
        }
    }
}

fn row_problem(problem: RowProblem) -> String {
    let problem = match problem {
        RowProblem::NoId { field } => return format!("it has no {field}"),
        RowProblem::UndocumentedField => {
            "it lacks a documented field and has an undocumented one, which may be the same under another name"
        }
        RowProblem::Contradiction => "it contradicts another row with the same id",
        RowProblem::ZoneContradiction => "it has two entries for one zone, which contradict each other",
        RowProblem::Rule(RuleError::NoConstraintsType) => "its constraint has no constraintsType",
        RowProblem::Rule(RuleError::NoInstanceTypes) => {
            "its constraint is of the type \"includes\" and has no list of instance types"
        }
        RowProblem::Rule(RuleError::Contradiction) => "it contradicts another row for the same image",
    };
    problem.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(failure: impl Into<Failure>, endpoint_source: Source) -> String {
        let context = Context { endpoint_source: Some(endpoint_source), ..Context::default() };
        message(&failure.into(), &context).1
    }

    /// Otherwise users trust another authority, which helps against one problem only, and is a risk.
    #[test]
    fn each_tls_problem_has_its_own_remedy() {
        for (problem, remedy) in [
            (TlsProblem::UntrustedAuthority, "set ca_bundle"),
            (TlsProblem::Expired, "Check this machine's clock"),
            (TlsProblem::NotValidYet, "Check this machine's clock"),
            (TlsProblem::AuthorityAsServer, "CA:FALSE"),
            (TlsProblem::OtherHost, "or JDCLOUD_VM_ENDPOINT is wrong"),
            (TlsProblem::ClientCertificate, "Another server may respond"),
            (TlsProblem::Version, "Another server may respond"),
            (TlsProblem::CipherSuite, "Another server may respond"),
        ] {
            let tls = TransportError::Tls { host: "h".into(), problem: problem.clone() };
            let detail = detail(tls, Source::Environment(vec!["JDCLOUD_VM_ENDPOINT"]));
            assert!(detail.contains(remedy), "{problem:?}: {detail}");
            assert_eq!(detail.contains("ca_bundle"), problem == TlsProblem::UntrustedAuthority, "{detail}");
        }
    }

    /// The variable is right; the proxy's administrator has to act.
    #[test]
    fn the_refusal_of_a_proxy_names_the_host_that_it_refuses() {
        let (proxy, host) = ("http://proxy:3128".into(), "vm.jdcloud-api.com".into());
        let refusal = TransportError::ProxyRefusal { proxy, variable: "HTTPS_PROXY", host };
        let detail = detail(refusal, Source::Default);
        let says = "http://proxy:3128, the proxy of HTTPS_PROXY, refused a connection to vm.jdcloud-api.com. It does";
        assert!(detail.starts_with(says), "{detail}");
    }

    #[test]
    fn only_an_endpoint_that_is_set_can_be_wrong() {
        let failures = [
            Failure::Redirect { location: None },
            Failure::UnexpectedStatus { status: 204 },
            Failure::Unexpected { reason: "r".into() },
            Failure::UnreadableRow { row: 1, reason: "r".into() },
            TransportError::Dns { host: "h".into(), reason: "r".into() }.into(),
            TransportError::Connect { host: "h".into(), reason: "r".into() }.into(),
            TransportError::WrongScheme { host: "h".into(), tls: true }.into(),
        ];
        for failure in failures {
            let names_it =
                |source| detail(failure.clone(), source).contains("vm_endpoint in the provider block");
            assert!(names_it(Source::Arguments(vec!["vm_endpoint"])), "{failure:?}");
            assert!(!names_it(Source::Default), "{failure:?}");
        }
    }
}
