//! What is written is read back, and what is damaged is refused: msgpack, JSON, and the JSON of types.

use terraform_provider_jdcloud::framework::{Type, Value, json, msgpack};

use crate::chance::Chance;

/// Values of each test. A value nests four levels, so thousands of parts are made.
const CASES: u64 = 3_000;

fn case(seed: u64, unknowns: bool) -> (Chance, Type, Value) {
    let mut chance = Chance::new(seed);
    let ty = chance.ty(3);
    let value = chance.value(&ty, unknowns, 4);
    (chance, ty, value)
}

#[test]
fn what_is_written_in_msgpack_is_read_back() {
    for seed in 0..CASES {
        let (_, ty, value) = case(seed, true);
        let bytes = msgpack::encode(&ty, &value).unwrap();
        assert_eq!(msgpack::decode(&ty, &bytes).as_ref(), Ok(&value), "seed {seed}: {ty:?}");
    }
}

#[test]
fn what_is_written_in_json_is_read_back() {
    for seed in 0..CASES {
        let (_, ty, value) = case(seed, false);
        let text = json::encode(&ty, &value).unwrap();
        assert_eq!(json::decode(&ty, text.as_bytes()).as_ref(), Ok(&value), "seed {seed}: {text}");
        serde_json::from_str::<&serde_json::value::RawValue>(&text).unwrap();
    }
}

#[test]
fn types_are_read_back() {
    for seed in 0..CASES {
        let ty = Chance::new(seed).ty(6);
        assert_eq!(Type::from_json(&ty.to_json()).unwrap(), ty, "seed {seed}");
    }
}

/// A value that was read from damaged bytes is a value like any other: it can be written and read again.
#[test]
fn damaged_bytes_are_refused_or_are_another_value() {
    let (mut refused, mut read) = (0_u32, 0_u32);
    for seed in 0..CASES / 4 {
        let (mut chance, ty, value) = case(seed, true);
        let bytes = msgpack::encode(&ty, &value).unwrap();
        for length in 0..bytes.len().min(400) {
            assert!(msgpack::decode(&ty, &bytes[..length]).is_err(), "seed {seed}: {length} bytes are whole");
        }
        for _ in 0..40 {
            let damaged = chance.damage(&bytes);
            match msgpack::decode(&ty, &damaged) {
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
                Ok(value) => {
                    read += 1;
                    let again = msgpack::encode(&ty, &value).unwrap();
                    assert_eq!(
                        msgpack::decode(&ty, &again).as_ref(),
                        Ok(&value),
                        "seed {seed}: {damaged:02x?}"
                    );
                }
            }
        }
    }
    assert!(refused > 1_000 && read > 1_000, "{refused} refused, {read} read: the damage tests little");
}

#[test]
fn damaged_json_is_refused_or_is_another_value() {
    for seed in 0..CASES / 4 {
        let (mut chance, ty, value) = case(seed, false);
        let text = json::encode(&ty, &value).unwrap().into_bytes();
        for _ in 0..20 {
            let damaged = chance.damage(&text);
            if let Ok(value) = json::decode(&ty, &damaged) {
                let again = json::encode(&ty, &value).unwrap();
                assert_eq!(json::decode(&ty, again.as_bytes()).as_ref(), Ok(&value), "seed {seed}: {again}");
            }
            let _ = Type::from_json(&chance.damage(&ty.to_json()));
        }
    }
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let object = Type::object([("a", Type::String)]);
    let none = Value::members::<String>([]);
    let tuple = Type::Tuple(vec![Type::Bool]);
    let text = || Value::string("x");
    let deep = format!("{}null{}", r#"{"type":"dynamic","value":"#.repeat(1_000), "}".repeat(1_000));
    for (result, expected) in [
        (msgpack::decode(&object, b"\x82\xa1a\xc0\xa1a\xc0").map(drop), "key \"a\" is there twice"),
        (json::decode(&Type::Number, "1".repeat(9_000).as_bytes()).map(drop), "more than 4096 digits"),
        (json::decode(&Type::Dynamic, deep.as_bytes()).map(drop), "nested more than"),
        (json::encode(&tuple, &Value::list([])).map(drop), "a tuple of 1 elements is required, not of 0"),
        (json::encode(&object, &none).map(drop), "\"a\" is missing"),
        (
            json::encode(&Type::object([]), &Value::members([("b", text())])).map(drop),
            "attribute \"b\" is not expected",
        ),
        (json::encode(&object, &Value::members([("a", true.into())])).map(drop), "a: string is required"),
        (json::encode(&Type::Dynamic, &text()).map(drop), "needs its own type"),
        (json::encode(&Type::String, &Value::UNKNOWN).map(drop), "has no JSON form"),
    ] {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    }
}
