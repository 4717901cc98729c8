//! Writes a body as `multipart/form-data`.
//!
//! Promises: the same fields give the same bytes, boundary included, so that a repeated call equals the first one: a
//! service that remembers the body of an `Idempotency-Key` refuses another body under the same key. That is why
//! `reqwest::multipart` is not used: it draws a boundary for each request. Source: RFC 7578.

use std::fmt::Write as _;

use rondo_expression::Val;

use super::style::text_of;

/// The body's `Content-Type` and its bytes. Objects are sent as JSON, everything else as text.
pub(super) fn encode(fields: &[(&str, &Val)]) -> (String, Vec<u8>) {
    let texts: Vec<_> = fields.iter().map(|(_, value)| text_of(value)).collect();
    let mut boundary = "rondo-part".to_owned();
    while texts.iter().any(|text| text.contains(&boundary)) {
        boundary.push('-');
    }
    let mut body = String::new();
    for ((name, value), text) in fields.iter().zip(&texts) {
        let name: String = name.chars().map(|c| if c.is_control() || c == '"' { '_' } else { c }).collect();
        // Writing to a String cannot fail.
        let _ = write!(body, "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n");
        if value.is_object() {
            body.push_str("Content-Type: application/json\r\n");
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
        let fields = [("note", &text), ("na\"me\r\nX-Header: 1", &object)];
        let (content_type, body) = encode(&fields);
        assert_eq!(content_type, "multipart/form-data; boundary=rondo-part---");
        assert_eq!(
            String::from_utf8(body).unwrap(),
            "--rondo-part---\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n\
             -- rondo-part\r\n--rondo-part--\r\n\
             --rondo-part---\r\nContent-Disposition: form-data; name=\"na_me__X-Header: 1\"\r\n\
             Content-Type: application/json\r\n\r\n{\"a\":1}\r\n--rondo-part-----\r\n"
        );
    }
}
