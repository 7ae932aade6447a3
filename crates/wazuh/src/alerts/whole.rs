//! Whole numbers that the manager printed as doubles.

use std::fmt;

use serde_json::Value;

use super::loose::at;

/// Up to here every whole number is a double of its own.
const EXACT: u64 = 1 << 53;

/// A whole number as the manager gives it: what does not fit 32 bits was read into a C double and printed with six
/// decimals (`"1946432423433533.000000"`), so above 2^53 its last digits may be wrong. Suricata's flow ids are such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Whole {
    /// The number, or what was left of it.
    pub value: u64,
    /// False if it went through a double that may have changed it.
    pub exact: bool,
}

impl Whole {
    /// True if this may be what became of `original`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the loss is what is compared")]
    pub fn may_be(&self, original: u64) -> bool {
        self.value == original || (!self.exact && self.value as f64 == original as f64)
    }

    /// Reads a number or its text.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => match number.as_u64() {
                Some(value) => Some(Self { value, exact: true }),
                None => Self::double(number.as_f64()?),
            },
            Value::String(text) => match text.parse::<u64>() {
                Ok(value) => Some(Self { value, exact: true }),
                Err(_) => Self::printed(text),
            },
            _ => None,
        }
    }

    pub(crate) fn at(value: &Value, path: &str) -> Option<Self> {
        Self::of(at(value, path)?)
    }

    /// Digits are taken as they stand, so that what is exact stays so.
    fn printed(text: &str) -> Option<Self> {
        match text.split_once('.') {
            Some((whole, rest)) if !rest.is_empty() && rest.bytes().all(|b| b == b'0') => {
                let value = whole.parse().ok()?;
                Some(Self { value, exact: value <= EXACT })
            }
            _ => Self::double(text.parse().ok()?),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and in range")]
    fn double(double: f64) -> Option<Self> {
        if double.fract() != 0.0 || !(0.0..18_446_744_073_709_551_615.0).contains(&double) {
            return None;
        }
        let value = double as u64;
        Some(Self { value, exact: value <= EXACT })
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Whole> {
        Whole::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_flow_id_that_was_printed_as_a_double_is_the_number_again() {
        let whole = read(r#""1946432423433533.000000""#).unwrap();
        assert_eq!((whole.to_string().as_str(), whole.exact), ("1946432423433533", true));
        assert_eq!(read(r#""12345""#), Some(Whole { value: 12345, exact: true }));
        assert_eq!(read("18446744073709551615"), Some(Whole { value: u64::MAX, exact: true }));
        assert_eq!(read(r#""1.946432423433533e15""#), Some(Whole { value: 1_946_432_423_433_533, exact: true }));
        assert_eq!((read(r#""0.500000""#), read(r#""-3""#), read("null"), read(r#""x""#)), (None, None, None, None));
    }

    #[test]
    fn above_two_to_the_53_it_says_that_it_may_be_another() {
        // 2^53 + 1 has no double: the manager prints its neighbour.
        let whole = read(r#""9007199254740992.000000""#).unwrap();
        assert!(whole.exact && whole.may_be(1 << 53));
        let whole = read(r#""9007199254740996.000000""#).unwrap();
        assert!(!whole.exact);
        assert!(whole.may_be(9_007_199_254_740_995) && whole.may_be(9_007_199_254_740_996));
        assert!(!whole.may_be(9_007_199_254_740_999));
    }
}
