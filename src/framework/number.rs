//! Exact numbers of any size.

use std::fmt;

/// An exact number, finite or infinite: a 64-bit integer, or the decimal digits of any other number.
///
/// Equal numbers have one form, so `2.50`, `2.5` and the float 2.5 are equal, while 0.1 is not equal to the float that is
/// nearest to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Repr);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Integer(i64),
    /// Plain decimal notation without leading or trailing zeros, of a number that is not an `i64`.
    Decimal(Box<str>),
    Infinity {
        negative: bool,
    },
}

/// Why a text or a float is not a valid number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    /// Not decimal notation.
    #[error("a decimal number is required")]
    Syntax,
    /// More than [`Number::MAX_DIGITS`] digits when written out.
    #[error("the number has more than {} digits", Number::MAX_DIGITS)]
    TooLong,
}

impl Number {
    /// The longest number, in digits. Terraform's 512-bit numbers have some 155 significant digits, and the
    /// smallest `f64` written out has 1,074 decimals.
    pub const MAX_DIGITS: usize = 4096;

    /// Parses decimal notation, with or without an exponent.
    ///
    /// # Errors
    /// When the text is not a number, or has more than [`Self::MAX_DIGITS`] digits without an exponent.
    pub fn parse(text: &str) -> Result<Self, InvalidNumber> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
            return Ok(Self(Repr::Infinity { negative }));
        }
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if !all_digits(digits) || digits.is_empty() {
                    return Err(InvalidNumber::Syntax);
                }
                (mantissa, exponent.parse::<i64>().map_err(|_| InvalidNumber::TooLong)?)
            }
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if !all_digits(whole) || !all_digits(fraction) || whole.len() + fraction.len() == 0 {
            return Err(InvalidNumber::Syntax);
        }
        Self::from_digits(negative, whole, fraction, exponent)
    }

    /// The number `±whole.fraction × 10^exponent` in its one form.
    fn from_digits(
        negative: bool,
        whole: &str,
        fraction: &str,
        exponent: i64,
    ) -> Result<Self, InvalidNumber> {
        if whole.len() + fraction.len() > 2 * Self::MAX_DIGITS {
            return Err(InvalidNumber::TooLong);
        }
        let digits = format!("{whole}{fraction}");
        let leading = digits.len() - digits.trim_start_matches('0').len();
        let significant = digits.trim_matches('0');
        if significant.is_empty() {
            return Ok(Self(Repr::Integer(0)));
        }
        // The position of the decimal point, counted from the first significant digit.
        let whole_digits = i64::try_from(whole.len()).unwrap_or(i64::MAX);
        let point =
            whole_digits.saturating_add(exponent).saturating_sub(i64::try_from(leading).unwrap_or(i64::MAX));
        let length = i64::try_from(significant.len()).unwrap_or(i64::MAX);
        let written = if point <= 0 { length.saturating_sub(point) } else { length.max(point) };
        if written > i64::try_from(Self::MAX_DIGITS).unwrap_or(i64::MAX) {
            return Err(InvalidNumber::TooLong);
        }
        let sign = if negative { "-" } else { "" };
        // Both fit in memory: `written` is bounded above.
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let plain = if point <= 0 {
            format!("{sign}0.{}{significant}", zeros(-point))
        } else if point >= length {
            format!("{sign}{significant}{}", zeros(point - length))
        } else {
            let (before, after) = significant.split_at(usize::try_from(point).unwrap_or(0));
            format!("{sign}{before}.{after}")
        };
        Ok(Self(plain.parse().map_or_else(|_| Repr::Decimal(plain.into()), Repr::Integer)))
    }

    /// The exact value of a float.
    ///
    /// # Errors
    /// When the float is not a number.
    pub fn from_f64(float: f64) -> Result<Self, InvalidNumber> {
        if float.is_nan() {
            return Err(InvalidNumber::Syntax);
        }
        if float.is_infinite() {
            return Ok(Self(Repr::Infinity { negative: float < 0.0 }));
        }
        // 1,074 decimals write out any float exactly.
        Self::parse(&format!("{float:.1074}"))
    }

    /// The integer, when the number is one of 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Integer(integer) => Some(integer),
            Repr::Decimal(_) | Repr::Infinity { .. } => None,
        }
    }

    /// The float, when it is exactly the number.
    pub fn as_exact_f64(&self) -> Option<f64> {
        match &self.0 {
            Repr::Integer(_) => None,
            Repr::Infinity { negative } => Some(if *negative { f64::NEG_INFINITY } else { f64::INFINITY }),
            Repr::Decimal(plain) => {
                let float: f64 = plain.parse().ok()?;
                (float.is_finite() && Self::from_f64(float).as_ref() == Ok(self)).then_some(float)
            }
        }
    }

    /// Whether the number has no fraction.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Integer(_) => true,
            Repr::Decimal(plain) => !plain.contains('.'),
            Repr::Infinity { .. } => false,
        }
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self(Repr::Integer(integer))
    }
}

impl From<u64> for Number {
    fn from(integer: u64) -> Self {
        Self(i64::try_from(integer).map_or_else(|_| Repr::Decimal(integer.to_string().into()), Repr::Integer))
    }
}

/// Plain decimal notation, never an exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Integer(integer) => integer.fmt(f),
            Repr::Decimal(plain) => f.write_str(plain),
            Repr::Infinity { negative } => f.write_str(if *negative { "-Inf" } else { "Inf" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_form() {
        let cases = [
            ("1", "1"),
            ("1.0", "1"),
            ("+1e0", "1"),
            ("-0", "0"),
            ("000", "0"),
            ("0.10", "0.1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("12.50e1", "125"),
            ("1.25E-3", "0.00125"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551616", "18446744073709551616"),
            ("99999999999999999999999999", "99999999999999999999999999"),
            ("0e99999999999999999", "0"),
        ];
        for (text, plain) in cases {
            assert_eq!(Number::parse(text).unwrap().to_string(), plain, "{text}");
        }
        assert_eq!(Number::parse("1.5e300").unwrap().to_string().len(), 301);
    }

    #[test]
    fn an_invalid_or_too_long_number_is_an_error() {
        for text in ["", ".", "-", "e5", "1e", "1e+", "1 ", "0x10", "1_000", "NaN", "--1", "1.2.3", "é"] {
            assert_eq!(Number::parse(text), Err(InvalidNumber::Syntax), "{text}");
        }
        for text in ["1e999999999", "1e-999999999", "1e99999999999999999999"] {
            assert_eq!(Number::parse(text), Err(InvalidNumber::TooLong), "{text}");
        }
        assert_eq!(Number::from_f64(f64::NAN), Err(InvalidNumber::Syntax));
    }

    #[test]
    fn a_float_keeps_its_exact_value() {
        assert_eq!(Number::from_f64(2.5), Number::parse("2.5"));
        assert_eq!(Number::from_f64(-3.0), Ok(Number::from(-3i64)));
        assert_ne!(Number::from_f64(0.1), Number::parse("0.1"));
        assert!(Number::from_f64(f64::MIN_POSITIVE * f64::EPSILON).is_ok());
        assert_eq!(Number::parse("2.5").unwrap().as_exact_f64(), Some(2.5));
        assert_eq!(Number::parse("0.1").unwrap().as_exact_f64(), None);
        assert_eq!(Number::from(u64::MAX).to_string(), "18446744073709551615");
        assert!(Number::from(u64::MAX).is_integer());
    }
}
