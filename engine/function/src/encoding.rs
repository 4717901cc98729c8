//! Percent- and form-encoding of texts for URLs.
//!
//! Promises: what [`percent_encode`] writes decodes to the text it was given, and holds no character that ends a path
//! segment or a query. Never: encodes what is encoded already; callers give plain text.

use std::fmt::Write as _;

/// Percent-encodes everything but the unreserved characters of RFC 3986. With `keep_reserved` (`allowReserved` of
/// `OpenAPI`) the reserved characters stay too, except those that would end the part: `?`, `#`, `&`.
pub(crate) fn percent_encode(text: &str, keep_reserved: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if unreserved || (keep_reserved && b":/[]@!$'()*+,;=".contains(&byte)) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Percent-encodes a text for a path, of which it may be several segments, as on `SonataFlow`: `contents/{path}` takes `docs/a.md`.
pub(crate) fn path_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for part in text.split_inclusive(|c| "/;=,:@+'".contains(c)) {
        let (text, kept) = part.split_at(part.trim_end_matches(|c| "/;=,:@+'".contains(c)).len());
        encoded.push_str(&percent_encode(text, false));
        encoded.push_str(kept);
    }
    encoded
}

/// Undoes percent-encoding; what is no valid escape stays as it is.
pub(crate) fn percent_decode(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(escaped) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(escaped);
            rest = after.get(2..).unwrap_or_default();
        } else {
            decoded.push(*byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Whether a path has a segment `.` or `..`, which URL parsers take for a step, even when it is percent-encoded. An
/// argument must not choose another path than the author wrote, so such paths are refused.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.split('/').any(|segment| matches!(percent_decode(segment).as_str(), "." | ".."))
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
        assert_eq!(
            path_encode("/a b//ü;=,:@+'?#[]{}%&$"),
            "/a%20b//%C3%BC;=,:@+'%3F%23%5B%5D%7B%7D%25%26%24"
        );
    }
}
