//! Decodes texts of answers to UTF-8, whatever encoding their services use.
//!
//! Promises: the byte order mark decides the encoding, else the `charset` of `Content-Type`, else it is UTF-8; a text is never read in another
//! encoding than it declares. Never: searches a body for its encoding, which HTML and XML can declare inside. Source: RFC 9110, section 8.3.2;
//! WHATWG Encoding Standard.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// A text cannot be read. Says what it should have been, for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undecodable(pub(crate) String);

/// The encoding of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Charset {
    Utf8,
    /// Each byte is the character with its number. The Encoding Standard gives this name to another encoding.
    Latin1,
    /// Missing in the standard, but old JSON may use it.
    Utf32(ByteOrder),
    Other(&'static Encoding),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ByteOrder {
    Big,
    Little,
}

/// The largest factor by which a text grows in UTF-8.
const GROWTH: usize = 3;

/// The text of an answer in UTF-8 and without its byte order mark; invalid bytes of another encoding are an error. Bytes that declare no other
/// encoding are returned as they are, valid UTF-8 or not. Asks `grant` for the memory that decoding takes; `None` if it refuses.
pub(crate) fn to_utf8<'a>(
    bytes: &'a [u8],
    content_type: &str,
    grant: &mut dyn FnMut(usize) -> bool,
) -> Option<Result<Cow<'a, [u8]>, Undecodable>> {
    let (charset, text) = match find(bytes, content_type) {
        Ok(found) => found,
        Err(undecodable) => return Some(Err(undecodable)),
    };
    if charset == Charset::Utf8 {
        return Some(Ok(Cow::Borrowed(text)));
    }
    if !grant(GROWTH * text.len()) {
        return None;
    }
    let decoded = match charset {
        Charset::Utf8 => None,
        Charset::Latin1 => Some(encoding_rs::mem::decode_latin1(text).into_owned()),
        Charset::Utf32(order) => utf32(text, order).collect::<Option<String>>(),
        Charset::Other(encoding) => {
            encoding.decode_without_bom_handling_and_without_replacement(text).map(Cow::into_owned)
        }
    };
    let decoded = decoded.map(|text| Cow::Owned(text.into_bytes()));
    Some(decoded.ok_or_else(|| Undecodable(format!("text in {}", charset.name()))))
}

