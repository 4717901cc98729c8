//! Reports the problems of one object: missing, mistyped and unknown properties.

use serde_json::Value;

use super::{Fields, PendingDiagnostic, Reader, earlier_names::todays_name};
use crate::{Pointer, codes};

impl<'v> Fields<'v> {
    /// Reports that a required property is missing. If the object has it under another name, only that is reported.
    pub(crate) fn missing(&mut self, reader: &mut Reader, name: &str, expected: &str) {
        if let Some(other) = self.other_name(name) {
            self.report_unknown(reader, other, &[name]);
            self.reported.push(other);
            return;
        }
        let message = format!("{}: `{name}` is missing; it must be {expected}", self.place);
        reader.error(codes::MISSING, &self.at, message);
    }

    /// Whether the object has a property under another name: misspelt, or as earlier specifications have it. [`finish`](Self::finish) reports
    /// it, so its absence is not a problem of its own.
    pub(crate) fn has_other_name(&self, name: &str) -> bool {
        self.other_name(name).is_some()
    }

    /// The property that the object probably has in place of one that it does not have.
    pub(crate) fn other_name(&self, name: &str) -> Option<&'v str> {
        if self.has(name) {
            return None;
        }
        let mut unknown = self.names().filter(|given| *given != name && !self.known.contains(given));
        unknown.find(|given| {
            todays_name(given, &[name]).is_some() || crate::did_you_mean(given, [name]).is_some()
        })
    }

    fn report_unknown(&self, reader: &mut Reader, name: &str, known: &[&str]) {
        let message = format!("{}: there is no property `{name}` here", self.place);
        let problem = reader.error(codes::UNKNOWN_PROPERTY, &self.pointer(name), message).on_key();
        suggest(problem, name, known);
    }

    /// Reports a property of the wrong type.
    pub(crate) fn mistyped(&self, reader: &mut Reader, name: &str, expected: &str, found: &Value) {
        report_wrong_type(reader, &format!("{}: `{name}`", self.place), &self.at.key(name), expected, found);
    }

    /// Reports unknown properties: those that were not read.
    pub(crate) fn finish(self, reader: &mut Reader) {
        for name in self.unknown_properties() {
            self.report_unknown(reader, name, &self.known);
        }
    }

    /// Reports unknown properties as deviations, for objects whose unknown properties `SonataFlow` ignores.
    pub(crate) fn finish_leniently(self, reader: &mut Reader) {
        for name in self.unknown_properties() {
            let message = format!("{}: there is no property `{name}` here", self.place);
            let problem = reader.deviation(codes::REFERENCE_PROPERTY, &self.pointer(name), message).on_key();
            suggest(problem, name, &self.known);
        }
    }

    /// The names of the properties that were neither read nor reported.
    fn unknown_properties(&self) -> impl Iterator<Item = &'v str> {
        self.names().filter(|name| !self.known.contains(name) && !self.reported.contains(name))
    }
}

/// Suggests the name that an unknown property has today, or else a similar one.
pub(crate) fn suggest(problem: PendingDiagnostic<'_>, name: &str, known: &[&str]) {
    match todays_name(name, known) {
        Some(today) => {
            problem.help(format!(
                "did you mean `{today}`? `{name}` is its name in another version of the specification"
            ));
        }
        None => problem.did_you_mean(name, known.iter().copied()),
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
    reader.error(codes::WRONG_TYPE, at, format!("{what} must be {expected}, not {found}"));
}
