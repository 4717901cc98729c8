//! Reading JSON into values, within limits.
//!
//! Promises: no tree of another kind in between; the limits, and the one who grants the memory, are asked before memory is taken; a name
//! that the members of many objects have is in memory once. Accepts what `serde_json` accepts, with the same numbers and texts.

use std::{fmt, sync::Arc};

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use super::{Size, Val, memory};
use crate::budget::{self, Budget};

/// Limits of a value that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Values, nested ones included.
    pub nodes: usize,
    /// Levels of arrays and objects. Above 120 the parser refuses first.
    pub depth: usize,
    /// Bytes of memory that the value may take.
    pub memory: usize,
    /// Whether the nulls of lists are left out, as [`Val::without_null_elements`] does to a value that is there already.
    pub skips_null_elements: bool,
}

/// Those of what an expression may make, and [`Val::DEEPEST`] levels.
impl Default for ReadLimits {
    fn default() -> Self {
        let Budget { nodes, memory, .. } = Budget::default();
        Self { nodes, depth: Val::DEEPEST, memory, skips_null_elements: false }
    }
}

/// A text could not be read as a value.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON.
    #[error(transparent)]
    Syntax(serde_json::Error),
    /// It has more values than the limit.
    #[error("it has more than {0} values")]
    Nodes(usize),
    /// It is nested deeper than the limit.
    #[error("it is nested more than {0} levels deep")]
    Depth(usize),
    /// Its values take more bytes of memory than the limit.
    #[error("its values take more than {0} bytes of memory")]
    Memory(usize),
    /// The memory was not granted. The same text may be read at another time.
    #[error("there is no memory for it now")]
    NoRoom,
}

impl Val {
    /// Reads JSON within limits.
    ///
    /// `grant` is asked for bytes of memory before they are taken, in pieces of at most 64 KiB or what one array or text takes; what it
    /// has granted altogether is at least [`Val::memory`] of the value. False ends the reading.
    ///
    /// # Errors
    /// The text is no JSON, exceeds a limit, or is refused the memory. What was read of it is free again.
    pub fn read_json(
        text: &[u8],
        limits: ReadLimits,
        grant: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Self, ReadError> {
        let mut reading = Reading::new(limits, text.len(), Some(grant));
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let seed = Seed { reading: &mut reading, depth: 0 };
        let read = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
        read.map_err(|error| reading.refusal.unwrap_or(ReadError::Syntax(error)))
    }

    /// Reads JSON; at most [`Val::DEEPEST`] levels deep.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }
}

impl<'de> Deserialize<'de> for Val {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limits = ReadLimits { nodes: usize::MAX, memory: usize::MAX, ..ReadLimits::default() };
        Seed { reading: &mut Reading::new(limits, usize::MAX, None), depth: 0 }.deserialize(deserializer)
    }
}

/// The state of reading one text.
struct Reading<'a> {
    limits: ReadLimits,
    nodes: usize,
    memory: usize,
    granted: usize,
    /// The least that is asked for at once.
    piece: usize,
    grant: Option<&'a mut dyn FnMut(usize) -> bool>,
    names: Names,
    /// Elements of small arrays that are not complete, the innermost last.
    elements: Vec<Val>,
    /// Why it was ended, if not by the text.
    refusal: Option<ReadError>,
}

/// Up to this many elements are collected aside before their array is made, so that a small array takes no more than it needs.
const SMALL: usize = 32;

impl<'a> Reading<'a> {
    fn new(limits: ReadLimits, length: usize, grant: Option<&'a mut dyn FnMut(usize) -> bool>) -> Self {
        // A short text asks for little, a long one not for every value.
        let piece = length.clamp(64, 64 * 1024);
        Self {
            limits,
            nodes: 0,
            memory: 0,
            granted: 0,
            piece,
            grant,
            names: Names::default(),
            elements: Vec::new(),
            refusal: None,
        }
    }

    fn refuse<E: Error>(&mut self, refusal: ReadError) -> E {
        let error = E::custom(&refusal);
        self.refusal = Some(refusal);
        error
    }

    /// Counts bytes that are going to be taken.
    fn take<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory > self.limits.memory {
            return Err(self.refuse(ReadError::Memory(self.limits.memory)));
        }
        if self.memory > self.granted
            && let Some(grant) = &mut self.grant
        {
            let more = (self.memory - self.granted).max(self.piece);
            if !grant(more) {
                return Err(self.refuse(ReadError::NoRoom));
            }
            self.granted += more;
        }
        Ok(())
    }

    fn count<E: Error>(&mut self) -> Result<(), E> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(self.refuse(ReadError::Nodes(self.limits.nodes)));
        }
        Ok(())
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<Val, E> {
        self.take(memory::of_text(text.len()))?;
        Ok(Val::Text(text.into()))
    }
}

/// Reads one value with the values in it.
struct Seed<'r, 'a> {
    reading: &'r mut Reading<'a>,
    /// How many arrays and objects are around it.
    depth: usize,
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

    fn visit_u64<E>(self, value: u64) -> Result<Val, E> {
        Ok(Val::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Val, E> {
        Ok(Val::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Val, E> {
        self.reading.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Val, A::Error> {
        const AT_ONCE: usize = 256;
        let (reading, depth) = self.inner()?;
        reading.take(memory::OF_ARRAY)?;
        let (first, mut items, mut size) = (reading.elements.len(), Vec::new(), Size::default());
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
                items.reserve_exact(more);
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
            items.reserve_exact(small);
            items.extend(reading.elements.drain(first..));
        }
        Ok(Val::of_size(items, size))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Val, A::Error> {
        let (reading, depth) = self.inner()?;
        reading.take(memory::OF_OBJECT)?;
        let mut members = IndexMap::new();
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
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Arc<str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_, '_> {
    type Value = Arc<str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Arc<str>, E> {
        // The memory of a value counts a name at each object, shared or not.
        self.0.take(memory::of_text(name.len()))?;
        let place = Names::place(name);
        if let Some(known) = self.0.names.0.get(place).filter(|known| ***known == *name) {
            return Ok(Arc::clone(known));
        }
        let name: Arc<str> = name.into();
        self.0.names.keep(place, &name);
        Ok(name)
    }
}

/// Names that were read, each at a place that its letters determine; a later one takes the place of an earlier one.
#[derive(Default)]
struct Names(Vec<Arc<str>>);

impl Names {
    const PLACES: usize = 64;

    fn place(name: &str) -> usize {
        let bytes = name.as_bytes();
        let letters = bytes.iter().take(4).chain(bytes.iter().rev().take(4));
        letters.fold(bytes.len(), |hash, letter| hash.wrapping_mul(31) ^ usize::from(*letter)) % Self::PLACES
    }

    fn keep(&mut self, place: usize, name: &Arc<str>) {
        // The first names are those of the object around everything, which come once.
        if self.0.is_empty() {
            self.0.resize(Self::PLACES, Arc::clone(name));
        }
        if let Some(known) = self.0.get_mut(place) {
            *known = Arc::clone(name);
        }
    }
}
