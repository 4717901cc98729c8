//! Encodes texts for URLs: percent-encoding and form encoding.
//!
//! Promises: the output of [`percent_encode`] decodes to its input, and holds no character that ends a path segment or a query. Never: treats an
//! input as already encoded, except in [`path_encode`] a path with an encoded slash.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// All but the unreserved characters and those that a path may hold. `/` stays, because on `SonataFlow` one argument can be several segments:
/// `contents/{path}` with `docs/a.md`.
const RESERVED_IN_PATHS: &AsciiSet = &RESERVED
    .remove(b'/')
    .remove(b';')
    .remove(b'=')
    .remove(b',')
    .remove(b':')
    .remove(b'@')
    .remove(b'+')
    .remove(b'\'');

/// The same for an argument that is one segment.
const RESERVED_IN_SEGMENTS: &AsciiSet = &RESERVED_IN_PATHS.add(b'/');

/// All but the unreserved and the reserved characters; of the reserved ones, `?`, `#` and `&` are encoded, because they would end the part.
const NEVER_ALLOWED: &AsciiSet = &RESERVED_IN_PATHS
    .remove(b'[')
    .remove(b']')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');

/// Characters that have a meaning in the value of a cookie, or end it.
const NOT_IN_COOKIES: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\');

/// Percent-encodes everything but the unreserved characters of RFC 3986. With `keep_reserved` (`allowReserved` of
/// `OpenAPI`) the reserved characters stay too, except those that would end the part: `?`, `#`, `&`.
pub(crate) fn percent_encode(text: &str, keep_reserved: bool) -> String {
    utf8_percent_encode(text, if keep_reserved { NEVER_ALLOWED } else { RESERVED }).to_string()
}

/// Percent-encodes an argument of a path. With `keeps_slashes` a `/` in it separates segments, otherwise it is encoded.
///
/// A text with `%2F` was encoded by its author, because the service takes a path as one segment (`group%2Fproject`). The escapes of such a text
/// stay, because the service decodes only once.
pub(crate) fn path_encode(text: &str, keeps_slashes: bool) -> String {
    let reserved = if keeps_slashes { RESERVED_IN_PATHS } else { RESERVED_IN_SEGMENTS };
    around_escapes(text, |part| utf8_percent_encode(part, reserved).to_string())
}

/// Encodes an argument of a path as in HTML forms, by the same rule for escapes.
pub(crate) fn path_form_encode(text: &str) -> String {
    around_escapes(text, form_encode)
}

/// Encodes a text, but keeps its escapes if one of them is a slash.
fn around_escapes(text: &str, encode: impl Fn(&str) -> String) -> String {
    let is_encoded = text.as_bytes().windows(3).any(|bytes| bytes.eq_ignore_ascii_case(b"%2F"));
    if !is_encoded {
        return encode(text);
    }
    let mut encoded = String::with_capacity(text.len());
    let mut pending = text;
    let mut searched = 0;
    while let Some(at) = pending.get(searched..).and_then(|rest| rest.find('%')).map(|at| at + searched) {
        let escape = pending.get(at..at + 3).filter(|escape| is_escape(escape));
        let Some(escape) = escape else {
            searched = at + 1;
            continue;
        };
        encoded.push_str(&encode(pending.get(..at).unwrap_or_default()));
        encoded.push_str(escape);
        pending = pending.get(at + 3..).unwrap_or_default();
        searched = 0;
    }
    encoded.push_str(&encode(pending));
    encoded
}

/// Whether a text is `%` and two hexadecimal digits.
fn is_escape(text: &str) -> bool {
    text.strip_prefix('%').is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Percent-encodes the characters that the value of a cookie must not have: blanks, quotes, `,`, `;`, `\` and everything outside ASCII. With a
/// `;` an argument could add another cookie. Source: RFC 6265, section 4.1.1.
pub(crate) fn cookie_encode(text: &str) -> String {
    utf8_percent_encode(text, NOT_IN_COOKIES).to_string()
}

/// Undoes percent-encoding; an invalid escape stays as it is.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// Whether a path has a segment `.` or `..`, with which an argument could choose another path than the author wrote. URL parsers resolve such
/// segments even when they are percent-encoded, and some services decode slashes before they look for segments.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    percent_decode(path).split('/').any(|segment| matches!(segment, "." | ".."))
}

/// Encodes as in HTML forms: a blank is `+`.
pub(crate) fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn percent_encoding_comes_back(text in ".*") {
            let encoded = percent_encode(&text, false);
            let url = url::Url::parse(&format!("http://h/{encoded}")).unwrap();
            prop_assume!(!has_dot_segment(&encoded));
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 1);
            let query = url::Url::parse(&format!("http://h/?q={encoded}")).unwrap();
            let values: Vec<_> = query.query_pairs().map(|(_, value)| value.into_owned()).collect();
            prop_assert_eq!(values, vec![text.clone()]);
            prop_assert_eq!(percent_decode(&encoded), text);
        }

        #[test]
        fn form_encoding_comes_back(text in ".*") {
            let query = url::Url::parse(&format!("http://h/?q={}", form_encode(&text))).unwrap();
            let values: Vec<_> = query.query_pairs().map(|(_, value)| value.into_owned()).collect();
            prop_assert_eq!(values, vec![text]);
        }
    }

    #[test]
    fn reserved_characters_stay_only_when_allowed() {
        assert_eq!(percent_encode("a/b c?d", false), "a%2Fb%20c%3Fd");
        assert_eq!(percent_encode("a/b c?d", true), "a/b%20c%3Fd");
        let reserved = ":/?#[]@!$&'()*+,;=";
        assert_eq!(percent_encode(reserved, true), ":/%3F%23[]@!$%26'()*+,;=");
        assert_eq!(percent_encode(reserved, false).len(), 3 * reserved.len());
        assert_eq!(
            path_encode("/a b//ü;=,:@+'?#[]{}%&$", true),
            "/a%20b//%C3%BC;=,:@+'%3F%23%5B%5D%7B%7D%25%26%24"
        );
    }

    #[test]
    fn a_path_whose_slashes_are_encoded_is_not_encoded_twice() {
        for (text, expected) in [
            ("group%2Fmy%20project", "group%2Fmy%20project"),
            ("group%2fpro ject", "group%2fpro%20ject"),
            ("100%2Fü%C3%BC%zz%", "100%2F%C3%BC%C3%BC%25zz%25"),
            ("%2F", "%2F"),
            ("50%20", "50%2520"),
            ("a/b", "a%2Fb"),
        ] {
            assert_eq!(path_encode(text, false), expected, "{text}");
        }
        assert_eq!(path_encode("a%2Fb/c", true), "a%2Fb/c");
        assert_eq!(path_form_encode("a b%2Fc d/e"), "a+b%2Fc+d%2Fe");
        assert!(has_dot_segment("/a/..%2F..%2fadmin") && has_dot_segment("/a/%2e%2E/b"));
        assert!(!has_dot_segment("/a/..b/c..?x=/../"));
    }

    #[test]
    fn the_value_of_a_cookie_stays_one() {
        assert_eq!(cookie_encode("a; admin=1, \"x\\\r\n ü"), "a%3B%20admin=1%2C%20%22x%5C%0D%0A%20%C3%BC");
        assert_eq!(cookie_encode("token%20=/+a.b"), "token%20=/+a.b");
    }

    #[test]
    fn what_is_no_escape_is_not_decoded() {
        assert_eq!(percent_decode("%C3%BC%2f%+F%4%zz%"), "ü/%+F%4%zz%");
    }
}
