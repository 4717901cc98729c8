//! Addresses with parameters: `orders-{customer}`.
//!
//! Promises: a value stays within the part of the address in which its parameter stands; `Display` and `Debug` hide passwords.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rondo_definition::without_userinfo;

use crate::CloudEvent;

/// The name of a topic or subject, or a URL, in which `{attribute}` stands for an attribute of the event.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The name of an attribute, in lower case.
    Attribute(String),
}

/// The event does not give a usable address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// The event does not have the attribute.
    #[error("its address has the parameter `{{{0}}}`, and the event has no attribute `{0}`")]
    Missing(String),
    /// The value cannot be part of such an address.
    #[error("the value of the attribute `{0}` cannot be part of the {1}")]
    Unfit(String, &'static str),
}

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl AddressTemplate {
    /// Reads an address.
    ///
    /// # Errors
    /// The text names the parameter that is not the name of an attribute.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, from)) = rest.split_once('{') {
            let Some((name, behind)) = from.split_once('}') else {
                return Err("has a `{` without `}`".to_owned());
            };
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(format!(
                    "has the parameter `{{{name}}}`, which is not the name of an attribute: letters and digits only"
                ));
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Attribute(name.to_ascii_lowercase()));
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self { parts })
    }

    /// The URL for an event; values are percent-encoded.
    pub fn url(&self, event: &CloudEvent) -> Result<String, ExpandError> {
        self.expand(event, |name, value| {
            // URL parsers resolve such segments, even when they are percent-encoded.
            if matches!(value, "" | "." | "..") {
                return Err(ExpandError::Unfit(name.to_owned(), "URL"));
            }
            Ok(utf8_percent_encode(value, RESERVED).to_string())
        })
    }

    /// The name of a Kafka topic for an event.
    pub fn topic(&self, event: &CloudEvent) -> Result<String, ExpandError> {
        self.expand(event, |name, value| {
            let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            if value.is_empty() || !value.bytes().all(is_fit) {
                return Err(ExpandError::Unfit(
                    name.to_owned(),
                    "name of a topic: letters, digits, `.`, `_` and `-`",
                ));
            }
            Ok(value.to_owned())
        })
    }

    /// The subject of NATS for an event. A value is one token of it.
    pub fn subject(&self, event: &CloudEvent) -> Result<String, ExpandError> {
        self.expand(event, |name, value| {
            let is_unfit = |c: char| c.is_whitespace() || matches!(c, '.' | '*' | '>');
            if value.is_empty() || value.contains(is_unfit) {
                return Err(ExpandError::Unfit(name.to_owned(), "subject: no blanks, `.`, `*` and `>`"));
            }
            Ok(value.to_owned())
        })
    }

    /// The address with `x` for every parameter, to check its form.
    pub(crate) fn sample(&self) -> String {
        self.parts.iter().map(|part| if let Part::Text(text) = part { text } else { "x" }).collect()
    }

    fn expand(
        &self,
        event: &CloudEvent,
        encode: impl Fn(&str, &str) -> Result<String, ExpandError>,
    ) -> Result<String, ExpandError> {
        let mut address = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => address.push_str(text),
                Part::Attribute(name) => {
                    let value = event.attribute(name).ok_or_else(|| ExpandError::Missing(name.clone()))?;
                    address.push_str(&encode(name, value)?);
                }
            }
        }
        Ok(address)
    }
}

impl fmt::Display for AddressTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Attribute(name) => format!("{{{name}}}"),
        });
        let text: String = parts.collect();
        formatter.write_str(&without_userinfo(&text))
    }
}

impl fmt::Debug for AddressTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{self}`")
    }
}
