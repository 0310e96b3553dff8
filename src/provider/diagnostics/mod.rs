//! What users read when something goes wrong: what happened, what to do next, and what a support ticket needs.

mod call;
mod settings;

use crate::framework::{AttributePath, Diagnostic, Diagnostics, ReadError, Severity};
use crate::jdcloud::{CallError, Error, Notice, SettingsError};

use super::sentence::{counted, span};

/// Reports why a read failed, and returns what the host is told.
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
                .error("Read cancelled", "Terraform asked the provider to stop before the answer was there.");
        }
    }
    match error {
        Error::Settings(SettingsError::UnknownArguments { .. }) => ReadError::ProviderConfigUnknown,
        _ => ReadError::Failed,
    }
}

/// A setting that can be seen to be wrong before any read: it points at the argument.
pub(super) fn report_settings(problem: &SettingsError, diagnostics: &mut Diagnostics) {
    let (summary, detail) = settings::message(problem);
    let attribute = settings::argument(problem).map(AttributePath::attribute);
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
        Notice::SignatureVersion3 => diagnostics.warning(
            None,
            "JD Cloud refused the documented signature",
            "JD Cloud refused a request signed with JDCLOUD2-HMAC-SHA256, the documented version, and accepted it signed with \
             JDCLOUD3-HMAC-SHA256. The provider goes on with that. Look for a newer version of the provider.",
        ),
        Notice::IncompleteResponses { limit } => diagnostics.warning(
            None,
            "JD Cloud returned incomplete responses",
            format!(
                "Responses to requests for more than {} left out images without saying so. The provider now asks for at most \
                 that many at once, and has asked again for every image that seemed to have no constraint. Set batch_size = \
                 {limit} in the provider block to save these requests.",
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

/// What a support ticket needs, line by line; lines that begin with a space are not wrapped.
pub(super) fn ticket(CallError { context, .. }: &CallError) -> String {
    let asked = match (context.asked.count, &context.asked.query) {
        (None, None) => format!("all {}s", context.asks_about),
        (None, Some(query)) => format!("{}s with {query}", context.asks_about),
        (Some(count), _) => {
            let more = if count > context.asked.sample.len() { ", ..." } else { "" };
            format!("{} ({}{more})", counted(count, context.asks_about), context.asked.sample.join(", "))
        }
    };
    let mut lines = vec![format!(
        "Request:   {} for {asked} in {} at {}",
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
