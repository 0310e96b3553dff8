//! Messages about calls that failed: what JD Cloud or the network did, and what to do next.

use std::time::Duration;

use crate::jdcloud::{Context, Failure, RowProblem, RuleError, Source, TokenEncoding, TransportError};
use crate::provider::sentence::span;

/// Summary and detail.
pub(super) fn message(failure: &Failure, context: &Context) -> (&'static str, String) {
    let (region, asks_about) = (&context.region, context.asks_about);
    let not_taken = format!("It was not taken for \"no {}\".", context.lists);
    match failure {
        Failure::UnknownAccessKey => (
            "JD Cloud rejected the access key",
            format!(
                "JD Cloud does not know the access key{}. Check it, and that the key pair is enabled: JD Cloud's console \
                 lists yours under Access Key Management.",
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
                "It is {} {}: JD Cloud's is at {server}. JD Cloud refuses requests whose time is off. Set the clock, for \
                 example by switching on NTP.",
                span(by.unsigned_abs()),
                if by.is_positive() { "slow" } else { "fast" }
            ),
        ),
        Failure::ForbiddenAddress => (
            "JD Cloud refuses this IP address",
            "The access key may not be used from this machine's address. Add the address to the key's allow list on JD Cloud's \
             console, or run Terraform from an allowed one. A proxy changes the address that JD Cloud sees."
                .to_owned(),
        ),
        Failure::PermissionDenied => (
            "JD Cloud denies the permission",
            format!(
                "The user of this access key may not call {}. Attach a policy that allows the read-only calls of Virtual \
                 Machines to the user in JD Cloud's IAM.",
                context.operation
            ),
        ),
        Failure::NotFound => (
            "JD Cloud found nothing at this address",
            format!(
                "Most often the region does not exist: check that \"{region}\" is right (cn-north-1, cn-east-1, cn-east-2 and \
                 cn-south-1 are well known ones). If vm_endpoint is set, check that it is the endpoint of the VM service."
            ),
        ),
        Failure::Throttled { retry_after } => (
            "JD Cloud throttles this account",
            format!(
                "{}The account has made too many calls in this minute, from here or elsewhere{}. Wait a minute and run \
                 Terraform again; ask about many images in one data block, lower max_concurrent_requests, or raise \
                 read_timeout.",
                told_to_wait(*retry_after, context),
                after_retries(context, ", and waiting did not help within the given time")
            ),
        ),
        Failure::QuotaExceeded => (
            "A quota of the JD Cloud account is used up",
            "JD Cloud says that a quota is exceeded. Waiting does not help; raise the quota in JD Cloud's console or open a \
             ticket there."
                .to_owned(),
        ),
        Failure::Server { retry_after } => (
            "JD Cloud failed",
            format!(
                "{}JD Cloud could not answer{}. Run Terraform again later; if it stays, open a ticket at JD Cloud with the \
                 requestId below.",
                told_to_wait(*retry_after, context),
                after_retries(context, ", and trying again did not help")
            ),
        ),
        Failure::Refused => (
            "JD Cloud refused the request",
            "The message below is JD Cloud's. If it names an image, check that id; if it stays unclear, open a ticket at JD \
             Cloud with the requestId below."
                .to_owned(),
        ),
        Failure::Redirect { location } => (
            "Redirected away from JD Cloud",
            format!(
                "The answer sends the request to {}. A signed request does not follow. Something between here and JD Cloud \
                 answers in its place, such as a proxy's login page; or vm_endpoint is wrong.",
                location.as_ref().map_or("another place".to_owned(), ToString::to_string)
            ),
        ),
        Failure::UnexpectedStatus { status } => (
            "Unexpected response",
            format!(
                "The answer has the HTTP status {status}; JD Cloud's answers with a result have 200. {not_taken} Check \
                 vm_endpoint, and for a proxy that answers in JD Cloud's place."
            ),
        ),
        Failure::NotJson { cut_off: true, reason, .. } => (
            "The answer is not JSON",
            format!(
                "The answer is the beginning of JSON and ends too early ({reason}). Something between here and JD Cloud cut it \
                 off. Run Terraform again; if it stays, check the proxy, and vm_endpoint if it is set."
            ),
        ),
        Failure::NotJson { content_type, reason, beginning, .. } => (
            "The answer is not JSON",
            format!(
                "The answer is {} ({reason}); {}. Something between here and JD Cloud answers in its place, such as a proxy or \
                 a login page; or vm_endpoint is wrong.",
                content_type.as_ref().map_or("of no stated type".to_owned(), ToString::to_string),
                beginning
                    .as_ref()
                    .map_or("it is not text".to_owned(), |beginning| format!("it begins with: \"{beginning}\""))
            ),
        ),
        Failure::Unexpected { reason } => (
            "Unexpected response",
            format!(
                "The answer is JSON, but not an answer of JD Cloud's: {reason}. {not_taken} Check vm_endpoint, and for a proxy \
                 that answers in JD Cloud's place."
            ),
        ),
        Failure::OtherRow { asked, got } => (
            "The answer is to another request",
            format!(
                "The answer has a row for {asks_about} {got}, and the request was for {}{}. Something between here and JD Cloud gave the \
                 answer to another request, such as a cache that ignores the query; or the {asks_about} differs in upper and \
                 lower case. {not_taken}",
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
                "Row {row} of JD Cloud's answer{} can't be understood: {}. {not_taken} Open a ticket at JD Cloud with the \
                 requestId below.",
                id.as_ref().map(|id| format!(", for {asks_about} {id},")).unwrap_or_default(),
                row_problem(*problem)
            ),
        ),
        Failure::IncompleteList { rows, total } => (
            "JD Cloud's list is incomplete",
            format!(
                "JD Cloud says that the list has {total} rows and returned only {rows} of them, also when it was asked again. A \
                 part was not taken for the whole. Run Terraform again; if it stays, open a ticket at JD Cloud with the \
                 requestId below."
            ),
        ),
        Failure::Transport(error) => transport(error),
        Failure::AttemptTimeout { limit } => (
            "JD Cloud did not answer in time",
            format!(
                "No complete answer came within {}. Check the network, or raise request_timeout in the provider block.",
                span(*limit)
            ),
        ),
        // What kept it from being read says more than that the time is up.
        Failure::ReadTimeout { limit, last: Some(last) } => {
            let (summary, explanation) = message(last, context);
            let limit = span(*limit);
            (summary, format!("{explanation} The provider gave up after read_timeout, which is {limit}."))
        }
        Failure::ReadTimeout { limit, last: None } => (
            "JD Cloud did not answer in time",
            format!(
                "The data source was not read within {}, waiting included. Raise read_timeout in the provider block if that is \
                 to be expected.",
                span(*limit)
            ),
        ),
        Failure::Unsendable { reason } => ("The request can't be sent", format!("{reason}. No request was sent.")),
        Failure::Lost => (
            "The provider lost a request",
            "The request ended without an answer. This is a bug in the provider; please report it.".to_owned(),
        ),
    }
}

