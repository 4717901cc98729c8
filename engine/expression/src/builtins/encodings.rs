//! Functions that write texts in another way: for the shell, HTML, addresses, Base64, and as numbers of their characters.
//!
//! Promises: a text that gets longer is bounded while it grows.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jaq_core::{Error, ValR};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::strings::replace;
use crate::{
    budget,
    text_builder::TextBuilder,
    value::{Items, Numbers, Val},
};

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

/// What takes the place of a character in HTML.
const HTML: [(char, &str); 5] =
    [('<', "&lt;"), ('>', "&gt;"), ('&', "&amp;"), ('\'', "&apos;"), ('"', "&quot;")];

/// `@uri`: the text with its characters percent-encoded.
pub(super) fn encode_uri(value: &Val) -> Val {
    let text = value.printed(Numbers::Short);
    let mut encoded = TextBuilder::default();
    utf8_percent_encode(&text, OUTSIDE_OF_URI).for_each(|piece| encoded.push(piece));
    encoded.into_value()
}

/// `@html`
pub(super) fn escape_html(value: &Val) -> ValR<Val> {
    replaced(value, &HTML)
}

/// `@htmld`
pub(super) fn unescape_html(value: &Val) -> ValR<Val> {
    let mut rest = text(value)?;
    let mut plain = TextBuilder::default();
    while let Some(start) = rest.find('&') {
        let (before, entity) = rest.split_at(start);
        plain.push(before);
        let known = HTML.iter().find_map(|(character, name)| Some((character, entity.strip_prefix(name)?)));
        rest = if let Some((character, behind)) = known {
            plain.push(character.encode_utf8(&mut [0; 4]));
            behind
        } else {
            plain.push("&");
            entity.strip_prefix('&').unwrap_or_default()
        };
    }
    plain.push(rest);
    Ok(plain.into_value())
}

/// The inside of a text in single quotes for the shell.
pub(super) fn escape_shell(value: &Val) -> ValR<Val> {
    replaced(value, &[('\'', "'\\''")])
}

fn replaced(value: &Val, replacements: &[(char, &str)]) -> ValR<Val> {
    let mut written = TextBuilder::default();
    replace(&mut written, text(value)?, replacements);
    Ok(written.into_value())
}

/// `@base64`
pub(super) fn encode_base64(value: &Val) -> ValR<Val> {
    /// Bytes that are encoded at once: a multiple of three, which need no padding.
    const PIECE: usize = 3 * 1024;
    let text = text(value)?;
    budget::check_text(text.len().div_ceil(3) * 4);
    let mut encoded = TextBuilder::default();
    text.as_bytes().chunks(PIECE).for_each(|bytes| encoded.push(&STANDARD.encode(bytes)));
    Ok(encoded.into_value())
}

/// `@base64d`: Base64 with or without padding; bytes that are no UTF-8 become replacement characters.
pub(super) fn decode_base64(value: &Val) -> ValR<Val> {
    let text = value.printed(Numbers::Short);
    let invalid = || Error::str(format!("{} is not valid base64 data", Val::text(&text).preview()));
    let digits = text.trim_end_matches('=');
    let padded = text.len() != digits.len();
    if digits.len() % 4 == 1 || padded && !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return Err(invalid());
    }
    // A byte that is no UTF-8 becomes three.
    budget::memory::check(4 * digits.len());
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

/// `explode`
pub(super) fn explode(value: &Val) -> ValR<Val> {
    let text = text(value)?;
    budget::spend_on_bytes(text.len());
    let characters = text.chars().count();
    budget::look_at(characters, size_of::<Val>());
    budget::spend_on_new_elements(characters);
    let mut numbers = Items::with_capacity(characters);
    numbers.extend(text.chars().map(|character| Val::Int(i64::from(u32::from(character)))));
    Ok(Val::from_items(numbers))
}

/// `implode`. As in the interpreter's library numbers from 0 down to -255 are bytes, of which those that are no UTF-8 are replaced.
pub(super) fn implode(value: &Val) -> ValR<Val> {
    if !value.is_array() {
        return Err(Error::typ(value.clone(), "array"));
    }
    budget::spend_on_elements(value.elements().len());
    budget::memory::check(4 * value.elements().len());
    let mut bytes = Vec::with_capacity(value.elements().len());
    for number in value.elements() {
        let number = number.as_i64().ok_or_else(|| Error::typ(number.clone(), "integer"))?;
        if let Some(byte) = number.checked_neg().and_then(|number| u8::try_from(number).ok()) {
            bytes.push(byte);
            continue;
        }
        let character = u32::try_from(number).ok().and_then(char::from_u32);
        let character = character.ok_or_else(|| Error::str(format!("cannot use {number} as character")))?;
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(Val::text(String::from_utf8_lossy(&bytes)))
}

fn text(value: &Val) -> Result<&str, Error<Val>> {
    value.as_str().ok_or_else(|| Error::typ(value.clone(), "string"))
}
