//! Functions that make strings of values: rows, joined strings, percent-encoding and Base64.

use jaq_core::{Error, ValR, ValT as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    budget,
    value::{Numbers, Val, cannot_iterate},
};

/// A format of rows: its name, its separator, and how it quotes a string.
#[derive(Clone, Copy)]
pub(super) struct Row(&'static str, char, fn(&str) -> String);

pub(super) const CSV: Row = Row("csv", ',', |text| format!("\"{}\"", text.replace('"', "\"\"")));

pub(super) const TSV: Row = Row("tsv", '\t', |text| {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
});

/// `@csv` and `@tsv`.
pub(super) fn row(value: &Val, Row(name, separator, quote): Row) -> ValR<Val> {
    if !value.is_array() {
        return Err(Error::str(format!("{} cannot be {name}-formatted, only array", value.preview())));
    }
    let mut row = String::new();
    for (index, cell) in value.elements().iter().enumerate() {
        if index > 0 {
            row.push(separator);
        }
        match cell {
            Val::Null => {}
            Val::Float(number) if number.is_nan() => {}
            Val::Text(text) => row.push_str(&quote(text)),
            Val::Bool(_) | Val::Int(_) | Val::Large(_) | Val::Float(_) => {
                row.push_str(&cell.printed(Numbers::Short));
            }
            other => return Err(Error::str(format!("{} is not valid in a csv row", other.preview()))),
        }
        budget::check_text(row.len());
    }
    Ok(Val::text(row))
}

/// `join`: null is an empty string, also as separator; numbers and booleans are printed.
pub(super) fn join(value: &Val, separator: &Val) -> ValR<Val> {
    if !value.is_array() && !value.is_object() {
        return Err(cannot_iterate(value));
    }
    let cannot = |joined: String, other: &Val| {
        Error::str(format!("{} and {} cannot be added", Val::text(joined).preview(), other.preview()))
    };
    let mut joined = String::new();
    for (index, item) in value.clone().values().enumerate() {
        match separator {
            _ if index == 0 => {}
            Val::Null => {}
            Val::Text(separator) => joined.push_str(separator),
            other => return Err(cannot(joined, other)),
        }
        match item? {
            Val::Null => {}
            item @ (Val::Text(_) | Val::Bool(_) | Val::Int(_) | Val::Large(_) | Val::Float(_)) => {
                joined.push_str(&item.printed(Numbers::Java));
            }
            other => return Err(cannot(joined, &other)),
        }
        budget::check_text(joined.len());
    }
    Ok(Val::text(joined))
}

/// The characters that `@uri` encodes: all but letters, digits and these marks.
const OUTSIDE_OF_URI: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// `@uri`: the text with its characters percent-encoded.
pub(super) fn encode_uri(value: &Val) -> Val {
    Val::text(utf8_percent_encode(&value.printed(Numbers::Short), OUTSIDE_OF_URI).to_string())
}

/// `@base64d`: Base64 with or without padding; bytes that are no UTF-8 become replacement characters.
pub(super) fn decode_base64(value: &Val) -> ValR<Val> {
    let text = value.printed(Numbers::Short);
    let invalid = || Error::str(format!("{} is not valid base64 data", Val::text(text.clone()).preview()));
    let digits = text.trim_end_matches('=');
    let padded = text.len() != digits.len();
    if digits.len() % 4 == 1 || padded && !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return Err(invalid());
    }
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(digits.len()), 0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(invalid()),
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
    }
    Ok(Val::text(String::from_utf8_lossy(&bytes)))
}
