//! Reads events from messages.
//!
//! Owns: the choice of the form in which a message holds an event. Promises: the content type of an event decides first, then headers with
//! attributes, then JSON with `specversion`, which is an event in the JSON format. Over HTTP anything else is no event; on a channel of a broker,
//! other JSON is the data of an event with the type of the channel. Source: CloudEvents 1.0.2, "HTTP Protocol Binding" 3, and the bindings to
//! Kafka and NATS.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use rondo_expression::{ReadError, ReadLimits, Val};

use crate::{
    Binding, CloudEvent, EventError, MAX_ATTRIBUTE_BYTES,
    attributes::Attributes,
    data::{MediaType, read_data},
    error::excerpt,
    message::CONTENT_TYPE,
    structured::{missing_members, read_batch, read_event, read_if_event},
};

/// The limits of an event, and the function that grants memory for it.
pub struct Room<'a> {
    limits: ReadLimits,
    grant: &'a mut dyn FnMut(usize) -> bool,
}

/// The events of a message.
#[derive(Debug, Default)]
pub struct Received {
    /// The events that could be read, in order.
    pub events: Vec<CloudEvent>,
    /// The indexes of the broken events in their batch, from 0, and what is wrong with them. Always empty when the message is no batch.
    pub broken: Vec<(usize, EventError)>,
}

/// The place of a message on its channel; supplies the attributes of an event for data without attributes.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The type of the event, for which instances wait.
    pub event_type: &'a str,
    /// The source of the event, such as the topic.
    pub source: &'a str,
    /// The position of the message in the source. A redelivered message has the same position.
    pub position: &'a str,
}

impl<'a> Room<'a> {
    /// Room within limits. `grant` is asked for bytes of memory before they are allocated; `false` ends the reading with [`EventError::NoRoom`].
    pub fn new(limits: ReadLimits, grant: &'a mut dyn FnMut(usize) -> bool) -> Self {
        Self { limits, grant }
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), EventError> {
        if (self.grant)(bytes) { Ok(()) } else { Err(EventError::NoRoom) }
    }

    pub(crate) fn read_json(&mut self, text: &[u8]) -> Result<Val, ReadError> {
        Val::read_json(text, self.limits, self.grant)
    }
}

/// Reads the events of an HTTP request. Names of headers may be in any case.
///
/// # Errors
/// The request holds no event; [`EventError::status`] is the status to answer with. A batch fails as a whole only when it is no JSON
/// array, is too large, or finds no memory.
pub fn read_http<'h>(
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    body: &[u8],
    room: &mut Room<'_>,
) -> Result<Received, EventError> {
    let mut head = Head::read(Binding::Http, headers)?;
    if head.media_type().is_some_and(|media_type| media_type.is("application/cloudevents-batch+json")) {
        return read_batch(body, room);
    }
    match head.read_event(body, room)? {
        Some(event) => Ok(Received { events: vec![event], broken: Vec::new() }),
        None => Err(EventError::Missing(missing_members(body))),
    }
}

/// Reads the event of a message of a broker.
///
/// # Errors
/// The message is broken, and stays broken however often it is delivered, unless the error is [`EventError::NoRoom`].
pub fn read_message<'h>(
    binding: Binding,
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    body: &[u8],
    origin: Origin<'_>,
    room: &mut Room<'_>,
) -> Result<CloudEvent, EventError> {
    let mut head = Head::read(binding, headers)?;
    match head.read_event(body, room)? {
        Some(event) => Ok(event),
        None => plain_event(head.content_type.as_deref(), body, origin, room),
    }
}

/// Makes an event whose data is the body, even if the body looks like an event: for a channel with `kogito.messaging.as-cloudevents=false`.
///
/// # Errors
/// The body is empty or is not what its content type says; without one it must be JSON.
pub fn read_plain(
    content_type: Option<&str>,
    body: &[u8],
    origin: Origin<'_>,
    room: &mut Room<'_>,
) -> Result<CloudEvent, EventError> {
    plain_event(content_type, body, origin, room)
}

/// The first content type among the headers; one that is not UTF-8 counts as absent.
pub(crate) fn content_type<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Option<&'h str> {
    let mut headers = headers.into_iter();
    let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE))?;
    std::str::from_utf8(value).ok()
}

