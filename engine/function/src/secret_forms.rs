//! The encoded forms in which a secret occurs in texts.
//!
//! Owns: the encodings in which services and libraries write credentials: URLs, forms, JSON, HTML, base64. Promises: pure. Never: knows whether a
//! text is a secret.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::encoding::{cookie_encode, form_encode, path_encode, path_form_encode, percent_encode};

/// All characters that JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Shorter texts are not searched for in base64: their few characters would occur in other texts by chance.
const SHORTEST_IN_BASE64: usize = 6;

/// Shorter lines of a secret of several lines (a private key) are not searched for alone.
const SHORTEST_LINE: usize = 16;

/// The secret as it is, and as it appears in URLs, forms, JSON and HTML. For a secret of several lines also each line.
pub(crate) fn text_forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    let lines = secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE && *line != secret);
    for text in std::iter::once(secret).chain(lines) {
        let in_json = in_json(text);
        let ascii = in_ascii(&in_json);
        forms.extend([
            percent_encode(text, false),
            percent_encode(text, true),
            path_encode(text, true),
            path_encode(text, false),
            path_form_encode(text),
            cookie_encode(text),
            utf8_percent_encode(text, COMPONENT).to_string(),
            form_encode(text),
            in_html(text),
            in_json.replace('/', "\\/"),
            ascii.replace('/', "\\/"),
            // A JSON string within another one.
            self::in_json(&in_json),
            self::in_json(&ascii),
            in_json,
            ascii,
            text.to_owned(),
        ]);
    }
    let small: Vec<_> = forms.iter().map(|form| with_small_escapes(form)).collect();
    forms.extend(small);
    forms.retain(|form| !form.is_empty());
    forms
}

/// The base64 characters that depend only on the secret, whatever text surrounds it, for each of the three offsets at which the secret may begin.
/// In a text with these characters, up to two more on each side contain bits of the secret.
pub(crate) fn base64_forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    if secret.len() < SHORTEST_IN_BASE64 {
        return forms;
    }
    for before in 0..3_usize {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(secret.as_bytes());
        let encoded = STANDARD_NO_PAD.encode(&bytes);
        let (start, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        let standard = encoded.get(start..end).unwrap_or_default().to_owned();
        let escaped = percent_encode(&standard, false);
        forms.extend([
            standard.replace('+', "-").replace('/', "_"),
            standard.replace('/', "\\/"),
            with_small_escapes(&escaped),
            escaped,
            standard,
        ]);
    }
    forms
}

/// The text inside a JSON string.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// A JSON string in ASCII only, as Python writes it.
fn in_ascii(json: &str) -> String {
    let mut units = [0; 2];
    let escaped = |c: char, units: &mut [u16; 2]| -> String {
        c.encode_utf16(units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    json.chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c, &mut units) }).collect()
}

fn in_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Writes escapes in lower case, `%2f` instead of `%2F`.
fn with_small_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let mut small = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(part.floor_char_boundary(2.min(part.len())));
        small.push('%');
        small.push_str(&digits.to_ascii_lowercase());
        small.push_str(rest);
    }
    small
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_secret_is_found_in_the_base64_of_any_text_around_it(before in ".{0,9}", secret in ".{6,20}", after in ".{0,9}") {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
            prop_assert!(base64_forms(&secret).iter().any(|form| encoded.contains(form.as_str())));
        }
    }

    #[test]
    fn a_secret_has_a_form_for_every_place_it_may_stand_at() {
        let forms = text_forms("a/b \"ü\"&'");
        for form in [
            "a/b \"ü\"&'",
            "a%2Fb%20%22%C3%BC%22%26%27",
            "a%2fb%20%22%c3%bc%22%26%27",
            "a/b%20%22%C3%BC%22%26'",
            "a%2Fb%20%22%C3%BC%22%26'",
            "a%2Fb+%22%C3%BC%22%26%27",
            r#"a/b \"ü\"&'"#,
            r#"a\/b \"ü\"&'"#,
            r#"a/b \"\u00fc\"&'"#,
            r#"a/b \\\"ü\\\"&'"#,
            "a/b &quot;ü&quot;&amp;&#39;",
        ] {
            assert!(forms.contains(form), "{form} in {forms:?}");
        }
    }
}
