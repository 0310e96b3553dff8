//! Strategies that generate types, values of a type, and damaged bytes.

use std::collections::BTreeSet;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use terraform_provider_jdcloud::framework::{Data, Number, Type, Value};

/// Edge cases of texts: empty, long, with characters of several bytes, similar to other values.
const TEXTS: [&str; 14] = [
    "",
    "img-a",
    "中文",
    "e\u{301}",
    "\u{0}",
    "\"\\/",
    "null",
    "1e400",
    "\u{10ffff}",
    "\u{feff}",
    "a\nb\r\t",
    "0123456789012345678901234567890",
    "01234567890123456789012345678901",
    " ",
];

/// Numbers at the limits of the encodings.
const NUMBERS: [&str; 24] = [
    "0",
    "-1",
    "-32",
    "-33",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551616",
    "0.1",
    "-2.5",
    "1e-320",
    "1.7976931348623157e308",
    "123456789012345678901234567890.123456789",
    "Inf",
    "-Inf",
    "1e4000",
];

/// The deepest level at which a list has more than a few elements.
const LONG_LISTS: usize = 2;

/// How many `cases` a test runs. A failure prints the shrunk input, so nothing is kept in files.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

pub(crate) fn text() -> BoxedStrategy<String> {
    prop_oneof![
        2 => select(&TEXTS[..]).prop_map(str::to_owned),
        1 => "[ -~]{0,11}",
        1 => (select(&["x", "é", "中"][..]), 0..300_usize).prop_map(|(text, count)| text.repeat(count)),
    ]
    .boxed()
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        2 => select(&NUMBERS[..]).prop_map(|digits| Number::parse(digits).unwrap()),
        1 => any::<i64>().prop_map(Number::from),
        1 => any::<u64>().prop_map(|bits| {
            let float = f64::from_bits(bits);
            Number::from_f64(if float.is_nan() { 0.5 } else { float }).unwrap()
        }),
    ]
}

/// A type that nests up to `depth` levels.
pub(crate) fn any_type(depth: u32) -> impl Strategy<Value = Type> {
    let leaf = select(&[Type::Bool, Type::Number, Type::String, Type::Dynamic][..]);
    leaf.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            vec(inner.clone(), 0..4).prop_map(Type::Tuple),
            btree_map(text().prop_map_into(), inner, 0..5).prop_map(Type::Object),
        ]
    })
}

/// A type and a value of it; with unknown parts if `unknowns`.
pub(crate) fn typed_value(unknowns: bool) -> impl Strategy<Value = (Type, Value)> {
    any_type(3).prop_flat_map(move |ty| (Just(ty.clone()), value(&ty, unknowns, 4)))
}

/// A value of type `ty` that nests up to `depth` levels; with unknown parts if `unknowns`.
pub(crate) fn value(ty: &Type, unknowns: bool, depth: usize) -> BoxedStrategy<Value> {
    let known = known(ty, unknowns, depth).prop_map(Value::Known);
    prop_oneof![6 => known, 1 => Just(Value::Null), u32::from(unknowns) => Just(Value::Unknown)].boxed()
}

fn known(ty: &Type, unknowns: bool, depth: usize) -> BoxedStrategy<Data> {
    let below = depth.saturating_sub(1);
    let within = |ty: &Type| value(ty, unknowns, below);
    // Lists of 15, 16 and 17 elements have different encodings.
    let lengths = if depth == 0 {
        0..1
    } else if depth > LONG_LISTS {
        0..18_usize
    } else {
        0..4
    };
    match ty {
        Type::Bool => any::<bool>().prop_map(Data::Bool).boxed(),
        Type::Number => number().prop_map(Data::Number).boxed(),
        Type::String => text().prop_map(|text| Data::String(text.into())).boxed(),
        Type::Dynamic => {
            let ty = any_type(if depth == 0 { 0 } else { 2 });
            let typed = ty.prop_flat_map(move |ty| (Just(ty.clone()), value(&ty, unknowns, below)));
            typed.prop_map(|(ty, value)| Data::Dynamic(Box::new(ty), Box::new(value))).boxed()
        }
        Type::List(element) => {
            vec(within(element), lengths).prop_map(|elements| Data::List(elements.into())).boxed()
        }
        Type::Set(element) => vec(within(element), lengths).prop_map(set).boxed(),
        Type::Map(element) => btree_map(text(), within(element), lengths)
            .prop_map(|members| {
                Data::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
            })
            .boxed(),
        Type::Tuple(types) => {
            let elements: Vec<_> = types.iter().map(within).collect();
            elements.prop_map(|elements| Data::List(elements.into())).boxed()
        }
        Type::Object(attributes) => {
            let members: Vec<_> =
                attributes.iter().map(|(name, ty)| (Just(name.clone()), within(ty))).collect();
            members.prop_map(|members| Data::Map(members.into_iter().collect())).boxed()
        }
    }
}

/// A known element is in a set once.
fn set(mut elements: Vec<Value>) -> Data {
    let mut seen = BTreeSet::new();
    elements.retain(|element| !element.is_wholly_known() || seen.insert(element.clone()));
    Data::List(elements.into())
}

/// One change of valid bytes.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    at: Index,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Flip(u32),
    Replace(u8),
    Insert(u8),
    Remove,
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let change = prop_oneof![
        (0..8_u32).prop_map(Change::Flip),
        any::<u8>().prop_map(Change::Replace),
        any::<u8>().prop_map(Change::Insert),
        Just(Change::Remove),
    ];
    (any::<Index>(), change).prop_map(|(at, change)| Damage { at, change })
}

impl Damage {
    pub(crate) fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if bytes.is_empty() {
            return bytes;
        }
        let at = self.at.index(bytes.len());
        match self.change {
            Change::Flip(bit) => bytes[at] ^= 1 << bit,
            Change::Replace(byte) => bytes[at] = byte,
            Change::Insert(byte) => bytes.insert(at, byte),
            Change::Remove => drop(bytes.remove(at)),
        }
        bytes
    }
}
