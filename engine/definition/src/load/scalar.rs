//! Resolves YAML scalars to values.
//!
//! Owns: the core schema of YAML 1.2 (`true`, `null`, numbers), and the additional booleans of SonataFlow (`yes`, `no`, `on`, `off` in three
//! casings). Promises: a scalar that other readers of YAML understand differently has a lint.

use granit_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};

/// A scalar as a value.
pub(super) struct Scalar {
    pub(super) value: Value,
    /// The kind of value as which it is read, if readers of YAML differ about the text.
    pub(super) lint: Option<&'static str>,
}

impl Scalar {
    /// The value of a scalar with this text, style and tag.
    pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Self {
        let is_plain = style == ScalarStyle::Plain;
        let is_typed = match tag.and_then(Tag::core_suffix) {
            Some("str") => false,
            Some("int" | "float" | "bool" | "null") => true,
            // Other tags are ignored.
            _ => is_plain,
        };
        if is_typed {
            resolve_typed(text)
        } else {
            Self { value: Value::String(text.to_owned()), lint: None }
        }
    }
}

/// The value of a scalar that is not text by its quotes or tag.
fn resolve_typed(text: &str) -> Scalar {
    let certain = |value| Scalar { value, lint: None };
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return certain(Value::Null),
        "true" | "True" | "TRUE" => return certain(Value::Bool(true)),
        "false" | "False" | "FALSE" => return certain(Value::Bool(false)),
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Scalar { value: Value::Bool(true), lint: Some("the boolean true") };
        }
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Scalar { value: Value::Bool(false), lint: Some("the boolean false") };
        }
        _ => {}
    }
    // Most scalars begin with a letter and are text; for these the number is not parsed.
    if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && let Some(number) = parse_number(text)
    {
        return number;
    }
    certain(Value::String(text.to_owned()))
}

/// The value of a scalar that looks like a number; `None` for other texts.
fn parse_number(text: &str) -> Option<Scalar> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let is_signed = digits.len() < text.len();
    if !is_signed && let Some(octal) = digits.strip_prefix("0o") {
        let number = u64::from_str_radix(octal, 8).ok()?;
        return Some(Scalar { value: number.into(), lint: Some("an octal number") });
    }
    if !is_signed && let Some(hexadecimal) = digits.strip_prefix("0x") {
        let certain = |value| Scalar { value, lint: None };
        return u64::from_str_radix(hexadecimal, 16).ok().map(|number| certain(integer(number)));
    }
    if digits.contains('_') {
        let looks_like_number = digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
            && digits.starts_with(|c: char| c.is_ascii_digit());
        return looks_like_number
            .then(|| Scalar { value: Value::String(text.to_owned()), lint: Some("text") });
    }
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let lint = (digits.len() > 1 && digits.starts_with('0')).then_some("a decimal number");
        let value = match digits.parse::<u64>() {
            Ok(number) if !is_negative => integer(number),
            Ok(_) => text.parse::<i64>().map_or_else(|_| float(text), |number| Some(number.into()))?,
            Err(_) => float(text)?,
        };
        return Some(Scalar { value, lint });
    }
    is_float(digits).then(|| float(text).map(|value| Scalar { value, lint: None }))?
}

/// An integer; one beyond 63 bits becomes floating point.
#[allow(clippy::cast_precision_loss)]
fn integer(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::from(number as f64), Value::from)
}

/// A floating-point number; `None` for infinities, which JSON does not have, so they stay text.
fn float(text: &str) -> Option<Value> {
    text.parse().ok().and_then(Number::from_f64).map(Value::Number)
}

/// Whether a text is a float of the core schema without sign: `1.5`, `.5`, `1.`, `1e3`.
fn is_float(digits: &str) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|text| all_digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            (all_digits(whole) || whole.is_empty())
                && (all_digits(fraction) || fraction.is_empty())
                && !(whole.is_empty() && fraction.is_empty())
        }
        None => all_digits(mantissa),
    };
    exponent_fits && mantissa_fits
}

#[cfg(test)]
mod tests {
    use granit_parser::ScalarStyle;
    use serde_json::json;

    use super::Scalar;

    #[test]
    fn unquoted_texts_are_the_values_of_the_core_schema() {
        for (text, expected, lint) in [
            ("", json!(null), false),
            ("~", json!(null), false),
            ("true", json!(true), false),
            ("yes", json!(true), true),
            ("Off", json!(false), true),
            ("y", json!("y"), false),
            ("0", json!(0), false),
            ("-7", json!(-7), false),
            ("+7", json!(7), false),
            ("010", json!(10), true),
            ("0o17", json!(15), true),
            ("0x1F", json!(31), false),
            ("1_000", json!("1_000"), true),
            ("_1", json!("_1"), false),
            ("1.5", json!(1.5), false),
            ("1.0", json!(1.0), false),
            (".5", json!(0.5), false),
            ("1e3", json!(1000.0), false),
            ("-1.5E-2", json!(-0.015), false),
            ("1.2.3", json!("1.2.3"), false),
            ("12:30", json!("12:30"), false),
            (".", json!("."), false),
            ("-", json!("-"), false),
            (".inf", json!(".inf"), false),
            ("1e999", json!("1e999"), false),
            ("9223372036854775807", json!(9_223_372_036_854_775_807_i64), false),
            ("9223372036854775808", json!(9_223_372_036_854_775_808.0), false),
            ("-9223372036854775808", json!(i64::MIN), false),
            ("99999999999999999999", json!(1e20), false),
        ] {
            let scalar = Scalar::resolve(text, ScalarStyle::Plain, None);
            assert_eq!((scalar.value, scalar.lint.is_some()), (expected, lint), "{text}");
        }
    }

    #[test]
    fn quoted_texts_stay_texts() {
        for text in ["yes", "1", "null", ""] {
            let scalar = Scalar::resolve(text, ScalarStyle::SingleQuoted, None);
            assert_eq!((scalar.value, scalar.lint), (json!(text), None));
        }
    }
}
