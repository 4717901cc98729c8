//! Reads one object of a document, property by property.
//!
//! Owns: types, required properties, unknown properties and the accepted spellings of scalars. Promises: each problem names the place in
//! words, the property, its pointer and the expected value. [`Fields::finish`] reports the properties that no method has read as unknown.
//! `null` counts as absent.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{Reader, problems::report_wrong_type};
use crate::{Compat, Pointer, codes, model::At};

/// An object that is being read.
pub(crate) struct Fields<'v> {
    pub(super) map: &'v Map<String, Value>,
    /// The pointer to it.
    pub(crate) at: Pointer,
    /// Its place in words, for messages: ``state `A`, action `b` ``.
    pub(crate) place: String,
    /// The names of all properties that were read, whether or not the object has them.
    pub(super) known: Vec<&'static str>,
    /// The names of unknown properties that were reported.
    pub(super) reported: Vec<&'v str>,
}

impl<'v> Fields<'v> {
    /// Starts to read an object. Reports a value of another type.
    pub(crate) fn open(reader: &mut Reader, value: &'v Value, at: &Pointer, place: &str) -> Option<Self> {
        if let Value::Object(map) = value {
            return Some(Self {
                map,
                at: at.clone(),
                place: place.to_owned(),
                known: Vec::with_capacity(16),
                reported: Vec::new(),
            });
        }
        report_wrong_type(reader, place, at, "an object", value);
        None
    }

    /// The value of a property, of any type.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Whether a property is there, without reading it.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// Pointer of a property.
    pub(crate) fn pointer(&self, name: &str) -> Pointer {
        self.at.key(name)
    }

