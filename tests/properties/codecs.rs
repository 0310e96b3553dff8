//! Round trips of encoded values, and damaged encodings: msgpack, JSON, and the JSON of types.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use terraform_provider_jdcloud::framework::{Data, Type, Value, json, msgpack};

use crate::generators::{any_type, config, damage, typed_value};

const CASES: u32 = 1_000;

/// Damages tried on each value.
const DAMAGES: usize = 20;

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn decoded_msgpack_equals_the_encoded_value((ty, value) in typed_value(true)) {
        let bytes = msgpack::encode(&ty, &value).unwrap();
        prop_assert_eq!(msgpack::decode(&ty, &bytes), Ok(value));
    }

    #[test]
    fn decoded_json_equals_the_encoded_value((ty, value) in typed_value(false)) {
        let text = json_of(&value).to_string();
        prop_assert_eq!(json::decode(&ty, text.as_bytes()), Ok(value), "{}", text);
    }

    #[test]
    fn decoded_types_equal_the_encoded_types(ty in any_type(6)) {
        prop_assert_eq!(Type::from_json(&ty.to_json()).unwrap(), ty);
    }

    #[test]
    fn truncated_msgpack_is_an_error((ty, value) in typed_value(true)) {
        let bytes = msgpack::encode(&ty, &value).unwrap();
        for length in 0..bytes.len().min(400) {
            prop_assert!(msgpack::decode(&ty, &bytes[..length]).is_err(), "{length} bytes are enough");
        }
    }

    #[test]
    fn damaged_json_is_an_error_or_another_value(
        (ty, value) in typed_value(false),
        damages in vec(damage(), DAMAGES),
    ) {
        let text = json_of(&value).to_string();
        for damage in damages {
            if let Ok(value) = json::decode(&ty, &damage.apply(text.as_bytes())) {
                prop_assert_eq!(json::decode(&ty, json_of(&value).to_string().as_bytes()), Ok(value));
            }
            // Must not crash.
            let _ = Type::from_json(&damage.apply(&ty.to_json()));
        }
    }
}

/// A value that was decoded from damaged bytes must be a valid value: it can be encoded and decoded again.
#[test]
fn damaged_msgpack_is_an_error_or_another_value() {
    let (errors, values) = (Cell::new(0_u32), Cell::new(0_u32));
    let inputs = (typed_value(true), vec(damage(), DAMAGES));
    let outcome = TestRunner::new(config(CASES)).run(&inputs, |((ty, value), damages)| {
        let bytes = msgpack::encode(&ty, &value).unwrap();
        for damage in damages {
            match msgpack::decode(&ty, &damage.apply(&bytes)) {
                Err(error) => {
                    errors.set(errors.get() + 1);
                    prop_assert!(!error.to_string().is_empty());
                }
                Ok(value) => {
                    values.set(values.get() + 1);
                    let again = msgpack::encode(&ty, &value).unwrap();
                    prop_assert_eq!(msgpack::decode(&ty, &again), Ok(value));
                }
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let (errors, values) = (errors.get(), values.get());
    assert!(
        errors > 1_000 && values > 1_000,
        "{errors} errors, {values} values: one of them is hardly tested"
    );
}

#[test]
fn errors_name_the_problem() {
    let object = Type::object([("a", Type::String)]);
    let deep = format!("{}null{}", r#"{"type":"dynamic","value":"#.repeat(1_000), "}".repeat(1_000));
    for (result, expected) in [
        (msgpack::decode(&object, b"\x82\xa1a\xc0\xa1a\xc0"), "duplicate key \"a\""),
        (json::decode(&Type::Number, "1".repeat(9_000).as_bytes()), "more than 4096 digits"),
        (json::decode(&Type::Dynamic, deep.as_bytes()), "nested more than"),
        (json::decode(&Type::Tuple(vec![Type::Bool]), b"[]"), "a tuple of 1 elements is required, not of 0"),
        (json::decode(&object, b"{}"), "\"a\" is missing"),
        (json::decode(&object, br#"{"a":"x","b":"x"}"#), "attribute \"b\" is not expected"),
        (json::decode(&object, br#"{"a":true}"#), "a: string is required"),
    ] {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

/// The JSON form of a known value, as go-cty writes it; numbers as strings, which it reads too.
fn json_of(value: &Value) -> serde_json::Value {
    let Value::Known(data) = value else { return serde_json::Value::Null };
    match data {
        Data::Bool(value) => json!(value),
        Data::Number(number) => json!(number.to_string()),
        Data::String(text) => json!(**text),
        Data::List(elements) => elements.iter().map(json_of).collect(),
        Data::Map(members) => {
            members.iter().map(|(name, value)| (name.to_string(), json_of(value))).collect()
        }
        Data::Dynamic(ty, value) => {
            let ty: serde_json::Value = serde_json::from_slice(&ty.to_json()).unwrap();
            json!({ "value": json_of(value), "type": ty })
        }
    }
}
