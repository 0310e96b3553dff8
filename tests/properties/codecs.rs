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
