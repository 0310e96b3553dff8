//! Values and their bytes, from go-cty's encoder and from requests recorded from real hosts.

use super::*;
use crate::framework::{Data, Number, Problem, Type, Value};

fn number(text: &str) -> Value {
    Value::Known(Data::Number(Number::parse(text).unwrap()))
}

fn string(text: &str) -> Value {
    Value::string(text)
}

/// A string as Terraform encodes it: a length and the bytes.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = match text.len() {
        length @ 0..=31 => vec![0xa0 | u8::try_from(length).unwrap()],
        length @ 32..=255 => vec![0xd9, u8::try_from(length).unwrap()],
        length => [vec![0xda], u16::try_from(length).unwrap().to_be_bytes().to_vec()].concat(),
    };
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[test]
fn values_have_the_same_bytes_as_in_terraform() {
    let object = Type::object([("a", Type::Bool), ("b", Type::String)]);
    let long = format!("15{}", "0".repeat(299));
    let cases: Vec<(Type, Value, Vec<u8>)> = vec![
        (Type::String, Value::Null, vec![0xc0]),
        (Type::String, Value::Unknown, vec![0xd4, 0, 0]),
        (Type::Bool, true.into(), vec![0xc3]),
        (Type::Bool, false.into(), vec![0xc2]),
        (Type::Number, 0.into(), vec![0]),
        (Type::Number, 127.into(), vec![0x7f]),
        (Type::Number, 128.into(), vec![0xcc, 0x80]),
        (Type::Number, 256.into(), vec![0xcd, 1, 0]),
        (Type::Number, 65536.into(), vec![0xce, 0, 1, 0, 0]),
        (Type::Number, (-1).into(), vec![0xff]),
        (Type::Number, (-33).into(), vec![0xd0, 0xdf]),
        (Type::Number, i64::MAX.into(), vec![0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        (Type::Number, i64::MIN.into(), vec![0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        (Type::Number, number("2.5"), vec![0xcb, 0x40, 4, 0, 0, 0, 0, 0, 0]),
        (Type::Number, number("0.1"), text("0.1")),
        (Type::Number, number("1.1"), text("1.1")),
        (Type::Number, number("18446744073709551615"), text("18446744073709551615")),
        (Type::Number, number("99999999999999999999999999"), text("99999999999999999999999999")),
        (Type::Number, number("1.5e300"), text(&long)),
        (Type::Number, number("Inf"), vec![0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]),
        (Type::Number, number("-Inf"), vec![0xcb, 0xff, 0xf0, 0, 0, 0, 0, 0, 0]),
        (Type::String, string(""), vec![0xa0]),
        (Type::String, string("中"), vec![0xa3, 0xe4, 0xb8, 0xad]),
        (Type::list(Type::String), Value::list([]), vec![0x90]),
        (Type::list(Type::String), Value::list([string("a"), Value::Null]), vec![0x92, 0xa1, b'a', 0xc0]),
        (Type::set(Type::Number), Value::list([2.into(), Value::Unknown]), vec![0x92, 2, 0xd4, 0, 0]),
        (Type::map(Type::Bool), Value::members([("k", true.into())]), vec![0x81, 0xa1, b'k', 0xc3]),
        (
            Type::Tuple(vec![Type::Bool, Type::Number]),
            Value::list([true.into(), 1.into()]),
            vec![0x92, 0xc3, 1],
        ),
        (
            object.clone(),
            Value::members([("b", string("x")), ("a", Value::Null)]),
            vec![0x82, 0xa1, b'a', 0xc0, 0xa1, b'b', 0xa1, b'x'],
        ),
        (Type::Dynamic, Value::Null, vec![0xc0]),
        (Type::Dynamic, Value::Unknown, vec![0xd4, 0, 0]),
        (
            Type::Dynamic,
            Value::Known(Data::Dynamic(Box::new(Type::String), Box::new(string("x")))),
            [vec![0x92, 0xc4, 8], br#""string""#.to_vec(), vec![0xa1, b'x']].concat(),
        ),
        (
            Type::Dynamic,
            Value::Known(Data::Dynamic(Box::new(Type::Bool), Box::new(Value::Null))),
            [vec![0x92, 0xc4, 6], br#""bool""#.to_vec(), vec![0xc0]].concat(),
        ),
        (
            Type::Dynamic,
            Value::Known(Data::Dynamic(Box::new(Type::Bool), Box::new(Value::Unknown))),
            [vec![0x92, 0xc4, 6], br#""bool""#.to_vec(), vec![0xd4, 0, 0]].concat(),
        ),
    ];
    for (ty, value, bytes) in cases {
        assert_eq!(encode(&ty, &value).unwrap(), bytes, "{ty}: {value:?}");
        assert_eq!(decode(&ty, &bytes).unwrap(), value, "{ty}: {bytes:02x?}");
    }
}

#[test]
fn other_encodings_of_the_same_value_are_decoded_too() {
    let integer = |bytes: &[u8]| decode(&Type::Number, bytes).unwrap();
    assert_eq!(integer(&[0xd1, 0, 5]), 5.into());
    assert_eq!(integer(&[0xd2, 0, 0, 0, 5]), 5.into());
    assert_eq!(integer(&[0xca, 0x40, 0x20, 0, 0]), number("2.5"));
    assert_eq!(integer(&[0xcb, 0x40, 8, 0, 0, 0, 0, 0, 0]), 3.into());
    assert_eq!(integer(&text("1e2")), 100.into());
    assert_eq!(
        integer(&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        number("18446744073709551615")
    );
    // A dynamic value's type may be text instead of bytes.
    let dynamic = [vec![0x92], text(r#""bool""#), vec![0xc3]].concat();
    assert!(decode(&Type::Dynamic, &dynamic).is_ok());
    // Elements that are equal count once in a set; unknown ones may turn out to differ.
    let set = decode(&Type::set(Type::Number), &[0x95, 1, 0xca, 0x3f, 0x80, 0, 0, 0xd4, 0, 0, 0xd4, 0, 0, 2])
        .unwrap();
    assert_eq!(set, Value::list([1.into(), Value::Unknown, Value::Unknown, 2.into()]));
    let plain: [&[u8]; 3] = [&[0xd4, 99, 7], &[0xd5, 3, 0, 0], &[0xc7, 0, 5]];
    // Not null; not null and with a prefix; a number between two bounds; a list of one to three elements; a refinement
    // of a later Terraform; and a payload that is not a map.
    let refined: [&[u8]; 6] = [
        &[0xc7, 3, 12, 0x81, 1, 0xc2],
        &[0xc7, 9, 12, 0x82, 1, 0xc2, 2, 0xa4, b'p', b'r', b'e', b'-'],
        &[0xc7, 17, 12, 0x82, 3, 0x92, 1, 0xc3, 4, 0x92, 0xcb, 0x40, 4, 0, 0, 0, 0, 0, 0, 0xc2],
        &[0xc7, 5, 12, 0x82, 5, 1, 6, 3],
        &[0xc7, 3, 12, 0x81, 91, 0xc2],
        &[0xc8, 0, 3, 12, 0x91, 0x91, 0x91],
    ];
    for bytes in plain.iter().chain(&refined) {
        assert_eq!(decode(&Type::Bool, bytes), Ok(Value::Unknown), "{bytes:02x?}");
    }
}

#[test]
fn errors_have_the_path_of_the_value_with_the_wrong_type() {
    let rows = Type::list(Type::object([("id", Type::String)]));
    let cases: Vec<(Type, Vec<u8>, &str)> = vec![
        (Type::String, vec![5], "string is required"),
        (Type::Number, vec![0xc3], "number is required"),
        (Type::Bool, text("true"), "bool is required"),
        (Type::list(Type::String), vec![0x81, 0xa1, b'k', 1], "list of string is required"),
        (Type::map(Type::String), vec![0x90], "map of string is required"),
        (
            rows.clone(),
            vec![0x92, 0x81, 0xa2, b'i', b'd', 0xc0, 0x81, 0xa2, b'i', b'd', 7],
            "[1].id: string is required",
        ),
        (rows.clone(), vec![0x91, 0x80], r#"[0]: attribute "id" is missing"#),
        (rows.clone(), vec![0x91, 0x81, 0xa1, b'x', 7], r#"[0]: attribute "x" is not expected"#),
        (Type::map(Type::Number), vec![0x82, 0xa1, b'k', 1, 0xa1, b'k', 2], r#"duplicate key "k""#),
        (Type::Tuple(vec![Type::Bool]), vec![0x90], "a tuple of 1 elements is required, not of 0"),
        (Type::Number, text("twelve"), "a decimal number is required"),
        (Type::Number, vec![0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], "a decimal number is required"),
        (Type::String, vec![0xa1, 0xff], "the text is not valid UTF-8"),
        (Type::Dynamic, vec![0xa1, b'x'], "a value of type dynamic needs its own type"),
        (Type::Bool, vec![0xc3, 0xc3], "1 bytes follow the value"),
        (Type::Bool, vec![0xc1], "bool is required"),
    ];
    for (ty, bytes, message) in cases {
        assert_eq!(decode(&ty, &bytes).unwrap_err().to_string(), message, "{bytes:02x?}");
    }
}

#[test]
fn a_truncated_value_is_an_error_wherever_it_is_cut() {
    let ty = Type::object([("d", Type::Dynamic), ("l", Type::list(Type::Number)), ("s", Type::String)]);
    let value = Value::members([
        (
            "d",
            Value::Known(Data::Dynamic(
                Box::new(Type::list(Type::Bool)),
                Box::new(Value::list([true.into()])),
            )),
        ),
        ("l", Value::list([number("0.1"), 70000.into(), Value::Unknown])),
        ("s", string(&"long ".repeat(60))),
    ]);
    let bytes = encode(&ty, &value).unwrap();
    assert_eq!(decode(&ty, &bytes).unwrap(), value);
    for end in 0..bytes.len() {
        assert_eq!(decode(&ty, &bytes[..end]).unwrap_err().problem, Problem::Truncated, "cut at {end}");
    }
}

#[test]
fn impossible_lengths_and_depths_are_errors_at_once() {
    // Four billion elements in five bytes must not reserve memory for them.
    for marker in [0xdd, 0xdf] {
        let bytes = [marker, 0xff, 0xff, 0xff, 0xff];
        let ty = if marker == 0xdd { Type::list(Type::Bool) } else { Type::map(Type::Bool) };
        assert_eq!(decode(&ty, &bytes).unwrap_err().problem, Problem::Truncated);
    }
    // Dynamic values inside dynamic values, 10,000 deep.
    let pair = [vec![0x92, 0xc4, 9], br#""dynamic""#.to_vec()].concat();
    let deep = [pair.repeat(10_000), vec![0xc0]].concat();
    assert_eq!(decode(&Type::Dynamic, &deep).unwrap_err().problem, Problem::TooDeep);
    // An extension whose payload is missing.
    let missing = [0xc9, 0xff, 0xff, 0xff, 0xff, 12];
    assert_eq!(decode(&Type::Bool, &missing).unwrap_err().problem, Problem::Truncated);
    // A type that is nested too deeply.
    let json = format!("{}\"bool\"{}", "[\"list\",".repeat(200), "]".repeat(200));
    let bytes = [
        vec![0x92, 0xc5],
        u16::try_from(json.len()).unwrap().to_be_bytes().to_vec(),
        json.into_bytes(),
        vec![0x90],
    ];
    assert!(matches!(decode(&Type::Dynamic, &bytes.concat()).unwrap_err().problem, Problem::Type(_)));
}

#[test]
fn a_value_of_another_type_is_never_encoded() {
    let object = Type::object([("a", Type::Bool)]);
    let cases = [
        (Type::String, Value::from(true), "string is required"),
        (object.clone(), Value::members::<&str>([]), r#"attribute "a" is missing"#),
        (
            object.clone(),
            Value::members([("a", true.into()), ("b", true.into())]),
            r#"attribute "b" is not expected"#,
        ),
        (Type::list(Type::Bool), Value::list([true.into(), 1.into()]), "[1]: bool is required"),
        (Type::Dynamic, true.into(), "a value of type dynamic needs its own type"),
        (Type::Tuple(vec![]), Value::list([1.into()]), "a tuple of 0 elements is required, not of 1"),
    ];
    for (ty, value, message) in cases {
        assert_eq!(encode(&ty, &value).unwrap_err().to_string(), message);
    }
}

/// A long element among many short ones must not make the encoder reserve thousands of times its length.
#[test]
fn memory_is_reserved_within_the_largest_result() {
    let long = Value::list(vec![string(&"x".repeat(1000)); 10_000]);
    let elements = std::iter::once(long).chain(std::iter::repeat_n(Value::list([]), 150_000));
    let encoded = encode(&Type::list(Type::list(Type::String)), &Value::list(elements)).unwrap();
    assert!(encoded.len() > 10_000_000 && encoded.capacity() <= crate::framework::MAX_RESULT);
}
