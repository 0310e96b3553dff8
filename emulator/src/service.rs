//! What the VM API answers to a call that no fault of the gateway has stopped.

use http::{HeaderMap, HeaderName};
use time::OffsetDateTime;

use crate::catalogue::Catalogue;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::rows;
use crate::scenario::{Answer, RawAnswer, Scenario, UnknownRegion, WithoutIds};
use crate::scripted::Values;

/// A well-signed call.
pub(crate) struct Question<'a> {
    pub(crate) region: &'a str,
    pub(crate) ids: Result<&'a [String], String>,
    /// For the redirect.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request_id: &'a str,
    /// By the server's clock.
    pub(crate) now: OffsetDateTime,
}

/// The reply to `question`, with the rows for the ids in `answered`. Wrong answers are given only if `bent`.
pub(crate) fn reply(
    question: &Question<'_>,
    answered: &[String],
    catalogue: &Catalogue,
    scenario: &Scenario,
    bent: bool,
) -> Reply {
    match refusal(question, scenario) {
        Some(error) => Reply::error(&error, question.request_id),
        None => answer(question, answered, catalogue, scenario, bent),
    }
}

/// What is wrong with the question, if anything.
fn refusal(question: &Question<'_>, scenario: &Scenario) -> Option<ApiError> {
    let ids = match &question.ids {
        Ok(ids) => *ids,
        Err(sentence) => return Some(ApiError::invalid_argument(sentence.clone())),
    };
    if ids.is_empty() && scenario.without_ids == WithoutIds::Refused {
        return Some(ApiError::invalid_argument("Parameter ids missing"));
    }
    if scenario.max_ids.is_some_and(|limit| ids.len() > limit) {
        return Some(ApiError::of_status(scenario.max_ids_status));
    }
    let poison = ids.iter().find(|id| scenario.poisoned_ids.contains(id))?;
    Some(match scenario.poisoned_status {
        400 if !scenario.poisoned_anonymous => {
            ApiError::invalid_argument(format!("Invalid image id '{poison}'"))
        }
        404 if !scenario.poisoned_anonymous => {
            ApiError::new(404, "NOT_FOUND", format!("Image '{poison}' not found"))
        }
        other => ApiError::of_status(other),
    })
}

fn answer(
    question: &Question<'_>,
    ids: &[String],
    catalogue: &Catalogue,
    scenario: &Scenario,
    bent: bool,
) -> Reply {
    let ids = &ids[..ids.len().min(scenario.silent_max_ids.unwrap_or(usize::MAX))];
    let found = match ids {
        [] => catalogue.rows(question.region),
        ids => catalogue.rows_of(question.region, ids),
    };
    let Some(mut rows) = found.or((scenario.unknown_region == UnknownRegion::Empty).then(Vec::new)) else {
        // Not documented for this call; the gateway knows 404 only for paths.
        let message = format!("Region '{}' not found", question.region);
        return Reply::error(&ApiError::new(404, "NOT_FOUND", message), question.request_id);
    };
    let bare: Vec<_>;
    match scenario.without_ids {
        WithoutIds::Empty if ids.is_empty() => rows.clear(),
        WithoutIds::Subset if ids.is_empty() => rows.truncate(rows.len().div_ceil(2)),
        WithoutIds::BareRows if ids.is_empty() => {
            bare = catalogue.bare_rows(question.region);
            rows = bare.iter().map(|(id, row)| (*id, &**row)).collect();
        }
        _ => {}
    }
    rows.truncate(scenario.silent_max_rows.unwrap_or(usize::MAX));
    if !bent {
        return Reply::json(200, rows::body(question.request_id, &rows, &Scenario::default()));
    }

    let forbidden = |status: &'static str, message: &'static str| {
        Reply::error(&ApiError::new(403, status, message), question.request_id)
    };
    if let Some(raw) = &scenario.raw_answer {
        return scripted(question, raw, &rows);
    }
    match scenario.answer {
        Answer::Html => return Reply::page(200),
        Answer::EmptyObject => return Reply::json(200, "{}".to_owned()),
        Answer::ForbiddenIp => return forbidden("HTTP_FORBIDDEN", "Your IP address is not allowed"),
        Answer::PermissionDenied => return forbidden("PERMISSION_DENIED", "Permission denied"),
        Answer::Redirect => return Reply::redirect(&format!("/elsewhere{}", question.target)),
        Answer::Normal | Answer::NoRequestId | Answer::ResultNull | Answer::ResultAbsent => {}
    }
    let mut body = rows::body(question.request_id, &rows, scenario);
    for (old, new) in scenario.rename_fields.iter().filter_map(|pair| pair.split_once('=')) {
        body = body.replace(&format!("\"{old}\":"), &format!("\"{new}\":"));
    }
    let mut padding = 0;
    if let Some(mb) = scenario.huge_body_mb {
        // A string whose end is the last two bytes, so that the filling goes into it.
        body.truncate(body.len() - 1);
        body += r#","padding":""}"#;
        padding = u64::from(mb) * 1024 * 1024;
    }
    Reply { padding, ..Reply::json(200, body) }
}

fn scripted(question: &Question<'_>, raw: &RawAnswer, rows: &[(&str, &str)]) -> Reply {
    let rows: Vec<_> = rows.iter().map(|(_, row)| *row).collect();
    let values = Values {
        request_id: question.request_id,
        headers: question.headers,
        ids: question.ids.as_deref().unwrap_or_default(),
        rows: &rows.join(","),
    };
    let mut reply = Reply::json(raw.status, values.fill(&raw.body));
    for (name, value) in &raw.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            reply = reply.with(name, values.fill(value));
        }
    }
    reply
}
