//! How much an instance holds beside its data: results of a loop's elements and of actions, data of branches.
//!
//! Each of these values is within the bounds of a value, but a loop makes many of them, and all of them wait with the instance, in memory
//! and in its rows. So all of them together have the bounds of one value.
//!
//! Owns: the count. Promises: what is held exceeds the bounds by what one instruction makes at most. Never: looks into values, which
//! know their size.

use rondo_expression::{Size, Val};

use rondo_program::Failure;

use crate::{Snapshot, snapshot::Frame, turn::Machine};

impl Machine<'_> {
    /// Notes that a frame holds one more value.
    pub(crate) fn hold(&mut self, value: &Val) {
        self.held = self.held.with(value);
        self.has_grown = true;
    }

    /// Checks what frames hold. The count does not shrink when a frame lets go of a value, so a count above the bounds is taken anew.
    /// That happens at most once for each time that the bounds are filled.
    pub(crate) fn check_held(&mut self) -> Result<(), Failure> {
        if !std::mem::take(&mut self.has_grown) || self.held.check(&self.context.budget).is_ok() {
            return Ok(());
        }
        self.held = held_by(&self.snapshot);
        let budget = &self.context.budget;
        self.held.check(budget).map_err(|_| {
            Failure::runtime(format!(
                "the instance holds more than {} bytes or {} values beside its data: results of its loop elements and actions, data of \
                 its branches",
                budget.bytes, budget.nodes
            ))
        })
    }
}

/// The size of everything that frames hold.
pub(crate) fn held_by(snapshot: &Snapshot) -> Size {
    snapshot.frames.iter().flat_map(Frame::values).fold(Size::default(), Size::with)
}
