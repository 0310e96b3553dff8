//! The API `describeImageConstraintsBatch`: its path, its parameters and the rows of its answer.
//!
//! Source: JD Cloud's page of that name. Rows become [`Rule`]s here; what is tolerated and what is not is
//! written in `constraint.rs` and below.

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use serde::Deserialize;

use crate::jdcloud::call::caller::Operation;
use crate::jdcloud::call::envelope::{Object, Text};
use crate::jdcloud::call::error::{Failure, RowProblem};
use crate::jdcloud::image_constraints::constraint::{Interner, Rule, RuleError};
use crate::jdcloud::signing::query::canonical_query;

/// The operation.
pub(crate) const OPERATION: Operation =
    Operation { name: "describeImageConstraintsBatch", service: "vm", collection: "imageConstraints" };

/// The query that asks for `ids`; with none it asks for every image.
pub(crate) fn query(ids: &[Arc<str>]) -> String {
    let keys: Vec<String> = (1..=ids.len()).map(|number| format!("ids.{number}")).collect();
    canonical_query(keys.iter().zip(ids).map(|(key, id)| (key.as_str(), &**id)))
}

/// `result` of the answer. Every field may be null or absent, and unknown ones are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultBody<'a> {
    #[serde(borrow)]
    image_constraints: Option<Vec<Object<Row<'a>>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    image_id: Option<Text<'a>>,
    #[serde(borrow)]
    image_instance_type_constraint: Option<Object<Constraint<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Constraint<'a> {
    #[serde(borrow)]
    constraints_type: Option<Text<'a>>,
    #[serde(borrow)]
    instance_types: Option<Vec<Text<'a>>>,
}

/// The images of an answer. A row that makes no rule fails only who asked for its image.
pub(crate) type Rows = HashMap<Arc<str>, Result<Rule, Failure>>;

/// The rules that `result` holds; none when it is null or absent.
///
/// # Errors
/// A row without an image id: it could be anybody's.
pub(crate) fn rows(result: Option<ResultBody<'_>>, interner: &mut Interner) -> Result<Rows, Failure> {
    let listed = result.and_then(|result| result.image_constraints).unwrap_or_default();
    let mut rows = Rows::with_capacity(listed.len());
    for (row, Object(Row { image_id, image_instance_type_constraint: constraint })) in (1..).zip(listed) {
        let id = image_id.filter(|id| !id.0.is_empty());
        let id: Arc<str> = match id {
            Some(id) => id.0.as_ref().into(),
            None => {
                return Err(Failure::MalformedRow { row, image_id: None, problem: RowProblem::NoImageId });
            }
        };
        let malformed = |problem: RuleError| Failure::MalformedRow {
            row,
            image_id: Some(Arc::clone(&id)),
            problem: problem.into(),
        };
        let rule = constraint.map_or(Ok(Rule::Unrestricted), |Object(constraint)| {
            let kind = constraint.constraints_type.as_ref().map(|kind| kind.0.as_ref());
            let types = constraint.instance_types.as_ref().map(|types| types.iter().map(|t| t.0.as_ref()));
            Rule::shared(kind, types, interner).map_err(malformed)
        });
        match rows.entry(Arc::clone(&id)) {
            Entry::Vacant(place) => {
                place.insert(rule);
            }
            Entry::Occupied(mut place) => {
                if let Ok(first) = place.get().clone() {
                    *place.get_mut() = rule.and_then(|second| first.agree(second).map_err(malformed));
                }
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows_json: &str) -> Result<Rows, Failure> {
        let result: ResultBody<'_> = serde_json::from_str(rows_json).unwrap();
        rows(Some(result), &mut Interner::default())
    }

    #[test]
    fn no_rows_come_in_many_shapes() {
        for body in ["{}", r#"{"imageConstraints":null}"#, r#"{"imageConstraints":[]}"#, r#"{"new":[1]}"#] {
            assert_eq!(read(body), Ok(Rows::new()), "{body}");
        }
        assert_eq!(rows(None, &mut Interner::default()), Ok(Rows::new()));
    }

    #[test]
    fn a_returned_row_without_a_constraint_is_still_returned() {
        for row in [r#"{"imageId":"a"}"#, r#"{"imageId":"a","imageInstanceTypeConstraint":null,"x":{}}"#] {
            let rows = read(&format!(r#"{{"imageConstraints":[{row}]}}"#)).unwrap();
            assert_eq!(rows["a"], Ok(Rule::Unrestricted), "{row}");
        }
    }

    #[test]
    fn a_malformed_row_names_its_image_and_spares_the_others() {
        let rows = read(
            r#"{"imageConstraints":[
            {"imageId":"ok","imageInstanceTypeConstraint":{"constraintsType":"excludes","instanceTypes":["\u0062","a"]}},
            {"imageId":"kind","imageInstanceTypeConstraint":{"constraintsType":null,"instanceTypes":["a"]}},
            {"imageId":"list","imageInstanceTypeConstraint":{"constraintsType":"includes"}},
            {"imageId":"two","imageInstanceTypeConstraint":{"constraintsType":"excludes","instanceTypes":["a"]}},
            {"imageId":"two","imageInstanceTypeConstraint":{"constraintsType":"excludes"}},
            {"imageId":"two","imageInstanceTypeConstraint":{"constraintsType":"excludes","instanceTypes":["a"]}}]}"#,
        )
        .unwrap();
        assert_eq!(rows["ok"], Rule::new(Some("excludes"), Some(["a", "b"])).map_err(|_| Failure::Refused));
        for (id, row, problem) in [
            ("kind", 2, RuleError::NoConstraintsType),
            ("list", 3, RuleError::NoInstanceTypes),
            ("two", 5, RuleError::Contradiction),
        ] {
            let image_id = Some(id.into());
            assert_eq!(rows[id], Err(Failure::MalformedRow { row, image_id, problem: problem.into() }));
        }
    }

    #[test]
    fn a_row_without_an_image_fails_the_answer() {
        for row in ["{}", r#"{"imageId":null}"#, r#"{"imageId":""}"#] {
            let error = read(&format!(r#"{{"imageConstraints":[{{"imageId":"a"}},{row}]}}"#)).unwrap_err();
            assert_eq!(
                error,
                Failure::MalformedRow { row: 2, image_id: None, problem: RowProblem::NoImageId }
            );
        }
    }
}
