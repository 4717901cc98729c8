//! Converts the data of an event between bytes of a media type and a value.
//!
//! Promises: JSON becomes its value and text becomes a string; other bytes become a string in base64, which the media type tells apart from text.
//! Bytes without a media type are JSON if they parse as JSON.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use encoding_rs::{Encoding, UTF_8};
use rondo_expression::{ReadError, Val};

use crate::{EventError, Room, error::excerpt};

/// A content type, split into the type and its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaType<'a> {
    essence: &'a str,
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    pub(crate) fn new(content_type: &'a str) -> Self {
        let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        Self { essence: essence.trim(), parameters }
    }

    /// Whether it is this type; case does not matter.
    pub(crate) fn is(self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// Whether it begins with `beginning`; case does not matter.
    pub(crate) fn begins_with(self, beginning: &str) -> bool {
        self.essence.get(..beginning.len()).is_some_and(|found| found.eq_ignore_ascii_case(beginning))
    }

    /// Whether data of this type are JSON.
    pub(crate) fn is_json(self) -> bool {
        let ends = self.essence.len().checked_sub("+json".len()).and_then(|at| self.essence.get(at..));
        self.is("application/json")
            || self.is("text/json")
            || ends.is_some_and(|end| end.eq_ignore_ascii_case("+json"))
    }

    /// The character set that a parameter names.
    fn encoding(self) -> Result<Option<&'static Encoding>, EventError> {
        let charset = self.parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
        let Some(charset) = charset else { return Ok(None) };
        let encoding = Encoding::for_label(charset.as_bytes());
        encoding.map(Some).ok_or_else(|| EventError::Charset(excerpt(charset)))
    }
}

/// Reads data; an empty body means no data.
pub(crate) fn read_data(
    content_type: Option<&str>,
    bytes: &[u8],
    room: &mut Room<'_>,
) -> Result<Option<Val>, EventError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let Some(media_type) = content_type.map(MediaType::new) else {
        return match room.read_json(bytes) {
            Err(ReadError::Syntax(_)) => text_or_base64(bytes, room).map(Some),
            read => read.map(Some).map_err(|error| EventError::json("data", error)),
        };
    };
    let encoding = media_type.encoding()?;
    let decoded = match encoding {
        None => None,
        Some(encoding) if encoding == UTF_8 => None,
        Some(encoding) => {
            // Decoding turns one byte into at most three.
            room.take(bytes.len().saturating_mul(3))?;
            Some(encoding.decode(bytes).0)
        }
    };
    if media_type.is_json() {
        let text = decoded.as_ref().map_or(bytes, |text| text.as_bytes());
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        return room.read_json(text).map(Some).map_err(|error| EventError::json("data", error));
    }
    match decoded {
        Some(text) => {
            room.take(text.len())?;
            Ok(Some(Val::text(text)))
        }
        None => text_or_base64(bytes, room).map(Some),
    }
}

/// Writes data as the body of a message.
pub(crate) fn write_data(content_type: Option<&str>, data: Option<&Val>) -> Vec<u8> {
    match data {
        None => Vec::new(),
        Some(Val::Text(text)) if content_type.is_some_and(|name| !MediaType::new(name).is_json()) => {
            text.as_bytes().to_vec()
        }
        Some(data) => data.to_json().into_bytes(),
    }
}

/// Decodes `data_base64`.
pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, EventError> {
    BASE64_STANDARD.decode(text).map_err(|_| EventError::Base64("is not base64"))
}

fn text_or_base64(bytes: &[u8], room: &mut Room<'_>) -> Result<Val, EventError> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        room.take(bytes.len())?;
        return Ok(Val::text(text));
    }
    // Base64 writes four characters for three bytes, and the text exists twice: in the encoder's buffer and in the value.
    room.take(bytes.len().saturating_mul(3))?;
    Ok(Val::text(BASE64_STANDARD.encode(bytes)))
}