fn transport(error: &TransportError) -> (&'static str, String) {
    match error {
        TransportError::Dns { host, reason } => (
            "JD Cloud's host name can't be resolved",
            format!(
                "{host}: {reason}. Check the network and its name server, and vm_endpoint if it is set. Behind a corporate \
                 proxy, set HTTPS_PROXY."
            ),
        ),
        TransportError::Connect { host, reason } => (
            "JD Cloud can't be reached",
            format!(
                "No connection to {host}: {reason}. Check the network and the firewall, and vm_endpoint if it is set. Behind a \
                 corporate proxy, set HTTPS_PROXY."
            ),
        ),
        TransportError::Tls { host, reason } => (
            "No trusted connection to JD Cloud",
            format!(
                "{host}: {reason}. Where a proxy inspects TLS, or the endpoint is private, name its certificate authority with \
                 ca_bundle in the provider block. Certificates are refused too when this machine's clock is wrong."
            ),
        ),
        TransportError::WrongScheme { host, tls: true } => (
            "The server does not speak TLS",
            format!(
                "The server at {host} does not speak TLS; check the scheme of vm_endpoint. If it is right, a proxy or a \
                 firewall answers in the server's place."
            ),
        ),
        TransportError::WrongScheme { host, tls: false } => (
            "The server does not speak plain HTTP",
            format!(
                "The server at {host} does not speak plain HTTP; check the scheme of vm_endpoint, which is most likely \
                 https."
            ),
        ),
        TransportError::Unsendable { reason } => {
            ("The request can't be sent", format!("{reason}. No request was sent."))
        }
        TransportError::Proxy { proxy, reason } => (
            "The proxy can't be used",
            format!(
                "{proxy}: {reason}. Check HTTPS_PROXY, and NO_PROXY if JD Cloud is to be reached without it."
            ),
        ),
        TransportError::TooLarge { limit } => (
            "The answer is too large",
            format!(
                "The answer is larger than {} MiB, which no answer of JD Cloud's is. Ask about fewer images (ids), and check \
                 vm_endpoint if it is set.",
                limit >> 20
            ),
        ),
        TransportError::Broken { host, reason } => (
            "The connection to JD Cloud broke",
            format!(
                "The connection to {host} ended before the answer was complete: {reason}. Check the network and the proxy."
            ),
        ),
    }
}

/// Where the access key (0) or the secret key (1) is from, as the end of a noun phrase.
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

/// The first sentence where JD Cloud asked for a longer wait than the read had left.
fn told_to_wait(retry_after: Option<Duration>, context: &Context) -> String {
    match (retry_after, context.time_left) {
        (Some(wait), Some(left)) => format!(
            "JD Cloud asked to wait {}, longer than the remaining read_timeout ({}). ",
            span(wait),
            span(left)
        ),
        _ => String::new(),
    }
}

/// What is true only of a call that was tried more than once.
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
        RowProblem::Rule(RuleError::NoConstraintsType) => "its constraint has no constraintsType",
        RowProblem::Rule(RuleError::NoInstanceTypes) => {
            "its constraint is of the type \"includes\" and has no list of instance types"
        }
        RowProblem::Rule(RuleError::Contradiction) => "it contradicts another row for the same image",
    };
    problem.to_owned()
}
