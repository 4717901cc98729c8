//! Reports the problems of one object: missing, mistyped and unknown properties.

use serde_json::Value;

use super::{Fields, Reader};
use crate::{Pointer, codes};

impl<'v> Fields<'v> {
    /// Reports that a required property is missing.
    pub(crate) fn missing(&self, reader: &mut Reader, name: &str, expected: &str) {
        let message = format!(
            "{}: `{name}` is missing; it must be {expected} (at {})",
            self.place,
            self.at.to_message_text()
        );
        reader.error(codes::MISSING, &self.at, message);
    }

    /// Reports a property of the wrong type.
    pub(crate) fn mistyped(&self, reader: &mut Reader, name: &str, expected: &str, found: &Value) {
        report_wrong_type(reader, &format!("{}: `{name}`", self.place), &self.at.key(name), expected, found);
    }

    /// Reports unknown properties: those that were not read.
    pub(crate) fn finish(self, reader: &mut Reader) {
        for (at, name, message) in self.unknown_properties() {
            let known = self.known.iter().copied();
            reader.error(codes::UNKNOWN_PROPERTY, &at, message).on_key().did_you_mean(name, known);
        }
    }

    /// Reports unknown properties as deviations, for objects whose unknown properties `SonataFlow` ignores.
    pub(crate) fn finish_leniently(self, reader: &mut Reader) {
        for (at, name, message) in self.unknown_properties() {
            let known = self.known.iter().copied();
            reader.deviation(codes::REFERENCE_PROPERTY, &at, message).on_key().did_you_mean(name, known);
        }
    }

    fn unknown_properties(&self) -> impl Iterator<Item = (Pointer, &'v str, String)> {
        self.names().filter(|name| !self.known.contains(name)).map(|name| {
            let at = self.pointer(name);
            let message = format!("{}: there is no property `{name}` here (at {at})", self.place);
            (at, name, message)
        })
    }
}

/// Reports a value of the wrong type. `what` names the value.
pub(crate) fn report_wrong_type(
    reader: &mut Reader,
    what: &str,
    at: &Pointer,
    expected: &str,
    found: &Value,
) {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    reader.error(
        codes::WRONG_TYPE,
        at,
        format!("{what} must be {expected}, not {found} (at {})", at.to_message_text()),
    );
}
