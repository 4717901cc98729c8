//! The attributes of an event while they are collected from headers or members.
//!
//! Owns: the rules for names and values. Promises: attributes of a hostile sender take a bounded amount of memory, because number and length are
//! checked before anything is stored. Source: CloudEvents 1.0.2, "Context Attributes".

use std::collections::BTreeMap;

use rondo_expression::Val;

use crate::{CloudEvent, EventError, error::excerpt};

/// Most extension attributes of an event. The specification has no limit; known events have fewer than 20, and every service that gets the event
/// must accept each as a header.
pub const MAX_EXTENSIONS: usize = 64;

/// Most bytes of the name or the value of an attribute. Brokers and proxies commonly allow 8 KiB for all headers of a message.
pub const MAX_ATTRIBUTE_BYTES: usize = 4096;

/// The attributes that the specification defines.
pub(crate) const DEFINED: [&str; 8] =
    ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];

/// Attributes by name.
#[derive(Debug, Default)]
pub(crate) struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// Adds an attribute, under its name in lower case.
    pub(crate) fn add(&mut self, name: &str, value: &str) -> Result<(), EventError> {
        let name = attribute_name(name)?;
        check_value(&name, value)?;
        if self.0.len() >= DEFINED.len() + MAX_EXTENSIONS {
            return Err(EventError::TooManyExtensions(MAX_EXTENSIONS));
        }
        if self.0.contains_key(&name) {
            return Err(EventError::Duplicate(name));
        }
        self.0.insert(name, value.to_owned());
        Ok(())
    }

    /// Sets an attribute, and replaces the value that it may have.
    pub(crate) fn replace(&mut self, name: &str, value: &str) -> Result<(), EventError> {
        self.0.remove(name);
        self.add(name, value)
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Bytes of all names and values.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Makes the event from these attributes and its data.
    pub(crate) fn into_event(mut self, data: Option<Val>) -> Result<CloudEvent, EventError> {
        // An empty value of a defined attribute counts as absent, except for `source`, which SonataFlow's users leave empty.
        let mut take = |name: &str| self.0.remove(name).filter(|value| !value.is_empty());
        let (version, id, event_type) = (take("specversion"), take("id"), take("type"));
        let (Some(version), Some(id), Some(event_type)) = (&version, &id, &event_type) else {
            let required = [("specversion", &version), ("id", &id), ("type", &event_type)];
            let missing = required.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name);
            return Err(EventError::Missing(missing.collect()));
        };
        if version != "1.0" {
            return Err(EventError::Version(excerpt(version)));
        }
        let mut event = CloudEvent::new(id, take("source").unwrap_or_default(), event_type);
        event.subject = take("subject");
        event.time = take("time");
        event.datacontenttype = take("datacontenttype");
        event.dataschema = take("dataschema");
        if let Some(time) = &event.time
            && time.parse::<jiff::Timestamp>().is_err()
        {
            return Err(EventError::Time(excerpt(time)));
        }
        if self.0.len() > MAX_EXTENSIONS {
            return Err(EventError::TooManyExtensions(MAX_EXTENSIONS));
        }
        event.extensions = self.0;
        event.data = data;
        Ok(event)
    }
}

/// The name of an attribute in lower case.
pub(crate) fn attribute_name(name: &str) -> Result<String, EventError> {
    if name.len() > MAX_ATTRIBUTE_BYTES {
        return Err(EventError::TooLong { name: excerpt(name), limit: MAX_ATTRIBUTE_BYTES });
    }
    let is_valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_valid || name.eq_ignore_ascii_case("data") {
        return Err(EventError::Name(excerpt(name)));
    }
    Ok(name.to_ascii_lowercase())
}

/// Refuses a value that is too long or has control characters.
pub(crate) fn check_value(name: &str, value: &str) -> Result<(), EventError> {
    if value.len() > MAX_ATTRIBUTE_BYTES {
        return Err(EventError::TooLong { name: excerpt(name), limit: MAX_ATTRIBUTE_BYTES });
    }
    if value.chars().any(is_forbidden) {
        return Err(EventError::Characters(excerpt(name)));
    }
    Ok(())
}

/// Whether the specification forbids a character: control characters and the code points that Unicode calls noncharacters.
fn is_forbidden(character: char) -> bool {
    let code = u32::from(character);
    character.is_control() || (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}
