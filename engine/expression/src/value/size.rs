//! How large values are, so that what holds them can be bounded.

use super::Val;
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
            () => Ok(()),
        }
    }

    /// The size of an array or object around values of this size together.
    pub(super) fn enclosed(self, names: usize) -> Self {
        Self {
            nodes: self.nodes.saturating_add(1),
            depth: self.depth + 1,
            bytes: self.bytes.saturating_add(names + 2),
        }
    }
}
