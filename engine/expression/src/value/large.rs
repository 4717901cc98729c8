//! Whole numbers that `i64` does not hold.
//!
//! Owns: [`Large`], and finding such numbers in JSON. Promises: a number is passed on as it came, digit by digit, and compared exactly.
//! Never: computes with them; arithmetic takes a [`Large`] as a float.

use std::{cmp::Ordering, collections::VecDeque, fmt};

use super::{Text, Val};

/// A whole number below -2^63, or of 2^63 or more. JSON has up to 309 digits of it: what is more is beyond a float.
#[derive(Clone, PartialEq, Eq)]
pub struct Large(Text);

/// Of numbers of at least as many digits some are beyond `i64`.
const LONG: usize = 19;

/// A whole number of more digits is beyond every float, and its parser refuses it.
const LONGEST: usize = 310;

/// From here on a float is a whole number that `i64` does not hold.
const LIMIT: f64 = 9_223_372_036_854_775_808.0;

impl Large {
    /// The number that digits are, with or without a `-` before them; `None` if `i64` holds it, or if they are written otherwise than JSON
    /// writes a number.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number =
            digits.len() >= LONG && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        (is_number && text.parse::<i64>().is_err()).then(|| Self(text.into()))
    }

    /// Its digits, with the sign of a negative one.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The number, if it is below 2^64 and above 0.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The nearest float.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or_default()
    }

    fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }

    /// Compares it with any number that `i64` holds.
    pub(super) fn cmp_small(&self) -> Ordering {
        if self.is_negative() { Ordering::Less } else { Ordering::Greater }
    }

    /// Compares without rounding; `nan` is less than every number.
    pub(super) fn cmp_float(&self, float: f64) -> Ordering {
        match float {
            _ if float.is_nan() => Ordering::Greater,
            f64::INFINITY => Ordering::Less,
            f64::NEG_INFINITY => Ordering::Greater,
            // So large floats have no fraction, and print all their digits.
            _ if float.abs() >= LIMIT => match Self::parse(&format!("{float:.0}")) {
                Some(other) => self.cmp(&other),
                // -2^63.
                None => self.cmp_small(),
            },
            _ => self.cmp_small(),
        }
    }
}

impl From<u64> for Val {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Large(Large(value.to_string().into())), Self::Int)
    }
}

impl Ord for Large {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |number: &Self| (number.0.len(), number.0.clone());
        match (self.is_negative(), other.is_negative()) {
            (false, false) => size(self).cmp(&size(other)),
            (true, true) => size(other).cmp(&size(self)),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Large {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Large {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The numbers in a text of JSON that its parser gives as floats beyond `i64`, in their order: the whole ones by their digits.
///
/// The parser has no type for them but a float. (It could give every number as a text, which takes twice the time for all the others.) So
/// their digits are looked up here, by counting such floats.
#[derive(Debug, Default)]
pub(super) struct LargeNumbers(VecDeque<Beyond>);

/// A number beyond `i64` that the parser gives as a float.
#[derive(Debug)]
enum Beyond {
    Whole(Large),
    /// It is written with a fraction or an exponent.
    Float,
}

impl LargeNumbers {
    pub(super) fn in_json(text: &[u8]) -> Self {
        if !has_long_number(text) {
            return Self::default();
        }
        let mut found = VecDeque::new();
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match byte {
                b'"' => at = end_of_text(text, at + 1),
                b'-' | b'0'..=b'9' => {
                    let rest = text.get(at..).unwrap_or_default();
                    let end = rest
                        .iter()
                        .position(|b| !matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
                    let number = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                    found.extend(beyond_integers(number));
                    at += number.len();
                }
                _ => at += 1,
            }
        }
        Self(found)
    }

    /// The value of the next float that the parser gives.
    pub(super) fn next(&mut self, float: f64) -> Val {
        if self.0.is_empty() || float.abs() < LIMIT {
            return Val::Float(float);
        }
        match self.0.pop_front() {
            Some(Beyond::Whole(large)) => Val::Large(large),
            _ => Val::Float(float),
        }
    }
}

/// Of a number that is given as a float beyond `i64`: what it is. `None` for another number.
fn beyond_integers(number: &[u8]) -> Option<Beyond> {
    let text = std::str::from_utf8(number).ok()?;
    let is_whole = !text.contains(['.', 'e', 'E']);
    if is_whole && (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()) {
        return None;
    }
    let is_beyond = text.parse::<f64>().is_ok_and(|float| float.abs() >= LIMIT);
    let whole = || Large::parse(text).filter(|_| is_whole && text.len() <= LONGEST);
    is_beyond.then(|| whole().map_or(Beyond::Float, Beyond::Whole))
}

/// Whether some digits in a row are as many as a large number has. Looks at one byte of as many, so it costs next to nothing.
fn has_long_number(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    (LONG - 1..text.len()).step_by(LONG).any(|at| {
        let (before, after) = text.split_at(at);
        let behind = after.iter().take(LONG).take_while(|byte| is_digit(byte)).count();
        behind > 0
            && before.iter().rev().take(LONG).take_while(|byte| is_digit(byte)).count() + behind >= LONG
    })
}

/// The place behind the quote that ends a text.
fn end_of_text(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Val {
        Val::from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn whole_numbers_of_any_size_come_out_as_they_went_in() {
        for text in [
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "18446744073709551615",
            "18446744073709551616",
            "1180591620717411303425",
            "[1e30,1000000000000000000000000000000,-1.5e300,1000000000000000000000000000001]",
            r#"{"12345678901234567890123":"98765432109876543210987\\\"1","a":[123456789012345678901234567890]}"#,
        ] {
            let limits = crate::ReadLimits::default();
            let within = Val::read_json(text.as_bytes(), limits, &mut |_| true).unwrap();
            let written = text.replace("1e30", "1e+30").replace("-1.5e300", "-1.5e+300");
            for value in [read(text), within] {
                assert!([text, &written].contains(&&*value.to_json()), "{text} {}", value.to_json());
                assert_eq!(value, value.clone());
            }
        }
    }

    #[test]
    fn large_numbers_are_ordered_among_all_others() {
        let ordered = [
            "-1e300",
            "-18446744073709551617",
            "-9223372036854775809",
            "-9223372036854775808",
            "0.5",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "18446744073709551617",
            "99999999999999999999",
            "1e20",
            "100000000000000000001",
            "1e300",
        ];
        let values: Vec<Val> = ordered.iter().map(|text| read(text)).collect();
        for (at, one) in values.iter().enumerate() {
            for (other_at, other) in values.iter().enumerate() {
                assert_eq!(one.cmp(other), at.cmp(&other_at), "{one} {other}");
            }
        }
        assert_eq!(read("18446744073709551616"), Val::Float(18_446_744_073_709_551_616.0));
    }

    proptest! {
        #[test]
        fn a_list_of_numbers_keeps_each(numbers in prop::collection::vec("-?[1-9][0-9]{0,40}", 0..20)) {
            let text = format!("[{}]", numbers.join(","));
            prop_assert_eq!(read(&text).to_json(), text);
        }

        #[test]
        fn a_long_number_is_never_overlooked(before in "[a-z ]{0,60}", digits in "[1-9][0-9]{18,40}", after in "[a-z ]{0,60}") {
            let text = format!("{before}{digits}{after}");
            prop_assert!(has_long_number(text.as_bytes()));
        }
    }
}
