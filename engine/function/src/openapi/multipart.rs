//! Writes a body as `multipart/form-data`.
//!
//! Promises: the same fields give the same bytes, boundary included, so that a repeated call equals the first: a service that stores the body of
//! an `Idempotency-Key` refuses another body under the same key. `reqwest::multipart` would choose a random boundary for each request. Source:
//! RFC 7578.

use std::fmt::Write as _;

use rondo_expression::Val;

use super::style::text_of;

/// A part of the body.
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Val,
    /// Whether it is sent as a file. A file needs a name, which is the name of the part, because no argument gives one.
    pub(super) is_file: bool,
    /// The media type that the document declares.
    pub(super) media_type: Option<&'a str>,
}

/// The body's `Content-Type` and its bytes. If the document declares no media type, objects are sent as JSON, files as bytes, everything else as
/// text.
pub(super) fn encode(parts: &[Part<'_>]) -> (String, Vec<u8>) {
    let texts: Vec<_> = parts.iter().map(|part| text_of(part.value)).collect();
    let mut boundary = "rondo-part".to_owned();
    while texts.iter().any(|text| text.contains(&boundary)) {
        boundary.push('-');
    }
    let mut body = String::new();
    for (part, text) in parts.iter().zip(&texts) {
        let name: String =
            part.name.chars().map(|c| if c.is_control() || c == '"' { '_' } else { c }).collect();
        // Writing to a String cannot fail.
        let _ = write!(body, "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if part.is_file {
            let _ = write!(body, "; filename=\"{name}\"");
        }
        body.push_str("\r\n");
        let media_type = match part.media_type {
            None if part.value.is_object() => Some("application/json"),
            None if part.is_file => Some("application/octet-stream"),
            declared => declared,
        };
        if let Some(media_type) = media_type {
            let _ = write!(body, "Content-Type: {media_type}\r\n");
        }
        let _ = write!(body, "\r\n{text}\r\n");
    }
    let _ = write!(body, "--{boundary}--\r\n");
    (format!("multipart/form-data; boundary={boundary}"), body.into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_become_parts_with_a_boundary_that_none_of_them_holds() {
        let (text, object) =
            (Val::from(json!("-- rondo-part\r\n--rondo-part--")), Val::from(json!({"a": 1})));
        let part = |name, value| Part { name, value, is_file: false, media_type: None };
        let file = Val::text("bytes");
        let parts = [
            part("note", &text),
            part("na\"me\r\nX-Header: 1", &object),
            Part { is_file: true, ..part("log", &file) },
            Part { is_file: true, media_type: Some("image/png"), ..part("picture", &file) },
        ];
        let (content_type, body) = encode(&parts);
        assert_eq!(content_type, "multipart/form-data; boundary=rondo-part---");
        assert_eq!(
            String::from_utf8(body).unwrap(),
            "--rondo-part---\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n\
             -- rondo-part\r\n--rondo-part--\r\n\
             --rondo-part---\r\nContent-Disposition: form-data; name=\"na_me__X-Header: 1\"\r\n\
             Content-Type: application/json\r\n\r\n{\"a\":1}\r\n\
             --rondo-part---\r\nContent-Disposition: form-data; name=\"log\"; filename=\"log\"\r\n\
             Content-Type: application/octet-stream\r\n\r\nbytes\r\n\
             --rondo-part---\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"picture\"\r\n\
             Content-Type: image/png\r\n\r\nbytes\r\n--rondo-part-----\r\n"
        );
    }
}
