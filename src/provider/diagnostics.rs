//! What users read when something goes wrong: what happened, what to do next, and what a support ticket needs.

use crate::framework::{AttributePath, Diagnostic, Diagnostics, Severity};
use crate::jdcloud::{
    CallError, Context, Error, Failure, Missing, Notice, RowProblem, RuleError, SettingsError, Source,
    SourceTried, TokenEncoding, TransportError,
};

use super::sentence::{are, counted, joined, span};

/// A failed read.
pub(super) fn report(error: &Error, diagnostics: &mut Diagnostics) {
    match error {
        Error::Settings(problem) => {
            let (summary, detail) = settings(problem);
            diagnostics.error(summary, detail);
        }
        Error::Call(error) => {
            let (summary, explanation) = failure(&error.failure, &error.context);
            diagnostics.error(summary, format!("{explanation}\n\n{}", ticket(error)));
        }
        Error::Cancelled => {
            diagnostics
                .error("Read cancelled", "Terraform asked the provider to stop before the answer was there.");
        }
    }
}

/// A setting that can be seen to be wrong before any read: it points at the argument.
pub(super) fn report_settings(problem: &SettingsError, diagnostics: &mut Diagnostics) {
    let (summary, detail) = settings(problem);
    let attribute = argument(problem).map(AttributePath::attribute);
    diagnostics.push(Diagnostic { severity: Severity::Error, summary, detail, attribute });
}

/// Something that a read worked around.
pub(super) fn report_notice(notice: Notice, diagnostics: &mut Diagnostics) {
    match notice {
        Notice::ClockCorrected { by } => diagnostics.warning(
            None,
            "The clock of this machine is wrong",
            format!(
                "It is {} {}. JD Cloud refuses requests whose time is off, so this one was signed with JD Cloud's time. Set \
                 the clock, for example by switching on NTP.",
                span(by.unsigned_abs()),
                if by.is_positive() { "slow" } else { "fast" }
            ),
        ),
        Notice::IncompleteResponses { limit } => diagnostics.warning(
            None,
            "JD Cloud returned incomplete responses",
            format!(
                "Responses to requests for more than {} left out images without saying so, so the provider asks for at most \
                 that many at once and has asked again for every image that seemed to have no constraint. Set \
                 batch_size = {limit} in the provider block to save these requests.",
                counted(limit, "image")
            ),
        ),
        Notice::SmallerBatches { from, to } => diagnostics.warning(
            None,
            "JD Cloud refused a request for many images",
            format!(
                "A request for {} was refused, and requests for up to {to} work, so the provider goes on with those. Set \
                 batch_size = {to} in the provider block to save the attempt.",
                counted(from, "image")
            ),
        ),
    }
}

/// The argument that a problem is about, where it is about one.
fn argument(problem: &SettingsError) -> Option<&'static str> {
    match problem {
        SettingsError::OutOfRange { argument, .. } | SettingsError::EmptyArgument { argument } => {
            Some(argument)
        }
        SettingsError::HalfKeyPair { origin: Source::Arguments(_), present, .. } => present.first().copied(),
        SettingsError::UnusableKey { origin: Source::Arguments(_), name } => Some(name),
        SettingsError::InvalidRegion { origin: Source::Arguments(_) | Source::Read, .. } => Some("region"),
        SettingsError::InvalidEndpoint { origin: Source::Arguments(_), .. } => Some("vm_endpoint"),
        SettingsError::CaBundle { .. } => Some("ca_bundle"),
        _ => None,
    }
}

