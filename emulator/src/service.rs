//! The VM API behind the gateway: what it answers to an authenticated request.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::catalogue::Catalogue;
use crate::error::ApiError;
use crate::images::{self, Selection};
use crate::instance_types::{Filters, with_stock_changed};
use crate::operation::Operation;
use crate::query::Query;
use crate::reply::Reply;
use crate::response_body::{self, ApiResult};
use crate::scenario::{Answer, RawAnswer, Scenario, SilentIds, UnknownRegion, WithoutIds};
use crate::scripted::Values;

/// A request to the API: region, operation and parameters.
#[derive(Clone)]
pub(crate) struct ApiRequest {
    pub(crate) region: String,
    pub(crate) operation: Operation,
    pub(crate) query: Query,
    /// The image ids it names; empty if they are malformed.
    pub(crate) ids: Vec<String>,
}

impl ApiRequest {
    /// The request of a request for this path and query, if the API has the path.
    pub(crate) fn of(path: &str, query: &str) -> Option<Self> {
        let (region, operation) = Operation::at(path)?;
        let query = Query::parse(query);
        let ids = match &operation {
            Operation::Image(id) => vec![id.clone()],
            _ => query.list("ids").unwrap_or_default(),
        };
        Some(Self { region: region.to_owned(), operation, query, ids })
    }

    /// The same request without its query.
    pub(crate) fn without_query(&self) -> Self {
        Self { query: Query::default(), ids: Vec::new(), ..self.clone() }
    }

    /// Whether it requests the constraints of the whole region.
    pub(crate) fn is_listing(&self) -> bool {
        self.operation == Operation::ImageConstraints && self.ids.is_empty()
    }

    /// What the API refuses about it.
    fn check(&self) -> Result<(), ApiError> {
        match self.operation {
            Operation::ImageConstraints => self.query.ids().map(drop).map_err(ApiError::invalid_argument),
            Operation::Images => Selection::read(&self.query)?.refusal().map_or(Ok(()), Err),
            Operation::Image(_) => self.query.only(&[]).map_err(ApiError::invalid_argument),
            Operation::InstanceTypes => Filters::read(&self.query).map(drop),
        }
    }
}

/// A request with a valid signature.
pub(crate) struct SignedRequest<'a> {
    pub(crate) request: &'a ApiRequest,
    /// For the redirect.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request_id: &'a str,
    /// By the server's clock.
    pub(crate) now: OffsetDateTime,
}

/// The reply to `call`, with the answer to `answered`, which may be another request. `number` counts the calls of the
/// operation, from 1. Wrong answers are given only if `faulty`.
pub(crate) fn reply(
    call: &SignedRequest<'_>,
    answered: &ApiRequest,
    catalogue: &Catalogue,
    scenario: &Scenario,
    number: u64,
    faulty: bool,
) -> Reply {
    let found = refusal(call.request, scenario)
        .map_or(Ok(()), Err)
        .and_then(|()| find(answered, catalogue, scenario, number));
    match found {
        Err(error) => Reply::error(&error, call.request_id),
        Ok(found) if faulty => faulty_reply(call, &found, scenario),
        Ok(found) => Reply::json(200, response_body::write(call.request_id, &found, &Scenario::default())),
    }
}

/// What is wrong with the request, if anything.
fn refusal(request: &ApiRequest, scenario: &Scenario) -> Option<ApiError> {
    if let Err(error) = request.check() {
        return Some(error);
    }
    if request.is_listing() && scenario.without_ids == WithoutIds::Refused {
        return Some(ApiError::invalid_argument("Parameter ids missing"));
    }
    let ids = &request.ids;
    if scenario.max_ids.is_some_and(|limit| ids.len() > limit) {
        return Some(ApiError::of_status(scenario.max_ids_status));
    }
    let poison = ids.iter().find(|id| scenario.poisoned_ids.contains(id))?;
    Some(match scenario.poisoned_status {
        400 if !scenario.poisoned_anonymous => {
            ApiError::invalid_argument(format!("Invalid image id '{poison}'"))
        }
        404 if !scenario.poisoned_anonymous => ApiError::image_not_found(poison),
        other => ApiError::of_status(other),
    })
}

