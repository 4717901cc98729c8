//! The stored form of an event.
//!
//! Promises: an event is read as it was written, whatever it holds; every format that was ever written is read. The first byte is the number of
//! the format.

use std::collections::BTreeMap;

use rondo_expression::{ReadLimits, Val};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::CloudEvent;

/// The format of new events: JSON of [`Written`].
const FORMAT: u8 = 1;

/// Most levels of nesting that are read back. Events with more are never accepted, so nothing that was stored is refused, and the parser's own
/// limit is higher.
const DEPTH: usize = 120;

/// The stored bytes are no event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There are no bytes.
    #[error("a stored event is empty")]
    Empty,
    /// A later version wrote it.
    #[error("a stored event has format {0}, which this version does not know")]
    Format(u8),
    /// It is damaged.
    #[error("a stored event is damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(rename = "content", skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<&'a str>,
    #[serde(rename = "schema", skip_serializing_if = "Option::is_none")]
    dataschema: Option<&'a str>,
    #[serde(rename = "ext", skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Val>,
}

#[derive(Deserialize)]
struct Read<'a> {
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    subject: Option<String>,
    time: Option<String>,
    #[serde(rename = "content")]
    datacontenttype: Option<String>,
    #[serde(rename = "schema")]
    dataschema: Option<String>,
    #[serde(rename = "ext", default)]
    extensions: BTreeMap<String, String>,
    /// Read by a function, because serde alone would read `null` as absent data.
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl CloudEvent {
    /// The event as bytes for the database.
    pub fn encode(&self) -> Vec<u8> {
        let written = Written {
            id: &self.id,
            source: &self.source,
            event_type: &self.event_type,
            subject: self.subject.as_deref(),
            time: self.time.as_deref(),
            datacontenttype: self.datacontenttype.as_deref(),
            dataschema: self.dataschema.as_deref(),
            extensions: &self.extensions,
            data: self.data.as_ref(),
        };
        let mut bytes = vec![FORMAT];
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut bytes, &written);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// The bytes are damaged, or were written by a later version.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (format, json) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if *format != FORMAT {
            return Err(DecodeError::Format(*format));
        }
        let read: Read<'_> =
            serde_json::from_slice(json).map_err(|error| DecodeError::Damaged(error.to_string()))?;
        let limits =
            ReadLimits { nodes: usize::MAX, depth: DEPTH, memory: usize::MAX, skips_null_elements: false };
        let data = read.data.map(|data| Val::read_json(data.get().as_bytes(), limits, &mut |_| true));
        Ok(Self {
            id: read.id,
            source: read.source,
            event_type: read.event_type,
            subject: read.subject,
            time: read.time,
            datacontenttype: read.datacontenttype,
            dataschema: read.dataschema,
            extensions: read.extensions,
            data: data.transpose().map_err(|error| DecodeError::Damaged(error.to_string()))?,
        })
    }
}
