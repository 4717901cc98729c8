//! Removes the byte order mark, with which some editors and services begin UTF-8 text, although it belongs neither to JSON nor to YAML.

/// The byte order mark as a character.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// The bytes after a UTF-8 byte order mark; all bytes if there is none.
pub fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    let mut encoded = [0; 3];
    bytes.strip_prefix(BYTE_ORDER_MARK.encode_utf8(&mut encoded).as_bytes()).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_mark_at_the_beginning_is_removed() {
        for (text, expected) in [
            ("", ""),
            ("a", "a"),
            ("\u{feff}", ""),
            ("\u{feff}\u{feff}a", "\u{feff}a"),
            ("a\u{feff}", "a\u{feff}"),
        ] {
            assert_eq!(without_byte_order_mark(text.as_bytes()), expected.as_bytes(), "{text:?}");
        }
        assert_eq!(without_byte_order_mark(b"\xEF\xBB"), b"\xEF\xBB");
    }
}
