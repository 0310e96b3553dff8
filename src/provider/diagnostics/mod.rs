//! The diagnostics of failed reads: what happened, what to do next, and the details for a support ticket.

mod call;
mod settings;

use crate::framework::{AttributePath, Diagnostic, Diagnostics, ReadError, Severity};
use crate::jdcloud::{CallError, Error, Notice, SettingsError};

use super::sentence::{counted, span};

/// Reports why a read failed, and returns the error for the host.
pub(super) fn report(error: &Error, diagnostics: &mut Diagnostics) -> ReadError {
    match error {
        Error::Settings(problem) => {
            let (summary, detail) = settings::message(problem);
            diagnostics.error(summary, detail);
        }
        Error::Call(error) => {
            let (summary, explanation) = call::message(&error.failure, &error.context);
            diagnostics.error(summary, format!("{explanation}\n\n{}", ticket(error)));
        }
        Error::Cancelled => {
            diagnostics
                .error("Read cancelled", "Terraform stopped the provider before the response arrived.");
        }
    }
    match error {
        Error::Settings(SettingsError::UnknownArguments { .. }) => ReadError::ProviderConfigUnknown,
        _ => ReadError::Failed,
    }
}

/// Reports an invalid setting before any read; the diagnostic points at the argument.
pub(super) fn report_settings(problem: &SettingsError, diagnostics: &mut Diagnostics) {
    let (summary, detail) = settings::message(problem);
    let attribute = settings::argument(problem).map(AttributePath::attribute);
    diagnostics.push(Diagnostic { severity: Severity::Error, summary, detail, attribute });
}

/// Reports a problem that a read worked around.
pub(super) fn report_notice(notice: Notice, diagnostics: &mut Diagnostics) {
    match notice {
        Notice::ClockCorrected { by } => diagnostics.warning(
            None,
            "The clock of this machine is wrong",
            format!(
                "It is {} {} JD Cloud's clock. JD Cloud rejects requests with a wrong time, so the request was signed with JD \
                 Cloud's time. Set the clock, for example by enabling NTP.",
                span(by.unsigned_abs()),
                if by.is_positive() { "behind" } else { "ahead of" }
            ),
        ),
        Notice::SignatureVersion3 => diagnostics.warning(
            None,
            "JD Cloud refused the documented signature",
            "JD Cloud refused a request signed with JDCLOUD2-HMAC-SHA256, the documented version, and accepted it signed with \
             JDCLOUD3-HMAC-SHA256. The provider now uses that version. Look for a newer version of the provider.",
        ),
        Notice::IncompleteResponses { limit, earlier } => diagnostics.warning(
            None,
            "JD Cloud returned incomplete responses",
            format!(
                "Responses to requests for more than {} may be incomplete: they left out images without an error. The provider \
                 now sends smaller requests, and requested again every image that was left out. Set batch_size = {limit} in the \
                 provider block to save these requests.{}",
                counted(limit, "image"),
                if earlier {
                    " Data blocks that were read before may lack constraints; with this batch_size, run Terraform again."
                } else {
                    ""
                }
            ),
        ),
        Notice::SmallerBatches { from, to } => diagnostics.warning(
            None,
            "JD Cloud refused a request for many images",
            format!(
                "A request for {} was refused. Requests for up to {to} succeed, so the provider now sends those. Set \
                 batch_size = {to} in the provider block to avoid refused requests.",
                counted(from, "image")
            ),
        ),
    }
}

/// The details for a support ticket, line by line. Terraform does not wrap lines that begin with a space.
pub(super) fn ticket(CallError { context, .. }: &CallError) -> String {
    let asked = match (context.asked.count, &context.asked.query) {
        (None, None) => format!("all {}s", context.asks_about),
        (None, Some(query)) => format!("{}s with {query}", context.asks_about),
        (Some(count), _) => {
            let more = if count > context.asked.sample.len() { ", ..." } else { "" };
            format!("{} ({}{more})", counted(count, context.asks_about), context.asked.sample.join(", "))
        }
    };
    let shared = if context.is_shared { ", shared by several data blocks," } else { "" };
    let mut lines = vec![format!(
        "Request:   {} for {asked}{shared} in {} at {}",
        context.operation, context.region, context.endpoint
    )];
    if let Some(http_status) = context.http_status {
        // The API may return an error in a response with status 200.
        let code = context.code.filter(|code| *code != http_status).map(|code| format!(", code {code}"));
        let status = context.status.as_ref().map(|status| format!(", {status}"));
        let message = context.message.as_ref().map(|message| format!(": {message}"));
        let parts = [code, status, message].map(Option::unwrap_or_default).concat();
        lines.push(format!("Response:  HTTP {http_status}{parts}"));
    }
    if let Some(request_id) = &context.request_id {
        lines.push(format!("requestId: {request_id}"));
    }
    if context.attempts > 0 {
        let ended = if context.time_left.is_some() { "; read_timeout left no time for another" } else { "" };
        lines.push(format!("Attempts:  {} in {}{ended}", context.attempts, span(context.elapsed)));
    }
    lines.into_iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::jdcloud::{Context, Failure};

    /// Rules that passed in earlier blocks may have been wrong.
    #[test]
    fn incomplete_responses_of_earlier_blocks_are_told() {
        for earlier in [true, false] {
            let mut diagnostics = Diagnostics::default();
            report_notice(Notice::IncompleteResponses { limit: 3, earlier }, &mut diagnostics);
            let detail = &diagnostics.iter().next().unwrap().detail;
            assert_eq!(detail.contains("Data blocks that were read before may lack constraints"), earlier);
        }
    }

    /// Its ids are not those of the block that shows the error.
    #[test]
    fn a_request_of_several_data_blocks_is_told_as_such() {
        let context =
            Context { operation: "describeIt", asks_about: "image", is_shared: true, ..Context::default() };
        let ticket = ticket(&CallError { failure: Failure::PermissionDenied, context });
        assert!(ticket.contains("describeIt for all images, shared by several data blocks, in"), "{ticket}");
    }

    fn detail(failure: Failure, context: Context) -> String {
        let mut diagnostics = Diagnostics::default();
        let _ = report(&Error::Call(Arc::new(CallError { failure, context })), &mut diagnostics);
        diagnostics.iter().next().unwrap().detail.clone()
    }

    /// Increasing one of them alone would not help.
    #[test]
    fn a_timeout_that_leaves_no_time_for_a_retry_names_both_arguments() {
        let second = Duration::from_secs(1);
        for (time_left, remedy, attempts) in [
            (None, "increase request_timeout in the provider block", "Attempts:  3 in 4 s"),
            (
                Some(second),
                "increase request_timeout and read_timeout in the provider block",
                "Attempts:  3 in 4 s; read_timeout left no time for another",
            ),
        ] {
            let context = Context { attempts: 3, elapsed: 4 * second, time_left, ..Context::default() };
            let detail = detail(Failure::AttemptTimeout { limit: second }, context);
            assert!(detail.contains(remedy) && detail.ends_with(attempts), "{detail}");
        }
        for (last, remedy) in [
            (Failure::AttemptTimeout { limit: second }, "increase request_timeout and read_timeout in"),
            (Failure::Throttled { retry_after: None }, "or increase read_timeout."),
        ] {
            let last = Some(Box::new(last));
            let detail = detail(Failure::ReadTimeout { limit: second, last }, Context::default());
            assert!(detail.contains(remedy), "the read ended during the retry: {detail}");
        }
    }
}
