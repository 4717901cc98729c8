//! Values as JSON, in both directions, without an intermediate tree.

use std::{
    fmt::{self, Debug, Display},
    sync::Arc,
};

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};

use super::{Size, Val};
use crate::budget;

impl Val {
    /// Compact JSON. Infinity and `nan`, which JSON does not have, become null.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads JSON; at most [`Val::DEEPEST`] levels deep.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }
}

impl Serialize for Val {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Large(value) => serializer.serialize_u64(*value),
            Self::Float(value) if !value.is_finite() => serializer.serialize_unit(),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(array) => {
                let mut sequence = serializer.serialize_seq(Some(array.items.len()))?;
                for item in &array.items {
                    sequence.serialize_element(item)?;
                }
                sequence.end()
            }
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.members.len()))?;
                for (name, value) in &object.members {
                    map.serialize_entry(&**name, value)?;
                }
                map.end()
            }
            Self::Lookup(lookup) => lookup.value().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Val {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader { levels_left: Self::DEEPEST })
    }
}

/// Reads one value with the values in it.
#[derive(Clone, Copy)]
struct Reader {
    levels_left: usize,
}

impl Reader {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        let deeper = self.levels_left.checked_sub(1).map(|levels_left| Self { levels_left });
        deeper.ok_or_else(|| E::custom(format_args!("it is nested more than {} levels deep", Val::DEEPEST)))
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Val;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Val;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Val, E> {
        Ok(Val::Null)
    }

    fn visit_none<E>(self) -> Result<Val, E> {
        Ok(Val::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Val, E> {
        Ok(Val::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Val, E> {
        Ok(Val::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Val, E> {
        Ok(Val::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Val, E> {
        Ok(Val::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Val, E> {
        Ok(Val::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Val, A::Error> {
        const AT_ONCE: usize = 256;
        let (inner, mut items, mut size) = (self.inner()?, Vec::new(), Size::default());
        while let Some(item) = sequence.next_element_seed(inner)? {
            size = size.with(&item);
            items.push(item);
            // `fromjson` stops reading at the size that an expression may make.
            if items.len().is_multiple_of(AT_ONCE) {
                budget::check_value(size);
            }
        }
        Ok(Val::of_size(items, size))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Val, A::Error> {
        let (inner, mut members) = (self.inner()?, IndexMap::new());
        while let Some(name) = map.next_key::<Arc<str>>()? {
            members.insert(name, map.next_value_seed(inner)?);
        }
        Ok(Val::from_members(members))
    }
}

impl From<u64> for Val {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Large(value), Self::Int)
    }
}

impl From<serde_json::Value> for Val {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(large)) => Self::Large(large),
                (None, None) => Self::Float(number.as_f64().unwrap_or_default()),
            },
            serde_json::Value::String(text) => Self::Text(text.into()),
            serde_json::Value::Array(items) => Self::from_items(items.into_iter().map(Self::from).collect()),
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
            Val::Large(value) => Self::from(value),
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

/// As jq prints it inside of texts and messages: compact JSON.
impl Display for Val {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_json())
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
