//! Writes the body of a successful response, with or without faults in it.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::scenario::{Answer, MalformedRow, Scenario};

/// The `result` of a successful response: its rows, and the JSON before and after them.
pub(crate) struct ApiResult<'a> {
    pub(crate) before: &'static str,
    pub(crate) rows: Vec<Cow<'a, str>>,
    pub(crate) after: String,
}

/// The body for `result`, with the faults of `scenario`.
pub(crate) fn write(request_id: &str, found: &ApiResult<'_>, scenario: &Scenario) -> String {
    let ApiResult { before, after, .. } = found;
    let rows = list(&found.rows, scenario);
    let extra = |fields: &'static str| if scenario.extra_fields { fields } else { "" };
    let result = format!(r#""result":{{{}{before}{rows}{after}}}"#, extra(r#""nextToken":"n-1","#));
    let head = format!(r#"{}"requestId":"{request_id}""#, extra(r#""traceId":"t-1","#));
    match scenario.answer {
        Answer::NoRequestId => format!("{{{result}}}"),
        Answer::ResultNull => format!(r#"{{{head},"result":null}}"#),
        Answer::ResultAbsent => format!("{{{head}}}"),
        _ => format!("{{{head},{result}}}"),
    }
}

fn list(rows: &[Cow<'_, str>], scenario: &Scenario) -> String {
    if !scenario.extra_fields && scenario.malformed_row.is_none() {
        return rows.join(",");
    }
    let mut written: Vec<_> = rows.iter().map(|row| row.clone().into_owned()).collect();
    if scenario.extra_fields {
        for row in &mut written {
            *row = edited(row, add_undocumented);
        }
    }
    if let (Some(fault), Some(first)) = (scenario.malformed_row, written.first_mut()) {
        *first = edited(first, |row| malform(row, fault));
    }
    written.join(",")
}

fn edited(row: &str, edit: impl Fn(&mut Value)) -> String {
    let mut value = serde_json::from_str(row).unwrap_or_default();
    edit(&mut value);
    value.to_string()
}

fn add_undocumented(row: &mut Value) {
    if let Some(row) = row.as_object_mut() {
        row.insert("uefiSupport".to_owned(), json!(true));
        if let Some(constraint) = row.get_mut("imageInstanceTypeConstraint").and_then(Value::as_object_mut) {
            constraint.insert("reasons".to_owned(), json!([{"code": 7, "text": null}]));
        }
    }
}

fn malform(row: &mut Value, fault: MalformedRow) {
    let Some(row) = row.as_object_mut() else { return };
    let constraint = match fault {
        MalformedRow::NoImageId => {
            row.remove("imageId");
            row.remove("instanceType");
            return;
        }
        MalformedRow::EmptyType => json!({"constraintsType": "", "instanceTypes": ["g.n4.large"]}),
        MalformedRow::NullType => json!({"constraintsType": null, "instanceTypes": ["g.n4.large"]}),
        MalformedRow::IncludesNull => json!({"constraintsType": "includes", "instanceTypes": null}),
    };
    row.insert("imageInstanceTypeConstraint".to_owned(), constraint);
}
