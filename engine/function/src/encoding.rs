//! Percent- and form-encoding of texts for URLs.
//!
//! Promises: what [`percent_encode`] writes decodes to the text it was given, and holds no character that ends a path
//! segment or a query. Never: detects text that is encoded already; callers give plain text.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// All but the unreserved characters and those that a path may hold. `/` is among these, because on `SonataFlow` one argument
/// can be several segments: `contents/{path}` with `docs/a.md`.
const RESERVED_IN_PATHS: &AsciiSet = &RESERVED
    .remove(b'/')
    .remove(b';')
    .remove(b'=')
    .remove(b',')
    .remove(b':')
    .remove(b'@')
    .remove(b'+')
    .remove(b'\'');

/// All but the unreserved and the reserved characters; of the latter `?`, `#` and `&` would end the part.
const NEVER_ALLOWED: &AsciiSet = &RESERVED_IN_PATHS
    .remove(b'[')
    .remove(b']')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');

/// Percent-encodes everything but the unreserved characters of RFC 3986. With `keep_reserved` (`allowReserved` of
/// `OpenAPI`) the reserved characters stay too, except those that would end the part: `?`, `#`, `&`.
pub(crate) fn percent_encode(text: &str, keep_reserved: bool) -> String {
    utf8_percent_encode(text, if keep_reserved { NEVER_ALLOWED } else { RESERVED }).to_string()
}

/// Percent-encodes a text that is one or several segments of a path.
pub(crate) fn path_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_IN_PATHS).to_string()
}

/// Undoes percent-encoding; an invalid escape stays as it is.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// Whether a path has a segment `.` or `..`, which URL parsers resolve, even when it is percent-encoded. With one, an
/// argument could choose another path than the author wrote.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.split('/').any(|segment| matches!(&*percent_decode(segment), "." | ".."))
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
            path_encode("/a b//ü;=,:@+'?#[]{}%&$"),
            "/a%20b//%C3%BC;=,:@+'%3F%23%5B%5D%7B%7D%25%26%24"
        );
    }

    #[test]
    fn what_is_no_escape_is_not_decoded() {
        assert_eq!(percent_decode("%C3%BC%2f%+F%4%zz%"), "ü/%+F%4%zz%");
    }
}
