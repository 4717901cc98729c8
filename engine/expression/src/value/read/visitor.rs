//! The parser's values, one by one, made values of the engine.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use super::{
    super::{Items, MemberMap, Size, Text, Val, memory},
    ReadError, Reading,
};
use crate::budget;

/// Up to this many elements are collected aside before their array is made, so that a small array takes no more than it needs.
const SMALL: usize = 32;

/// Reads one value with the values in it.
pub(super) struct Seed<'r, 'a> {
    pub(super) reading: &'r mut Reading<'a>,
    /// How many arrays and objects are around it.
    pub(super) depth: usize,
}

impl<'r, 'a> Seed<'r, 'a> {
    /// Enters an array or object.
    fn inner<E: Error>(self) -> Result<(&'r mut Reading<'a>, usize), E> {
        if self.depth >= self.reading.limits.depth {
            let deepest = self.reading.limits.depth;
            return Err(self.reading.refuse(ReadError::Depth(deepest)));
        }
        Ok((self.reading, self.depth + 1))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Val;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val, D::Error> {
        self.reading.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
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

    fn visit_u64<E: Error>(self, value: u64) -> Result<Val, E> {
        self.reading.number(Val::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Val, E> {
        let value = self.reading.large.next(value);
        self.reading.number(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Val, E> {
        self.reading.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Val, A::Error> {
        const AT_ONCE: usize = 256;
        let (reading, depth) = self.inner()?;
        reading.take(memory::OF_ARRAY)?;
        let (first, mut items, mut size) = (reading.elements.len(), Items::default(), Size::default());
        while let Some(item) = sequence.next_element_seed(Seed { reading: &mut *reading, depth })? {
            if item.is_null() && reading.limits.skips_null_elements {
                continue;
            }
            size = size.with(&item);
            if items.capacity() == 0 && reading.elements.len() - first < SMALL {
                reading.elements.push(item);
                continue;
            }
            if items.len() == items.capacity() {
                let more = (items.capacity() / 2).max(2 * SMALL);
                reading.take(memory::of_elements(more))?;
                items.grow_to(items.capacity() + more);
                items.extend(reading.elements.drain(first..));
            }
            items.push(item);
            // `fromjson` stops reading at the size that an expression may make.
            if items.len().is_multiple_of(AT_ONCE) {
                budget::check_value(size);
            }
        }
        if items.capacity() == 0 {
            let small = reading.elements.len() - first;
            reading.take(memory::of_elements(small))?;
            items = Items::with_capacity(small);
            items.extend(reading.elements.drain(first..));
        }
        Ok(Val::of_size(items, size))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Val, A::Error> {
        let (reading, depth) = self.inner()?;
        reading.take(memory::OF_OBJECT)?;
        let mut members = MemberMap::default();
        while let Some(name) = map.next_key_seed(NameSeed(&mut *reading))? {
            let room = members.capacity();
            if members.len() == room {
                reading.take(memory::of_members(room + 1) - memory::of_members(room))?;
                members.reserve(1);
            }
            members.insert(name, map.next_value_seed(Seed { reading: &mut *reading, depth })?);
        }
        Ok(Val::from_members(members))
    }
}

/// Reads the name of a member.
struct NameSeed<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for NameSeed<'_, '_> {
    type Value = Text;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_, '_> {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Text, E> {
        // The memory of a value counts a name at each object, shared or not.
        self.0.take(memory::of_text(name.len()))?;
        let place = Names::place(name);
        if let Some(known) = self.0.names.0.get(place).filter(|known| ***known == *name) {
            return Ok(known.clone());
        }
        let name: Text = name.into();
        self.0.names.keep(place, &name);
        Ok(name)
    }
}

/// Names that were read, each at a place that its letters determine; a later one takes the place of an earlier one.
#[derive(Default)]
pub(super) struct Names(Vec<Text>);

impl Names {
    const PLACES: usize = 64;

    fn place(name: &str) -> usize {
        let bytes = name.as_bytes();
        let letters = bytes.iter().take(4).chain(bytes.iter().rev().take(4));
        letters.fold(bytes.len(), |hash, letter| hash.wrapping_mul(31) ^ usize::from(*letter)) % Self::PLACES
    }

    fn keep(&mut self, place: usize, name: &Text) {
        // The first names are those of the object around everything, which come once.
        if self.0.is_empty() {
            self.0.resize(Self::PLACES, name.clone());
        }
        if let Some(known) = self.0.get_mut(place) {
            *known = name.clone();
        }
    }
}
