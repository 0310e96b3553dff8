//! Types and values made up by chance that repeats.

use std::collections::BTreeSet;

use terraform_provider_jdcloud::framework::{Data, Number, Refinement, Type, Value};

/// SplitMix64: a seed tells the same story every time.
pub(crate) struct Chance(u64);

/// Texts that have broken programs before: empty, long, of several bytes a character, like other things.
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

/// Numbers at the edges of what encodings hold.
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

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.bits() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn text(&mut self) -> String {
        match self.below(4) {
            0 => {
                (0..self.below(12)).map(|_| char::from(32 + u8::try_from(self.below(95)).unwrap())).collect()
            }
            1 => self.choose(&["x", "é", "中"]).repeat(self.below(300)),
            _ => (*self.choose(&TEXTS)).to_owned(),
        }
    }

    fn number(&mut self) -> Number {
        match self.below(4) {
            0 => i64::from_ne_bytes(self.bits().to_ne_bytes()).into(),
            1 => {
                let float = f64::from_bits(self.bits());
                Number::from_f64(if float.is_nan() { 0.5 } else { float }).unwrap()
            }
            _ => Number::parse(self.choose::<&str>(&NUMBERS)).unwrap(),
        }
    }

    /// A type that nests up to `depth` levels.
    pub(crate) fn ty(&mut self, depth: usize) -> Type {
        let kinds = if depth == 0 { 4 } else { 9 };
        match self.below(kinds) {
            0 => Type::Bool,
            1 => Type::Number,
            2 => Type::String,
            3 => Type::Dynamic,
            4 => Type::list(self.ty(depth - 1)),
            5 => Type::set(self.ty(depth - 1)),
            6 => Type::map(self.ty(depth - 1)),
            7 => Type::Tuple((0..self.below(4)).map(|_| self.ty(depth - 1)).collect()),
            _ => {
                let names: BTreeSet<String> = (0..self.below(5)).map(|_| self.text()).collect();
                Type::Object(names.into_iter().map(|name| (name.into(), self.ty(depth - 1))).collect())
            }
        }
    }

    /// A value of type `ty`; with unknown parts if `unknowns`.
    pub(crate) fn value(&mut self, ty: &Type, unknowns: bool, depth: usize) -> Value {
        if self.one_in(8) {
            return Value::Null;
        }
        if unknowns && self.one_in(8) {
            return Value::Unknown(self.refinement(ty));
        }
        let count = if depth == 0 { 0 } else { *self.choose(&[0, 1, 2, 3, 15, 16, 17]) };
        let count = if depth < 3 { count.min(4) } else { count };
        let below = depth.saturating_sub(1);
        Value::Known(match ty {
            Type::Bool => Data::Bool(self.one_in(2)),
            Type::Number => Data::Number(self.number()),
            Type::String => Data::String(self.text().into()),
            Type::Dynamic => {
                let ty = self.ty(below.min(2));
                let value = self.value(&ty, unknowns, below);
                Data::Dynamic(Box::new(ty), Box::new(value))
            }
            Type::List(element) => {
                Data::List((0..count).map(|_| self.value(element, unknowns, below)).collect())
            }
            Type::Set(element) => {
                let mut seen = BTreeSet::new();
                let elements = (0..count).map(|_| self.value(element, unknowns, below));
                Data::List(
                    elements
                        .filter(|element| !element.is_wholly_known() || seen.insert(element.clone()))
                        .collect(),
                )
            }
            Type::Map(element) => {
                let members = (0..count).map(|_| (self.text().into(), self.value(element, unknowns, below)));
                Data::Map(members.collect())
            }
            Type::Tuple(types) => {
                Data::List(types.iter().map(|ty| self.value(ty, unknowns, below)).collect())
            }
            Type::Object(attributes) => Data::Map(
                attributes.iter().map(|(name, ty)| (name.clone(), self.value(ty, unknowns, below))).collect(),
            ),
        })
    }

    /// What may be known about an unknown value of type `ty`.
    fn refinement(&mut self, ty: &Type) -> Option<Box<Refinement>> {
        let mut refinement = Refinement { null: Some(self.one_in(2)), ..Refinement::default() };
        match ty {
            _ if self.one_in(2) => return None,
            Type::String => refinement.prefix = Some(self.text().chars().take(60).collect()),
            Type::Number => {
                refinement.minimum = self.one_in(2).then(|| (Number::parse("-1.5").unwrap(), self.one_in(2)));
                refinement.maximum = self.one_in(2).then(|| (i64::MAX.into(), self.one_in(2)));
            }
            Type::List(_) | Type::Set(_) | Type::Map(_) => {
                refinement.minimum_length = Some(1);
                refinement.maximum_length = self.one_in(2).then_some(i64::MAX);
            }
            _ => {}
        }
        Some(Box::new(refinement))
    }

    /// Valid bytes made wrong in one place.
    pub(crate) fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if bytes.is_empty() {
            return bytes;
        }
        let at = self.below(bytes.len());
        match self.below(4) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.bits().to_ne_bytes()[0],
            2 => bytes.insert(at, self.bits().to_ne_bytes()[0]),
            _ => {
                bytes.remove(at);
            }
        }
        bytes
    }
}