fn settings(problem: &SettingsError) -> (String, String) {
    let (summary, detail) = match problem {
        SettingsError::UnknownArguments { arguments } => (
            "Provider configuration not known yet",
            format!(
                "This data source needs {} of the provider \"jdcloud\", which depends on something that is not applied yet. \
                 Nothing else was used in its place, since that could be another account or region. Apply what it depends on \
                 first (terraform apply -target=...), or put depends_on = [that resource] into the data block, so that it is \
                 read during apply.",
                joined(arguments)
            ),
        ),
        SettingsError::OutOfRange { argument, expected, given } => {
            ("Argument out of range", format!("{argument} must be {expected}, not {given}."))
        }
        SettingsError::EmptyArgument { argument } => (
            "Empty argument",
            format!(
                "{argument} is an empty string. Give it a value, or leave it out (or set it to null). An empty string is not \
                 taken for that, since it mostly comes from a variable that was not set."
            ),
        ),
        SettingsError::HalfKeyPair { origin, present, missing } => (
            "Incomplete credentials",
            format!(
                "Of the key pair, only {} {} set {}; {} {} not. A key pair, with its token, must come whole from one place, \
                 because a key of one account with the secret of another only fails. Set {} there too, or remove {}.",
                joined(present),
                are(present),
                within(origin),
                joined(missing),
                are(missing),
                joined(missing),
                joined(present)
            ),
        ),
        SettingsError::UnusableKey { origin, name } => (
            "Unusable credentials",
            format!(
                "{name}, as it is set {}, has characters that can't be part of a key, such as a line break at its end. Copy \
                 the key again from JD Cloud's console.",
                within(origin)
            ),
        ),
        SettingsError::TokenEncoding { given } => (
            "Invalid token encoding",
            format!(
                "JDCLOUD_SECURITY_TOKEN_ENCODING must be \"base64\" (the default) or \"raw\", not \"{given}\"."
            ),
        ),
        SettingsError::NoCredentials { tried } => (
            "No JD Cloud credentials",
            format!(
                "Asking JD Cloud needs an API key pair, and none was found. Sources tried, in this order:\n{}\n\nSet \
                 JDCLOUD_ACCESS_KEY and JDCLOUD_SECRET_KEY, or access_key and secret_key in the provider block, or create a \
                 profile with \"jdc configure add\". Key pairs are made on JD Cloud's console under Access Key Management.",
                sources(tried)
            ),
        ),
        SettingsError::NoRegion { tried } => (
            "No region",
            format!(
                "The region to ask is not set anywhere. Sources tried, in this order:\n{}\n\nSet region in the data block or in the \
                 provider block, or JDCLOUD_REGION, for example to \"cn-north-1\".",
                sources(tried)
            ),
        ),
        SettingsError::InvalidRegion { region, origin } => (
            "Invalid region",
            format!(
                "\"{region}\", which is set {}, can't be the name of a region. A region is written in lower-case letters, \
                 digits and hyphens, such as \"cn-north-1\".",
                within(origin)
            ),
        ),
        SettingsError::InvalidEndpoint { endpoint, origin, problem } => {
            ("Invalid endpoint", format!("\"{endpoint}\", which is set {}, {problem}.", within(origin)))
        }
        SettingsError::NoProfile(SourceTried { origin, missing }) => {
            ("Profile not found", no_profile(origin, missing))
        }
        SettingsError::UnreadableFile { file, reason } => (
            "Configuration file can't be read",
            format!(
                "{}: {reason}. Make the file readable, or name another with config_file.",
                file.display()
            ),
        ),
        SettingsError::MalformedFile { file, line, reason } => (
            "Configuration file is malformed",
            format!(
                "{}, line {line}: {reason}. The file has a [section] for each profile with lines like access_key = ...; a \
                 percent sign in a value is written twice (%%).",
                file.display()
            ),
        ),
        SettingsError::CaBundle { bundle, reason } => (
            "Certificates can't be used",
            format!("ca_bundle {bundle}: {reason}. It must name a PEM file with at least one certificate."),
        ),
        SettingsError::Proxy { variable, reason } => (
            "Proxy can't be used",
            format!(
                "{variable}: {reason}. It must be a URL such as http://proxy.example.com:3128, or unset."
            ),
        ),
        SettingsError::Setup { reason } => {
            ("HTTPS can't be set up", format!("{reason}. No request was sent."))
        }
    };
    (summary.to_owned(), detail)
}

/// The places that were tried at, as a list that Terraform does not wrap.
fn sources(tried: &[SourceTried]) -> String {
    tried.iter().map(|tried| format!("  - {tried}")).collect::<Vec<_>>().join("\n")
}

/// Where something is set, as the end of a clause.
fn within(origin: &Source) -> String {
    match origin {
        Source::Read => "in the data block".to_owned(),
        Source::Arguments(_) => "in the provider block".to_owned(),
        Source::Environment(names) => match &names[..] {
            [name] => format!("by {name}"),
            _ => "in the environment".to_owned(),
        },
        Source::Profile { name, file: Some(file) } => format!("by profile \"{name}\" of {}", file.display()),
        Source::Profile { name, file: None } => format!("by profile \"{name}\" of ~/.jdc/config"),
        Source::Default => "by default".to_owned(),
    }
}

fn no_profile(origin: &Source, missing: &Missing) -> String {
    let Source::Profile { name, file } = origin else { return format!("{origin}: {missing}.") };
    let file = file.as_ref().map_or("~/.jdc/config".to_owned(), |file| file.display().to_string());
    let problem = match missing {
        Missing::Home => {
            "There is no home directory in which ~/.jdc/config could be; set HOME or config_file.".to_owned()
        }
        Missing::File => format!("There is no file {file}, which would hold profile \"{name}\"."),
        _ => format!("{file} has no profile \"{name}\"."),
    };
    format!(
        "{problem} The file is named by config_file in the provider block, or is ~/.jdc/config; the profile is named by \
         profile in the provider block, by JDCLOUD_PROFILE, or by the file ~/.jdc/current. Correct these, or create the \
         profile with \"jdc configure add\"."
    )
}

