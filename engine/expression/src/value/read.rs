//! Reading JSON into values, within limits.
//!
//! Promises: no tree of another kind in between; the limits, and the one who grants the memory, are asked before memory is taken; a name
//! that the members of many objects have is in memory once. Accepts what `serde_json` accepts, with the same numbers and texts.

mod visitor;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error},
};
use serde_json::value::RawValue;

use self::visitor::{Names, Seed};
use super::{Val, large::LargeNumbers, memory};
use crate::budget::Budget;

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
        reading.large = LargeNumbers::in_json(text);
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let seed = Seed { reading: &mut reading, depth: 0 };
        let read = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
        read.map_err(|error| reading.refusal.unwrap_or(ReadError::Syntax(error)))
    }

    /// Reads JSON; at most [`Val::DEEPEST`] levels deep.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        let mut reading = Reading::new(UNBOUNDED, usize::MAX, None);
        reading.large = LargeNumbers::in_json(text);
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let value = Seed { reading: &mut reading, depth: 0 }.deserialize(&mut deserializer)?;
        deserializer.end().map(|()| value)
    }

    /// Reads a value that is a member of something else in JSON, with whole numbers of any size: for `deserialize_with`.
    ///
    /// # Errors
    /// The text is no JSON, or nested deeper than [`Val::DEEPEST`] levels.
    pub fn deserialize_from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get().as_bytes()).map_err(D::Error::custom)
    }
}

/// Of text that the engine wrote itself, or that is bounded otherwise.
const UNBOUNDED: ReadLimits =
    ReadLimits { nodes: usize::MAX, depth: Val::DEEPEST, memory: usize::MAX, skips_null_elements: false };

/// A whole number of more than 64 bits is read as a float; [`Val::from_json`], [`Val::read_json`] and [`Val::deserialize_from_json`] keep it.
impl<'de> Deserialize<'de> for Val {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed { reading: &mut Reading::new(UNBOUNDED, usize::MAX, None), depth: 0 }.deserialize(deserializer)
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
    large: LargeNumbers,
    /// Elements of small arrays that are not complete, the innermost last.
    elements: Vec<Val>,
    /// Why it was ended, if not by the text.
    refusal: Option<ReadError>,
}

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
            large: LargeNumbers::default(),
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

    fn number<E: Error>(&mut self, number: Val) -> Result<Val, E> {
        self.take(number.size().memory)?;
        Ok(number)
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<Val, E> {
        self.take(memory::of_text(text.len()))?;
        Ok(Val::Text(text.into()))
    }
}
