//! Events in the JSON format, alone and in batches.
//!
//! Promises: a broken event of a batch does not affect the others; a duplicate name is found, whatever its case. Data are read apart from the
//! attributes, so that they may be nested as deeply as any data. Source: CloudEvents 1.0.2, "JSON Event Format".

use std::fmt;

use rondo_expression::Val;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    CloudEvent, EventError, MAX_ATTRIBUTE_BYTES, MAX_EXTENSIONS, Received, Room,
    attributes::{Attributes, DEFINED},
    data::{decode_base64, read_data},
    error::excerpt,
};

/// Most events of a batch. One transaction accepts all of them, and other transactions wait for it.
pub const MAX_BATCH: usize = 10_000;

/// Most members of the object of an event: attributes, `data` and `data_base64`.
const MAX_MEMBERS: usize = DEFINED.len() + MAX_EXTENSIONS + 2;

/// Most bytes of JSON for a value of [`MAX_ATTRIBUTE_BYTES`]: each byte may be an escape of six characters.
const MAX_WRITTEN: usize = MAX_ATTRIBUTE_BYTES * 6 + 2;

/// Reads one event.
pub(crate) fn read_event(text: &[u8], room: &mut Room<'_>) -> Result<CloudEvent, EventError> {
    let members: Members<'_> = match serde_json::from_slice(text) {
        Ok(members) => members,
        Err(error) if error.is_data() => return Err(EventError::Shape("a JSON object")),
        Err(error) => return Err(EventError::syntax("body", error)),
    };
    members.into_event(room)
}

/// Reads the events of an array.
pub(crate) fn read_batch(text: &[u8], room: &mut Room<'_>) -> Result<Received, EventError> {
    let elements: Elements<'_> = match serde_json::from_slice(text) {
        Ok(elements) => elements,
        Err(error) if error.is_data() => return Err(EventError::Shape("a JSON array of events")),
        Err(error) => return Err(EventError::syntax("body", error)),
    };
    if elements.is_cut {
        return Err(EventError::BatchTooLarge(MAX_BATCH));
    }
    let mut received = Received::default();
    for (index, element) in elements.all.into_iter().enumerate() {
        match read_event(element.get().as_bytes(), room) {
            Ok(event) => received.events.push(event),
            // The other events would not find memory either, and the sender may send all of them again.
            Err(EventError::NoRoom) => return Err(EventError::NoRoom),
            Err(error) => received.broken.push((index, error)),
        }
    }
    Ok(received)
}

/// Reads the event if the text is an object with a member `specversion`.
pub(crate) fn read_if_event(text: &[u8], room: &mut Room<'_>) -> Result<Option<CloudEvent>, EventError> {
    match serde_json::from_slice::<Members<'_>>(text) {
        Ok(members) if members.has("specversion") => members.into_event(room).map(Some),
        _ => Ok(None),
    }
}

/// The required attributes that are no members of the body; all of them if the body is no JSON object.
pub(crate) fn missing_members(text: &[u8]) -> Vec<&'static str> {
    let members = serde_json::from_slice::<Members<'_>>(text);
    let has = |name: &str| members.as_ref().is_ok_and(|members| members.has(name));
    ["specversion", "id", "type"].into_iter().filter(|name| !has(name)).collect()
}

/// The members of an object, each with its value as unparsed text.
struct Members<'a> {
    all: Vec<(String, &'a RawValue)>,
    /// Whether the object has more than [`MAX_MEMBERS`]; the others are dropped.
    is_cut: bool,
}

impl Members<'_> {
    fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(member, _)| member.eq_ignore_ascii_case(name))
    }

    fn into_event(self, room: &mut Room<'_>) -> Result<CloudEvent, EventError> {
        if self.is_cut {
            return Err(EventError::TooManyExtensions(MAX_EXTENSIONS));
        }
        let mut attributes = Attributes::default();
        let (mut data, mut base64) = (None, None);
        for (name, value) in &self.all {
            let part = match name.as_str() {
                "data" => &mut data,
                "data_base64" => &mut base64,
                _ => {
                    if let Some(text) = attribute_text(name, value)? {
                        attributes.add(name, &text)?;
                    }
                    continue;
                }
            };
            if part.replace(*value).is_some() {
                return Err(EventError::Duplicate(name.clone()));
            }
        }
        room.take(attributes.bytes() + size_of::<CloudEvent>())?;
        let base64 = base64.filter(|value| value.get() != "null");
        let data = match (data, base64) {
            (Some(_), Some(_)) => return Err(EventError::Base64("stands beside `data`")),
            (Some(value), None) => {
                let value = room.read_json(value.get().as_bytes());
                Some(value.map_err(|error| EventError::json("data", error))?)
            }
            (None, Some(value)) => from_base64(attributes.get("datacontenttype"), value, room)?,
            (None, None) => None,
        };
        attributes.into_event(data)
    }
}

fn from_base64(
    content_type: Option<&str>,
    value: &RawValue,
    room: &mut Room<'_>,
) -> Result<Option<Val>, EventError> {
    // Memory for the text without escapes, and for the decoded bytes.
    room.take(value.get().len().saturating_mul(2))?;
    let text: String = serde_json::from_str(value.get()).map_err(|_| EventError::Base64("is not a text"))?;
    read_data(content_type, &decode_base64(&text)?, room)
}

/// The value of an attribute as text; `None` for null, which means absence.
fn attribute_text(name: &str, value: &RawValue) -> Result<Option<String>, EventError> {
    let written = value.get();
    if written.len() > MAX_WRITTEN {
        return Err(EventError::TooLong { name: excerpt(name), limit: MAX_ATTRIBUTE_BYTES });
    }
    match written.bytes().next() {
        Some(b'"') => serde_json::from_str(written)
            .map(Some)
            // The text has a surrogate without its other half.
            .map_err(|_| EventError::Characters(excerpt(name))),
        Some(b'n') => Ok(None),
        Some(b'{') => Err(EventError::NotText(excerpt(name), "an object")),
        Some(b'[') => Err(EventError::NotText(excerpt(name), "an array")),
        _ => Ok(Some(written.to_owned())),
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while all.len() < MAX_MEMBERS {
                    let Some(member) = map.next_entry()? else { return Ok(Members { all, is_cut: false }) };
                    all.push(member);
                }
                let mut is_cut = false;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    is_cut = true;
                }
                Ok(Members { all, is_cut })
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// The elements of an array as unparsed texts.
struct Elements<'a> {
    all: Vec<&'a RawValue>,
    /// Whether the array has more than [`MAX_BATCH`]; the others are dropped.
    is_cut: bool,
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Elements<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while all.len() < MAX_BATCH {
                    let Some(element) = elements.next_element()? else {
                        return Ok(Elements { all, is_cut: false });
                    };
                    all.push(element);
                }
                let mut is_cut = false;
                while elements.next_element::<IgnoredAny>()?.is_some() {
                    is_cut = true;
                }
                Ok(Elements { all, is_cut })
            }
        }

        deserializer.deserialize_seq(Reader)
    }
}
