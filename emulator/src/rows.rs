//! Writes the good answer, and the ones that are nearly good.

use serde_json::{Value, json};

use crate::scenario::{Answer, MalformedRow, Scenario};

/// The body that answers with `rows`, bent as `scenario` says.
pub(crate) fn body(request_id: &str, rows: &[(&str, &str)], scenario: &Scenario) -> String {
    let list = list(rows, scenario);
    let extra = |fields: &'static str| if scenario.extra_fields { fields } else { "" };
    let result = format!(r#""result":{{{}"imageConstraints":[{list}]}}"#, extra(r#""totalCount":1,"#));
    let head = format!(r#"{}"requestId":"{request_id}""#, extra(r#""traceId":"t-1","#));
    match scenario.answer {
        Answer::NoRequestId => format!("{{{result}}}"),
        Answer::ResultNull => format!(r#"{{{head},"result":null}}"#),
        Answer::ResultAbsent => format!("{{{head}}}"),
        _ => format!("{{{head},{result}}}"),
    }
}

fn list(rows: &[(&str, &str)], scenario: &Scenario) -> String {
    let mut written: Vec<_> = rows.iter().map(|(_, row)| (*row).to_owned()).collect();
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
            return;
        }
        MalformedRow::EmptyType => json!({"constraintsType": "", "instanceTypes": ["g.n4.large"]}),
        MalformedRow::NullType => json!({"constraintsType": null, "instanceTypes": ["g.n4.large"]}),
        MalformedRow::IncludesNull => json!({"constraintsType": "includes", "instanceTypes": null}),
    };
    row.insert("imageInstanceTypeConstraint".to_owned(), constraint);
}
