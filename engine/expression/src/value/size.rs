//! How large values are, so that what holds them can be bounded.

use super::{Val, memory};
use crate::budget::{Budget, Exceeded};

/// How much a value holds, itself included.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Size {
    /// Values. A value that stands at two places counts twice.
    pub nodes: usize,
    /// Levels of arrays and objects.
    pub depth: usize,
    /// Bytes of its JSON, roughly: a number counts 4, and what has to be escaped is not counted one by one.
    pub bytes: usize,
    /// Bytes of memory, roughly. What stands at two places counts twice.
    pub memory: usize,
}

impl Size {
    /// The size of this and one value more.
    #[must_use]
    pub fn with(self, value: &Val) -> Self {
        let one = value.size();
        Self {
            nodes: self.nodes.saturating_add(one.nodes),
            depth: self.depth.max(one.depth),
            bytes: self.bytes.saturating_add(one.bytes + 1),
            memory: self.memory.saturating_add(one.memory),
        }
    }

    /// Whether it is within the bounds of what an expression may make.
    ///
    /// # Errors
    /// Names the first bound that it exceeds.
    pub fn check(self, budget: &Budget) -> Result<(), Exceeded> {
        match () {
            () if self.nodes > budget.nodes => Err(Exceeded::Nodes(budget.nodes)),
            () if self.depth > budget.depth => Err(Exceeded::Depth(budget.depth)),
            () if self.bytes > budget.bytes => Err(Exceeded::Bytes(budget.bytes)),
            () if self.memory > budget.memory => Err(Exceeded::Memory(budget.memory)),
            () => Ok(()),
        }
    }

    /// The size of the elements together of an array that has this size.
    pub(super) fn inside(self, elements: usize) -> Self {
        Self {
            nodes: self.nodes - 1,
            depth: self.depth - 1,
            bytes: self.bytes - 2,
            memory: self.memory - memory::of_array(elements),
        }
    }

    /// The size of an array or object around values of this size together: with so many bytes of JSON and of memory by itself.
    pub(super) fn enclosed(self, bytes: usize, memory: usize) -> Self {
        Self {
            nodes: self.nodes.saturating_add(1),
            depth: self.depth.saturating_add(1),
            bytes: self.bytes.saturating_add(bytes),
            memory: self.memory.saturating_add(memory),
        }
    }
}