fn plain_event(
    content_type: Option<&str>,
    body: &[u8],
    origin: Origin<'_>,
    room: &mut Room<'_>,
) -> Result<CloudEvent, EventError> {
    // A body without a content type is more likely a broken JSON document than text.
    let assumed = content_type.unwrap_or("application/json");
    let data = read_data(Some(assumed), body, room)?.ok_or(EventError::Empty)?;
    let mut attributes = Attributes::default();
    attributes.add("specversion", "1.0")?;
    attributes.add("id", origin.position)?;
    attributes.add("source", origin.source)?;
    attributes.add("type", origin.event_type)?;
    attributes.add("datacontenttype", assumed)?;
    room.take(attributes.bytes() + size_of::<CloudEvent>())?;
    attributes.into_event(Some(data))
}

/// The headers of a message that concern events.
struct Head {
    content_type: Option<String>,
    /// The attributes. An error matters only if the event is read from them.
    attributes: Result<Attributes, EventError>,
    /// Whether any header is an attribute.
    is_binary: bool,
}

impl Head {
    fn read<'h>(
        binding: Binding,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Self, EventError> {
        let mut head = Self { content_type: None, attributes: Ok(Attributes::default()), is_binary: false };
        for (name, value) in headers {
            if name.eq_ignore_ascii_case(CONTENT_TYPE) {
                let value = std::str::from_utf8(value).map(str::trim);
                let value = value.map_err(|_| EventError::Characters(CONTENT_TYPE.to_owned()))?;
                if head.content_type.replace(value.to_owned()).is_some() {
                    return Err(EventError::Duplicate(CONTENT_TYPE.to_owned()));
                }
            }
            let prefix = binding.prefix();
            let (Some(before), Some(name)) = (name.get(..prefix.len()), name.get(prefix.len()..)) else {
                continue;
            };
            if !before.eq_ignore_ascii_case(prefix) {
                continue;
            }
            head.is_binary = true;
            if let Ok(attributes) = &mut head.attributes {
                let added = decode(binding, name, value).and_then(|value| attributes.add(name, &value));
                if let Err(error) = added {
                    head.attributes = Err(error);
                }
            }
        }
        head.content_type = head.content_type.filter(|value| !value.is_empty());
        Ok(head)
    }

    fn media_type(&self) -> Option<MediaType<'_>> {
        self.content_type.as_deref().map(MediaType::new)
    }

    /// The event of the message; `None` if the message is data without attributes.
    fn read_event(&mut self, body: &[u8], room: &mut Room<'_>) -> Result<Option<CloudEvent>, EventError> {
        let media_type = self.media_type();
        if media_type.is_some_and(|media_type| media_type.is("application/cloudevents+json")) {
            return read_event(body, room).map(Some);
        }
        if media_type.is_some_and(|media_type| media_type.begins_with("application/cloudevents")) {
            return Err(EventError::ContentType(excerpt(self.content_type.as_deref().unwrap_or_default())));
        }
        let may_be_json = media_type.is_none_or(MediaType::is_json);
        if self.is_binary {
            return self.binary_event(body, room).map(Some);
        }
        if may_be_json { read_if_event(body, room) } else { Ok(None) }
    }

    fn binary_event(&mut self, body: &[u8], room: &mut Room<'_>) -> Result<CloudEvent, EventError> {
        let mut attributes = std::mem::replace(&mut self.attributes, Ok(Attributes::default()))?;
        if let Some(content_type) = &self.content_type {
            attributes.replace("datacontenttype", content_type)?;
        }
        room.take(attributes.bytes() + size_of::<CloudEvent>())?;
        let content_type = attributes.get("datacontenttype").filter(|name| !name.is_empty());
        let data = read_data(content_type, body, room)?;
        attributes.into_event(data)
    }
}

/// The value of a header as text.
fn decode<'v>(binding: Binding, name: &str, value: &'v [u8]) -> Result<Cow<'v, str>, EventError> {
    let characters = || EventError::Characters(excerpt(name));
    // A value that is certainly too long is refused before decoding; an escape takes three bytes for one.
    if value.len() > MAX_ATTRIBUTE_BYTES * 3 {
        return Err(EventError::TooLong { name: excerpt(name), limit: MAX_ATTRIBUTE_BYTES });
    }
    if !binding.is_percent_encoded() {
        return std::str::from_utf8(value).map(Cow::Borrowed).map_err(|_| characters());
    }
    let unquoted = unquoted(value);
    let decoded = percent_decode(&unquoted).decode_utf8().map_err(|_| characters())?;
    Ok(Cow::Owned(decoded.into_owned()))
}

/// Removes the quotation marks around a value, and the backslashes before characters in it.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let inner = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let Some(inner) = inner else { return Cow::Borrowed(value) };
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    Cow::Owned(plain)
}