    /// A property of any type with its place.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<At<Value>> {
        self.take(name).map(|value| At { value: value.clone(), at: self.pointer(name) })
    }

    /// A property that must be text or an object: an expression, or an object with expressions.
    pub(crate) fn text_or_object(&mut self, reader: &mut Reader, name: &'static str) -> Option<At<Value>> {
        let value = self.value(name)?;
        if value.value.is_string() || value.value.is_object() {
            return Some(value);
        }
        self.mistyped(reader, name, "text or an object", &value.value);
        None
    }

    /// A text. Numbers and booleans are accepted as they are written, with a warning.
    pub(crate) fn text(&mut self, reader: &mut Reader, name: &'static str) -> Option<At<String>> {
        let value = self.take(name)?;
        let at = self.pointer(name);
        match value {
            Value::String(text) => Some(At { value: text.clone(), at }),
            Value::Number(_) | Value::Bool(_) => {
                let text = reader.source.raw(&at).map_or_else(|| value.to_string(), str::to_owned);
                let message = format!("{}: `{name}` should be text: \"{text}\"", self.place);
                reader.warning(codes::TOLERATED_FORM, &at, message);
                Some(At { value: text, at })
            }
            other => {
                self.mistyped(reader, name, "text", other);
                None
            }
        }
    }

    /// A text that must be there and must not be empty.
    pub(crate) fn required_text(&mut self, reader: &mut Reader, name: &'static str) -> Option<At<String>> {
        if !self.has(name) {
            self.known.push(name);
            self.missing(reader, name, "text");
            return None;
        }
        let text = self.text(reader, name)?;
        if text.value.is_empty() {
            self.missing(reader, name, "text that is not empty");
            return None;
        }
        Some(text)
    }

    /// A property that may be a number or text.
    pub(crate) fn number_or_text(&mut self, reader: &mut Reader, name: &'static str) -> Option<At<String>> {
        let at = self.pointer(name);
        match self.take(name)? {
            Value::String(value) => Some(At { value: value.clone(), at }),
            Value::Number(number) => Some(At { value: number.to_string(), at }),
            other => {
                self.mistyped(reader, name, "a number or text", other);
                None
            }
        }
    }

    /// A boolean; `"true"` is accepted with a warning.
    pub(crate) fn flag(&mut self, reader: &mut Reader, name: &'static str, default: bool) -> bool {
        let Some(value) = self.take(name) else { return default };
        let at = self.pointer(name);
        parse_flag(reader, value, &at, &self.place, name).unwrap_or_else(|| {
            self.mistyped(reader, name, "true or false", value);
            default
        })
    }

    /// A property that must be one of some words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        reader: &mut Reader,
        name: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(reader, name)?;
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == text.value) {
            return Some(*choice);
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let message =
            format!("{}: `{name}` is `{}`, but must be one of {}", self.place, text.value, words.join(", "));
        reader.error(codes::UNKNOWN_WORD, &text.at, message).did_you_mean(&text.value, words);
        None
    }

    /// A list with the pointers of its elements; empty when absent.
    pub(crate) fn list(&mut self, reader: &mut Reader, name: &'static str) -> Vec<(Pointer, &'v Value)> {
        let at = self.pointer(name);
        match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(list)) => {
                list.iter().enumerate().map(|(index, value)| (at.index(index), value)).collect()
            }
            Some(other) => {
                self.mistyped(reader, name, "a list", other);
                Vec::new()
            }
        }
    }

    /// A list that must be there with at least one element.
    pub(crate) fn required_list(
        &mut self,
        reader: &mut Reader,
        name: &'static str,
    ) -> Option<Vec<(Pointer, &'v Value)>> {
        if !self.has(name) {
            self.known.push(name);
            self.missing(reader, name, "a list");
            return None;
        }
        if self.map.get(name).is_some_and(|value| value.as_array().is_some_and(Vec::is_empty)) {
            self.known.push(name);
            self.missing(reader, name, "a list with at least one element");
            return None;
        }
        let list = self.list(reader, name);
        (!list.is_empty()).then_some(list)
    }

    /// A list of texts; empty when absent.
    pub(crate) fn texts(&mut self, reader: &mut Reader, name: &'static str) -> Vec<At<String>> {
        let mut texts = Vec::new();
        for (at, value) in self.list(reader, name) {
            match value {
                Value::String(text) => texts.push(At { value: text.clone(), at }),
                Value::Number(_) | Value::Bool(_) => {
                    let value = reader.source.raw(&at).map_or_else(|| value.to_string(), str::to_owned);
                    let message = format!("{}: `{name}` should hold text: \"{value}\"", self.place);
                    reader.warning(codes::TOLERATED_FORM, &at, message);
                    texts.push(At { value, at });
                }
                other => {
                    report_wrong_type(
                        reader,
                        &format!("{}: an element of `{name}`", self.place),
                        &at,
                        "text",
                        other,
                    );
                }
            }
        }
        texts
    }

    /// An object within this one.
    pub(crate) fn object(&mut self, reader: &mut Reader, name: &'static str) -> Option<Fields<'v>> {
        let value = self.take(name)?;
        let at = self.pointer(name);
        if value.is_object() {
            return Fields::open(reader, value, &at, &self.place);
        }
        self.mistyped(reader, name, "an object", value);
        None
    }

    /// An object that maps free names to values.
    pub(crate) fn map(&mut self, reader: &mut Reader, name: &'static str) -> IndexMap<String, Value> {
        match self.take(name) {
            None => IndexMap::new(),
            Some(Value::Object(map)) => map.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            Some(other) => {
                self.mistyped(reader, name, "an object", other);
                IndexMap::new()
            }
        }
    }

    /// `metadata`, as far as they have a meaning: SonataFlow gives them one, the specification does not (spec-0.8, rule 22).
    pub(crate) fn metadata(&mut self, reader: &mut Reader) -> IndexMap<String, Value> {
        let metadata = self.map(reader, "metadata");
        match reader.compat {
            Compat::SonataFlow => metadata,
            Compat::Spec => IndexMap::new(),
        }
    }

    /// The names of all properties of the object.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'v str> {
        self.map.keys().map(String::as_str)
    }

    /// The names of all properties that were read.
    pub(crate) fn known(&self) -> &[&'static str] {
        &self.known
    }
}

/// A boolean; `"true"` is accepted with a warning. `None` for anything else.
pub(crate) fn parse_flag(
    reader: &mut Reader,
    value: &Value,
    at: &Pointer,
    place: &str,
    name: &str,
) -> Option<bool> {
    let flag = match value {
        Value::Bool(flag) => return Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok()?,
        _ => return None,
    };
    reader.warning(
        codes::TOLERATED_FORM,
        at,
        format!("{place}: `{name}` should be the boolean {flag}, not text"),
    );
    Some(flag)
}