/// The good answer to `request`.
fn find<'a>(
    request: &ApiRequest,
    catalogue: &'a Catalogue,
    scenario: &Scenario,
    number: u64,
) -> Result<ApiResult<'a>, ApiError> {
    let region = request.region.as_str();
    if !catalogue.has(region) && scenario.unknown_region == UnknownRegion::NotFound {
        // Not documented for these calls; the gateway knows 404 only for paths.
        return Err(ApiError::new(404, "NOT_FOUND", format!("Region '{region}' not found")));
    }
    let mut ids = request.ids.clone();
    if let Some(most) = scenario.silent_max_ids {
        match scenario.silent_ids {
            SilentIds::First => {}
            SilentIds::Last => ids.reverse(),
            SilentIds::Smallest => ids.sort(),
        }
        ids.truncate(most);
    }
    let json = |value: &Value| Cow::Owned(value.to_string());
    let mut found = match &request.operation {
        Operation::ImageConstraints => {
            let rows = match scenario.without_ids {
                _ if !ids.is_empty() => catalogue.rows_of(region, &ids).map(Cow::Borrowed).collect(),
                WithoutIds::Empty => Vec::new(),
                WithoutIds::BareRows => catalogue.rows_with(region, json!({})).map(Cow::Owned).collect(),
                WithoutIds::RowsWithoutTypes => {
                    let constraint = json!({"constraintsType": "excludes", "instanceTypes": null});
                    let fields = json!({"imageInstanceTypeConstraint": constraint});
                    catalogue.rows_with(region, fields).map(Cow::Owned).collect()
                }
                _ => catalogue.rows(region).map(Cow::Borrowed).collect::<Vec<_>>(),
            };
            ApiResult { before: r#""imageConstraints":["#, rows, after: "]".to_owned() }
        }
        Operation::Images => {
            let mut selection = Selection::read(&request.query)?;
            selection.ids = ids;
            let (page, total) = images::page(catalogue.images(region), &selection, scenario.paging, number);
            let after = format!(r#"],"totalCount":{total}"#);
            ApiResult { before: r#""images":["#, rows: page.into_iter().map(json).collect(), after }
        }
        Operation::Image(id) => {
            let image = catalogue.images(region).find(|image| image["imageId"] == **id);
            let image = image.ok_or_else(|| ApiError::image_not_found(id))?;
            ApiResult { before: r#""image":"#, rows: vec![json(image)], after: String::new() }
        }
        Operation::InstanceTypes => {
            let filters = Filters::read(&request.query)?;
            let selected = catalogue.instance_types(region).iter().filter(|one| filters.select(one));
            let changed = scenario.stock_changes && number.is_multiple_of(2);
            let rows: Vec<_> = selected
                .map(|one| if changed { json(&with_stock_changed(one)) } else { json(one) })
                .collect();
            let after = format!(r#"],"specificInstanceTypes":[],"totalCount":{}"#, rows.len());
            ApiResult { before: r#""instanceTypes":["#, rows, after }
        }
    };
    if request.is_listing() && scenario.without_ids == WithoutIds::Subset {
        found.rows.truncate(found.rows.len().div_ceil(2));
    }
    found.rows.truncate(scenario.silent_max_rows.unwrap_or(usize::MAX));
    Ok(found)
}

fn faulty_reply(call: &SignedRequest<'_>, found: &ApiResult<'_>, scenario: &Scenario) -> Reply {
    if let Some(raw) = &scenario.raw_answer {
        return scripted(call, raw, found);
    }
    let forbidden = |status: &'static str, message: &'static str| {
        Reply::error(&ApiError::new(403, status, message), call.request_id)
    };
    match scenario.answer {
        Answer::Html => return Reply::page(200),
        Answer::EmptyObject => return Reply::json(200, "{}".to_owned()),
        Answer::ForbiddenIp => return forbidden("HTTP_FORBIDDEN", "Your IP address is not allowed"),
        Answer::PermissionDenied => return forbidden("PERMISSION_DENIED", "Permission denied"),
        Answer::Redirect => return Reply::redirect(&format!("/elsewhere{}", call.target)),
        Answer::Normal | Answer::NoRequestId | Answer::ResultNull | Answer::ResultAbsent => {}
    }
    let mut body = response_body::write(call.request_id, found, scenario);
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

fn scripted(call: &SignedRequest<'_>, raw: &RawAnswer, found: &ApiResult<'_>) -> Reply {
    let values = Values {
        request_id: call.request_id,
        headers: call.headers,
        ids: &call.request.ids,
        rows: &found.rows.join(","),
    };
    let mut reply = Reply::json(raw.status, values.fill(&raw.body));
    for (name, value) in &raw.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            reply = reply.with(name, values.fill(value));
        }
    }
    reply
}