/// The beginning of a text for a message, with replacement characters for bytes that cannot be decoded.
pub(crate) fn shown<'a>(bytes: &'a [u8], content_type: &str) -> Cow<'a, str> {
    match find(bytes, content_type) {
        Ok((Charset::Latin1, text)) => encoding_rs::mem::decode_latin1(text),
        Ok((Charset::Utf32(order), text)) => {
            utf32(text, order).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Ok((Charset::Other(encoding), text)) => encoding.decode_without_bom_handling(text).0,
        Ok((Charset::Utf8, text)) => String::from_utf8_lossy(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// The encoding of a text, and the text without its byte order mark.
fn find<'a>(bytes: &'a [u8], content_type: &str) -> Result<(Charset, &'a [u8]), Undecodable> {
    let declared = parameter(content_type);
    if (declared.is_some() || may_be_text(content_type))
        && let Some(found) = by_mark(bytes)
    {
        return Ok(found);
    }
    let Some(declared) = declared else { return Ok((Charset::Utf8, bytes)) };
    let charset = match declared.to_ascii_lowercase().as_str() {
        // ASCII is a part of UTF-8.
        "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => Charset::Utf8,
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "l1" => Charset::Latin1,
        "utf-16le" => Charset::Other(UTF_16LE),
        // Without a mark the first character decides the byte order, because in JSON it is ASCII and so one of its bytes is NUL; otherwise
        // big-endian.
        "utf-16" | "utf16" if bytes.get(1) == Some(&0) => Charset::Other(UTF_16LE),
        "utf-16" | "utf16" | "utf-16be" => Charset::Other(UTF_16BE),
        "utf-32le" => Charset::Utf32(ByteOrder::Little),
        "utf-32" | "utf32" if bytes.get(3) == Some(&0) => Charset::Utf32(ByteOrder::Little),
        "utf-32" | "utf32" | "utf-32be" => Charset::Utf32(ByteOrder::Big),
        other => Charset::Other(Encoding::for_label_no_replacement(other.as_bytes()).ok_or_else(|| {
            Undecodable(format!("text in an encoding that is known (it says `charset={declared}`)"))
        })?),
    };
    Ok((charset, bytes))
}

/// The encoding that a byte order mark declares.
fn by_mark(bytes: &[u8]) -> Option<(Charset, &[u8])> {
    let marks: [(&[u8], Charset); 5] = [
        (b"\xef\xbb\xbf", Charset::Utf8),
        // Must come before the mark of UTF-16, which is its beginning.
        (b"\xff\xfe\0\0", Charset::Utf32(ByteOrder::Little)),
        (b"\0\0\xfe\xff", Charset::Utf32(ByteOrder::Big)),
        (b"\xff\xfe", Charset::Other(UTF_16LE)),
        (b"\xfe\xff", Charset::Other(UTF_16BE)),
    ];
    marks.into_iter().find_map(|(mark, charset)| Some((charset, bytes.strip_prefix(mark)?)))
}

/// The value of `charset`.
fn parameter(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// Whether a media type may be text: a picture or a sound may begin with the bytes of UTF-16's mark.
fn may_be_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.is_empty()
        || essence.starts_with("text/")
        || essence.ends_with("json")
        || essence.ends_with("xml")
}

/// The characters of a text in UTF-32; `None` for units that are no characters.
fn utf32(bytes: &[u8], order: ByteOrder) -> impl Iterator<Item = Option<char>> {
    bytes.chunks(4).map(move |unit| {
        let unit: [u8; 4] = unit.try_into().ok()?;
        char::from_u32(match order {
            ByteOrder::Big => u32::from_be_bytes(unit),
            ByteOrder::Little => u32::from_le_bytes(unit),
        })
    })
}

impl Charset {
    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Latin1 => "ISO-8859-1",
            Self::Utf32(_) => "UTF-32",
            Self::Other(encoding) => encoding.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, bytes: &[u8]) -> String {
        match to_utf8(bytes, content_type, &mut |_| true) {
            Some(Ok(text)) => String::from_utf8_lossy(&text).into_owned(),
            Some(Err(Undecodable(expected))) => format!("not {expected}"),
            None => "no room".to_owned(),
        }
    }

    #[test]
    fn a_text_is_read_in_the_encoding_that_it_says() {
        for (content_type, bytes, expected) in [
            ("application/json", "é".as_bytes(), "é"),
            ("application/json; charset=utf-8", b"\xef\xbb\xbf{}", "{}"),
            ("application/json; charset=iso-8859-1", b"\xe9\x80", "é\u{80}"),
            ("text/plain;charset=\"windows-1252\"", b"\x80", "€"),
            ("text/plain; format=flowed; Charset=ISO-8859-15", b"\xa4", "€"),
            ("text/plain; charset=Shift_JIS", b"\x93\xfa", "日"),
            ("text/plain; charset=GB18030", b"\xc8\xd5", "日"),
            ("application/json; charset=UTF-16LE", b"{\0}\0", "{}"),
            ("application/json; charset=UTF-16BE", b"\0{\0}", "{}"),
            ("application/json; charset=utf-16", b"\0{\0}", "{}"),
            ("application/json; charset=utf-16", b"{\0}\0", "{}"),
            ("application/json; charset=utf-16", b"\xff\xfe\x41\x01", "Ł"),
            ("application/json; charset=utf-16be", b"\xff\xfe{\0}\0", "{}"),
            ("application/json", b"\xfe\xff\0{\0}", "{}"),
            ("application/json; charset=utf-32", b"\0\0\0{\0\0\0}", "{}"),
            ("application/json; charset=utf-32le", b"{\0\0\0\0\xf6\x01\0", "{😀"),
            ("text/plain; charset=utf-32", b"\xff\xfe\0\0{\0\0\0", "{"),
            // A picture is no text, whatever its first bytes.
            ("image/x", b"\xff\xfe{\0", "\u{fffd}\u{fffd}{\0"),
            ("application/json; charset=utf-16le", b"\0\xd8", "not text in UTF-16LE"),
            ("text/plain; charset=utf-32be", b"\0\x11\0\0", "not text in UTF-32"),
            (
                "text/plain; charset=ebcdic-x",
                b"a",
                "not text in an encoding that is known (it says `charset=ebcdic-x`)",
            ),
        ] {
            assert_eq!(read(content_type, bytes), expected, "{content_type} {bytes:?}");
        }
    }

    #[test]
    fn memory_is_asked_for_only_where_it_is_taken() {
        let mut asked = Vec::new();
        let mut refuse = |bytes: usize| {
            asked.push(bytes);
            false
        };
        assert!(to_utf8(b"{}", "application/json; charset=utf-8", &mut refuse).is_some());
        assert_eq!(to_utf8(b"{\0}\0", "text/plain; charset=utf-16le", &mut refuse), None);
        assert_eq!(asked, [12]);
    }

    #[test]
    fn a_message_shows_what_can_be_read() {
        assert_eq!(shown(b"\xe9", "text/plain; charset=latin1"), "é");
        assert_eq!(shown(b"\xe9", "text/plain; charset=nonsense"), "\u{fffd}");
        assert_eq!(shown(b"a\0\0\xd8b\0", "text/plain; charset=utf-16le"), "a\u{fffd}b");
    }
}