fn failure(failure: &Failure, context: &Context) -> (&'static str, String) {
    let region = &context.region;
    match failure {
        Failure::UnknownAccessKey => (
            "JD Cloud does not know the access key",
            "Check access_key, and that the key pair is enabled: JD Cloud's console lists yours under Access Key Management. \
             TF_LOG_PROVIDER=DEBUG tells which source it came from."
                .to_owned(),
        ),
        Failure::SignatureMismatch { token } => (
            "JD Cloud refused the signature",
            format!(
                "The secret key does not belong to the access key. Check secret_key: it must be complete and from the same pair \
                 as access_key.{} TF_LOG_PROVIDER=DEBUG tells which source they came from.",
                token_hint(*token)
            ),
        ),
        Failure::Unauthenticated { token } => (
            "JD Cloud refused the credentials",
            format!("Check access_key and secret_key, and whether temporary credentials have expired.{}", token_hint(*token)),
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
            "The user of this access key may not call describeImageConstraintsBatch. Attach a policy that allows the read-only \
             calls of Virtual Machines to the user in JD Cloud's IAM."
                .to_owned(),
        ),
        Failure::NotFound => (
            "JD Cloud found nothing at this address",
            format!(
                "Most often the region does not exist: check that \"{region}\" is right (cn-north-1, cn-east-1, cn-east-2 and \
                 cn-south-1 are well known ones). If vm_endpoint is set, check that it is the endpoint of the VM service."
            ),
        ),
        Failure::Throttled { .. } => (
            "JD Cloud throttles this account",
            format!(
                "The account has made too many calls in this minute, from here or elsewhere{}. Wait a minute and run Terraform \
                 again; ask about many images in one data block, lower max_concurrent_requests, or raise read_timeout.",
                after_retries(context, ", and waiting did not help within the given time")
            ),
        ),
        Failure::QuotaExceeded => (
            "A quota of the JD Cloud account is used up",
            "JD Cloud says that a quota is exceeded. Waiting does not help; raise the quota in JD Cloud's console or open a \
             ticket there."
                .to_owned(),
        ),
        Failure::Server { .. } => (
            "JD Cloud failed",
            format!(
                "JD Cloud could not answer{}. Run Terraform again later; if it stays, open a ticket at JD Cloud with the \
                 requestId below.",
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
                location.as_deref().unwrap_or("another place")
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
                "What came is {} ({reason}); {}. Something between here and JD Cloud answers in its place, such as a proxy or a \
                 login page; or vm_endpoint is wrong.",
                content_type.as_deref().unwrap_or("of no stated type"),
                beginning
                    .as_ref()
                    .map_or("it is not text".to_owned(), |beginning| format!("it begins with: {beginning:?}"))
            ),
        ),
        Failure::Unexpected { reason } => (
            "Unexpected response",
            format!(
                "The answer is JSON, but not an answer of JD Cloud's: {reason}. It was not taken for \"no constraints\". Check \
                 vm_endpoint, and for a proxy that answers in JD Cloud's place."
            ),
        ),
        Failure::MalformedRow { row, image_id, problem } => (
            "Malformed response",
            format!(
                "Row {row} of JD Cloud's answer{} can't be understood: {}. It was not taken for \"no constraint\". Open a ticket \
                 at JD Cloud with the requestId below.",
                image_id.as_ref().map(|id| format!(", for image {id},")).unwrap_or_default(),
                row_problem(*problem)
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
            let (summary, explanation) = self::failure(last, context);
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

fn row_problem(problem: RowProblem) -> &'static str {
    match problem {
        RowProblem::NoImageId => "it has no imageId",
        RowProblem::Rule(RuleError::NoConstraintsType) => "its constraint has no constraintsType",
        RowProblem::Rule(RuleError::NoInstanceTypes) => {
            "it is of the kind \"includes\" and has no list of instance types"
        }
        RowProblem::Rule(RuleError::Contradiction) => "it contradicts another row for the same image",
    }
}

/// What a support ticket needs, line by line; lines that begin with a space are not wrapped.
fn ticket(CallError { context, .. }: &CallError) -> String {
    let images = match context.asked.count {
        None => "all images".to_owned(),
        Some(count) => {
            let more = if count > context.asked.sample.len() { ", ..." } else { "" };
            format!("{} ({}{more})", counted(count, "image"), context.asked.sample.join(", "))
        }
    };
    let mut lines = vec![format!(
        "Request:   {} for {images} in {} at {}",
        context.operation, context.region, context.endpoint
    )];
    if let Some(http_status) = context.http_status {
        // The API may tell of an error inside an answer with status 200.
        let code = context.code.filter(|code| *code != http_status).map(|code| format!(", code {code}"));
        let status = context.status.as_ref().map(|status| format!(", {status}"));
        let message = context.message.as_ref().map(|message| format!(": {message}"));
        let parts = [code, status, message].map(Option::unwrap_or_default).concat();
        lines.push(format!("Answer:    HTTP {http_status}{parts}"));
    }
    if let Some(request_id) = &context.request_id {
        lines.push(format!("requestId: {request_id}"));
    }
    if context.attempts > 0 {
        lines.push(format!("Attempts:  {} in {}", context.attempts, span(context.elapsed)));
    }
    lines.into_iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
