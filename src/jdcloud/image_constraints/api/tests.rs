//! Responses, and what each means.

use super::*;
use crate::jdcloud::image_constraints::constraint::Verdict;
use crate::jdcloud::test_api::response;

fn ids(ids: &[&str]) -> Vec<Arc<str>> {
    ids.iter().map(|id| (*id).into()).collect()
}

/// The rows of a response with `body` to a request for images `a` and `b`.
fn rows_of_two(body: &str) -> Result<Rows, Failure> {
    let requested = ids(&["a", "b"]);
    parse(&response(200, &[], body), &Redactor::default(), Some(&requested), &Mutex::default()).1
}

/// The rows of a response with `body` to a request for all images.
fn rows_of_all(body: &str) -> Result<Rows, Failure> {
    parse(&response(200, &[], body), &Redactor::default(), None, &Mutex::default()).1
}

fn with_rows(rows: &str) -> String {
    format!(r#"{{"requestId":"r","result":{{"imageConstraints":[{rows}]}}}}"#)
}

fn excludes(types: &[&str]) -> Rule {
    Rule::new(Some("excludes"), Some(types.iter().copied())).unwrap()
}

#[test]
fn only_a_valid_response_without_rows_means_no_constraints() {
    for (result, why) in [
        (r#","result":{}"#, "an empty result has no rows"),
        ("", "an absent result has no rows"),
        (r#","result":null"#, "a null result has no rows"),
        (r#","result":{"imageConstraints":null}"#, "null is an empty list of rows"),
        (r#","result":{"imageConstraints":[]}"#, "as documented"),
        (
            r#","result":{"imageConstraints":null,"totalCount":0}"#,
            "a new field beside the known one is ignored",
        ),
        (r#","new":1,"result":{"imageConstraints":[]}"#, "a new field beside the result is ignored"),
        (r#","result":{"imageConstraints":null,"new":[]}"#, "nor has an empty list any rows"),
    ] {
        let body = format!(r#"{{"requestId":"r"{result}}}"#);
        assert_eq!(rows_of_two(&body), Ok(Rows::new()), "{why}: {body}");
    }
    for (body, why) in [
        (r#"{"requestId":"","result":{"imageConstraints":[]}}"#, "an empty requestId"),
        (r#"{"requestId":"r","code":500,"message":"internal error"}"#, "a gateway's error under HTTP 200"),
        (
            r#"{"requestId":"r","code":500,"message":"x","result":{}}"#,
            "a gateway's error beside an empty result",
        ),
        (
            r#"{"requestId":"r","code":500,"result":{"imageConstraints":null}}"#,
            "a gateway's error beside null",
        ),
        (r#"{"requestId":"r","success":false,"result":{"imageConstraints":[]}}"#, "a failure beside no rows"),
        (r#"{"requestId":"r","result":{"image_constraints":[]}}"#, "the rows under another name"),
        (
            r#"{"requestId":"r","result":{"imageConstraints":null,"list":[{"imageId":"a"}]}}"#,
            "the rows under another name, beside null",
        ),
        (
            r#"{"requestId":"r","result":{"imageConstraint":[{"imageId":"a"}]}}"#,
            "the rows under another name",
        ),
        (r#"{"requestId":"r","result":[]}"#, "a list instead of an object"),
        (r#"{"requestId":"r","result":{"imageConstraints":{}}}"#, "an object instead of a list"),
        (&with_rows("null"), "a row that is null could be about any image"),
        (&with_rows("[]"), "a row that is a list"),
        (&with_rows(r#"{"imageId":7}"#), "an id that is not a string"),
        (&with_rows(r#"{"imageId":"a","imageInstanceTypeConstraint":[]}"#), "a list instead of a constraint"),
        (
            &with_rows(
                r#"{"imageId":"a","imageInstanceTypeConstraint":{"constraintsType":"excludes","instanceTypes":"x"}}"#,
            ),
            "a string instead of a list",
        ),
        (
            &with_rows(
                r#"{"imageId":"a","imageInstanceTypeConstraint":{"constraintsType":"excludes","instanceTypes":[null]}}"#,
            ),
            "null instead of an instance type",
        ),
        (&with_rows(r#"{"imageId":"a"},{"imageId":"a","imageId":"b"}"#), "two ids in one row"),
    ] {
        let result = rows_of_two(body);
        assert!(
            matches!(result, Err(Failure::Unexpected { .. } | Failure::UnreadableRow { .. })),
            "{why}: {body}: {result:?}"
        );
    }
}

#[test]
fn a_returned_row_without_a_constraint_is_still_returned() {
    for row in [
        r#"{"imageId":"a"}"#,
        // The constraint is present and null, and no other field has data.
        r#"{"imageId":"a","imageInstanceTypeConstraint":null,"x":{},"y":7,"z":"z"}"#,
    ] {
        let rows = rows_of_two(&with_rows(row)).unwrap();
        assert_eq!(rows["a"], Ok(Rule::Unrestricted), "{row}");
    }
}

#[test]
fn a_malformed_row_fails_only_its_image() {
    let cases = [
        (
            r#"{"imageId":"a","imageInstanceTypeConstraint":{"constraintsType":null,"instanceTypes":["x"]}}"#,
            RuleError::NoConstraintsType.into(),
        ),
        (
            r#"{"imageId":"a","imageInstanceTypeConstraint":{"constraintsType":"","instanceTypes":["x"]}}"#,
            RuleError::NoConstraintsType.into(),
        ),
        (
            r#"{"imageId":"a","imageInstanceTypeConstraint":{"constraintsType":"includes"}}"#,
            RuleError::NoInstanceTypes.into(),
        ),
        // With a renamed field, an image must not count as one without a constraint, nor a constraint as one without types.
        (
            r#"{"imageId":"a","image_instance_type_constraint":{"constraintsType":"excludes"}}"#,
            RowProblem::UndocumentedField,
        ),
        (
            r#"{"imageId":"a","imageInstanceTypeConstraint":{"constraintsType":"excludes","types":["x"]}}"#,
            RowProblem::UndocumentedField,
        ),
        (
            r#"{"imageId":"a","imageInstanceTypeConstraint":null,"constraint":{"constraintsType":"excludes"}}"#,
            RowProblem::UndocumentedField,
        ),
        (
            r#"{"imageId":"a","imageInstanceTypeConstraint":{"constraintsType":"excludes","instanceTypes":null,"types":["x"]}}"#,
            RowProblem::UndocumentedField,
        ),
    ];
    for (row, problem) in cases {
        let good = r#"{"imageId":"b","imageInstanceTypeConstraint":{"constraintsType":"excludes","instanceTypes":["\u0079","x"]}}"#;
        let rows = rows_of_two(&with_rows(&format!("{good},{row}"))).unwrap();
        assert_eq!(rows["b"], Ok(excludes(&["x", "y"])));
        assert_eq!(rows["a"], Err(Failure::MalformedRow { row: 2, id: Some("a".into()), problem }), "{row}");
    }
    let row = |types: &str| {
        format!(r#"{{"imageId":"a","imageInstanceTypeConstraint":{{"constraintsType":"excludes"{types}}}}}"#)
    };
    let [listed, bare] = [row(r#","instanceTypes":["x"]"#), row("")];
    let rows = rows_of_two(&with_rows(&[&*listed, &listed, &bare, &listed].join(","))).unwrap();
    let problem = RuleError::Contradiction.into();
    assert_eq!(rows["a"], Err(Failure::MalformedRow { row: 3, id: Some("a".into()), problem }));
}

#[test]
fn a_row_without_an_image_id_fails_the_response() {
    for row in ["{}", r#"{"imageId":null}"#, r#"{"imageId":""}"#] {
        let error = rows_of_two(&with_rows(&format!(r#"{{"imageId":"a"}},{row}"#))).unwrap_err();
        assert_eq!(
            error,
            Failure::MalformedRow { row: 2, id: None, problem: RowProblem::NoId { field: "imageId" } }
        );
    }
}

#[test]
fn a_row_for_another_image_fails_the_response_and_both_are_named() {
    for got in ["c", "a "] {
        let body = with_rows(&format!(r#"{{"imageId":"a"}},{{"imageId":"{got}"}},{{"imageId":7}}"#));
        let error = rows_of_two(&body).unwrap_err();
        let Failure::OtherRow { asked, got: named } = &error else { panic!("{error}") };
        assert_eq!((named.to_string(), &*asked.sample[0], asked.count), (got.to_owned(), "a", Some(2)));
        let rows = rows_of_all(&with_rows(&format!(r#"{{"imageId":"{got}"}}"#))).unwrap();
        assert_eq!(rows[got], Ok(Rule::Unrestricted), "a request for all may return any image");
    }
}

#[test]
fn a_row_in_other_case_fails_only_its_image_and_both_are_named() {
    let other = r#"{"imageId":"B"}"#;
    for body in [
        with_rows(&format!(r#"{{"imageId":"a"}},{other}"#)),
        with_rows(&format!(r#"{{"imageId":"b"}},{other},{{"imageId":"a"}}"#)),
    ] {
        let rows = rows_of_two(&body).unwrap();
        assert_eq!(rows["a"], Ok(Rule::Unrestricted));
        assert_eq!(
            rows["b"],
            Err(Failure::OtherRow { asked: RequestSummary::ids(&ids(&["b"])), got: "B".into() })
        );
    }
}

#[test]
fn the_documented_response_is_parsed() {
    // The sample of JD Cloud's page of this API.
    let body = include_str!("testdata/describeImageConstraintsBatch.json");
    let requested = ids(&["img-m5s0****29", "img-m5s0****30"]);
    let response = response(200, &[], body);
    let (meta, rows) = parse(&response, &Redactor::default(), Some(&requested), &Mutex::default());
    assert_eq!(meta.request_id.unwrap().to_string(), "af3f57cf9b84c24a5d9f4664a637797a");
    let rows = rows.unwrap();
    assert_eq!(rows.len(), 2);
    let first = rows["img-m5s0****29"].as_ref().unwrap();
    assert_eq!(
        first,
        &excludes(&[
            "s.i3f.metal",
            "m.n2.18xlarge",
            "p.c1p40m.large",
            "p.c1p40g.3large",
            "p.c1p40g.large",
            "g.n4.large"
        ])
    );
    assert_eq!(first.verdict("g.n4.large"), Verdict::Excluded);
    assert_eq!(
        rows["img-m5s0****30"],
        Ok(excludes(&["p.c1p40g.3large", "p.c1p40g.xlarge", "m.n4.2xlarge", "g.n4.8xlarge"]))
    );
}

#[test]
fn oversized_responses_are_rejected_before_they_need_memory() {
    let long = "x".repeat(MAX_NAME + 1);
    let types = vec!["\"\""; MAX_TYPES + 1].join(",");
    for row in [
        format!(r#"{{"imageId":"{long}"}}"#),
        format!(r#"{{"imageId":"a","imageInstanceTypeConstraint":{{"constraintsType":"{long}"}}}}"#),
        format!(
            r#"{{"imageId":"a","imageInstanceTypeConstraint":{{"constraintsType":"excludes","instanceTypes":["{long}"]}}}}"#
        ),
        format!(
            r#"{{"imageId":"a","imageInstanceTypeConstraint":{{"constraintsType":"excludes","instanceTypes":[{types}]}}}}"#
        ),
    ] {
        let result = rows_of_all(&with_rows(&row));
        assert!(matches!(result, Err(Failure::UnreadableRow { row: 1, .. })), "{result:?}");
    }
    let many: Vec<_> =
        (0..=MAX_COST / ROW_COST).map(|number| format!(r#"{{"imageId":"{number}"}}"#)).collect();
    let result = rows_of_all(&with_rows(&many.join(",")));
    assert_eq!(result, Err(Failure::Unexpected { reason: "more rows than a region can have".into() }));
}
