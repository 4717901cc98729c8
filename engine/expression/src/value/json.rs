//! Values as JSON text and as the tree of `serde_json`.

use std::fmt::{self, Debug, Display};

use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeMap, SerializeSeq},
};
use serde_json::value::RawValue;

use super::Val;
use crate::text_builder::TextBuilder;

impl Val {
    /// Compact JSON. Infinity and `nan`, which JSON does not have, become null.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Val {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Large(large) => match large.as_u64() {
                Some(value) => serializer.serialize_u64(value),
                // A number as raw text: the serializer has no type for it.
                None => RawValue::from_string(large.digits().to_owned())
                    .map_err(S::Error::custom)?
                    .serialize(serializer),
            },
            Self::Float(value) if !value.is_finite() => serializer.serialize_unit(),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(array) => {
                let mut sequence = serializer.serialize_seq(Some(array.items.len()))?;
                for item in &*array.items {
                    sequence.serialize_element(item)?;
                }
                sequence.end()
            }
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.members.len()))?;
                for (name, value) in &*object.members {
                    map.serialize_entry(&**name, value)?;
                }
                map.end()
            }
            Self::Lookup(lookup) => lookup.value().serialize(serializer),
        }
    }
}

impl From<serde_json::Value> for Val {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(large)) => Self::from(large),
                (None, None) => Self::Float(number.as_f64().unwrap_or_default()),
            },
            serde_json::Value::String(text) => Self::Text(text.into()),
            serde_json::Value::Array(items) => {
                Self::from_items(items.into_iter().map(Self::from).collect::<Vec<_>>())
            }
            serde_json::Value::Object(members) => Self::from_members(
                members.into_iter().map(|(name, value)| (name.into(), Self::from(value))).collect(),
            ),
        }
    }
}

impl From<Val> for serde_json::Value {
    fn from(value: Val) -> Self {
        match value {
            Val::Null => Self::Null,
            Val::Bool(value) => Self::Bool(value),
            Val::Int(value) => Self::from(value),
            // The tree has no type for more.
            Val::Large(large) => large.as_u64().map_or_else(|| Self::from(large.as_f64()), Self::from),
            Val::Float(value) => Self::from(value),
            Val::Text(text) => Self::String(text.to_string()),
            Val::Array(array) => Self::Array(array.items.iter().cloned().map(Self::from).collect()),
            Val::Object(object) => {
                let members = object.members.iter();
                Self::Object(members.map(|(name, value)| (name.to_string(), value.clone().into())).collect())
            }
            Val::Lookup(lookup) => lookup.value().into(),
        }
    }
}

/// As jq prints it inside of texts and messages: compact JSON. Within an evaluation it is bounded as its texts are.
impl Display for Val {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = TextBuilder::default();
        serde_json::to_writer(&mut text, self).map_err(|_| fmt::Error)?;
        formatter.write_str(&text.into_string())
    }
}

/// A lookup shows what it is, not what it holds: that may be secret.
impl Debug for Val {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup(lookup) => Debug::fmt(lookup, formatter),
            other => Display::fmt(other, formatter),
        }
    }
}
