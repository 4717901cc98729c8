//! An event, as CloudEvents 1.0 defines it.
//!
//! Owns: [`CloudEvent`] and its JSON form. Promises: names of extensions are valid and differ from those of defined attributes.

use std::collections::BTreeMap;

use rondo_expression::Val;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    EventError,
    attributes::{self, DEFINED},
};

/// An event.
///
/// Serializes to the JSON format of the specification.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CloudEvent {
    /// Identifies the event among those of its source. Not empty.
    pub id: String,
    /// Who sent it, a URI reference. May be empty, as on `SonataFlow`.
    pub source: String,
    /// `type`: what has happened. Not empty.
    pub event_type: String,
    /// The subject of the event within its source.
    pub subject: Option<String>,
    /// When it happened, in the format of RFC 3339.
    pub time: Option<String>,
    /// Media type of the data; without one the data are JSON.
    pub datacontenttype: Option<String>,
    /// The schema of the data, a URI.
    pub dataschema: Option<String>,
    /// The other attributes by name.
    pub(crate) extensions: BTreeMap<String, String>,
    /// The data: JSON as its value, text as a string, anything else as a string in base64. `Some(Val::Null)` is the JSON value `null`; `None`
    /// means no data.
    pub data: Option<Val>,
}

impl CloudEvent {
    /// An event without further attributes and data.
    pub fn new(id: impl Into<String>, source: impl Into<String>, event_type: impl Into<String>) -> Self {
        Self { id: id.into(), source: source.into(), event_type: event_type.into(), ..Self::default() }
    }

    /// The extension attributes by name, sorted.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extensions.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets an extension attribute, under its name in lower case. Replaces its value if it has one.
    ///
    /// # Errors
    /// The name is not made of letters and digits or is that of a defined attribute, the value has control characters, either is too
    /// long, or there are too many.
    pub fn set_extension(&mut self, name: &str, value: impl Into<String>) -> Result<(), EventError> {
        let (name, value) = (attributes::attribute_name(name)?, value.into());
        attributes::check_value(&name, &value)?;
        if DEFINED.contains(&name.as_str()) {
            return Err(EventError::Duplicate(name));
        }
        if !self.extensions.contains_key(&name) && self.extensions.len() >= attributes::MAX_EXTENSIONS {
            return Err(EventError::TooManyExtensions(attributes::MAX_EXTENSIONS));
        }
        self.extensions.insert(name, value);
        Ok(())
    }

    /// The value of any attribute, defined or extension, by its name in lower case.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        match name {
            "specversion" => Some("1.0"),
            "id" => Some(&self.id),
            "source" => Some(&self.source),
            "type" => Some(&self.event_type),
            "subject" => self.subject.as_deref(),
            "time" => self.time.as_deref(),
            "datacontenttype" => self.datacontenttype.as_deref(),
            "dataschema" => self.dataschema.as_deref(),
            name => self.extensions.get(name).map(String::as_str),
        }
    }

    /// All attributes as names and values, the defined ones first.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let defined = DEFINED.iter().filter_map(|name| Some((*name, self.attribute(name)?)));
        defined.chain(self.extensions())
    }

    /// The whole event as expressions see it with `dataOnly: false`: an object of its attributes and `data`.
    pub fn to_value(&self) -> Val {
        let attributes = self.attributes().map(|(name, value)| (name, Val::text(value)));
        Val::object(attributes.chain(self.data.clone().map(|data| ("data", data))))
    }

    /// The JSON format of the specification, compact.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Bytes of memory that the event takes, roughly.
    pub fn memory(&self) -> usize {
        let attributes: usize = self.attributes().map(|(name, value)| name.len() + value.len()).sum();
        size_of::<Self>() + attributes + self.data.as_ref().map_or(0, Val::memory)
    }
}

impl Serialize for CloudEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.attributes() {
            map.serialize_entry(name, value)?;
        }
        if let Some(data) = &self.data {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}
