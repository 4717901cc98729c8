//! The size of the values that frames retain: results of loop elements and actions, data of branches.
//!
//! Each of these values is within the limits of one value, but a loop produces many of them, and all of them stay with the instance, in memory
//! and in the database. Therefore all of them together must be within the limits of one value.
//!
//! Owns: the sum. Promises: the retained values exceed the limits by at most the values that one instruction produces. Never: walks a value;
//! values know their size.

use rondo_expression::{Size, Val};

use rondo_program::Failure;

use crate::{Snapshot, frame::Frame, turn::Machine};

impl Machine<'_> {
    /// Adds a value that a frame retains from now on.
    pub(crate) fn count_retained(&mut self, value: &Val) {
        self.retained = self.retained.with(value);
        self.retains_more = true;
    }

    /// Checks the size of all retained values. The sum does not shrink when a frame drops a value, so a sum above the limits is computed again
    /// from the snapshot. This is rare: the values added since the last computation must have filled the limits.
    pub(crate) fn check_retained(&mut self) -> Result<(), Failure> {
        if !std::mem::take(&mut self.retains_more) || self.retained.check(&self.context.budget).is_ok() {
            return Ok(());
        }
        self.retained = retained_size(&self.snapshot);
        let budget = &self.context.budget;
        self.retained.check(budget).map_err(|_| {
            Failure::runtime(format!(
                "the instance holds more than {} bytes or {} values beside its data: results of its loop elements and actions, data of \
                 its branches",
                budget.bytes, budget.nodes
            ))
        })
    }
}

/// The size of all values that the frames of a snapshot retain.
pub(crate) fn retained_size(snapshot: &Snapshot) -> Size {
    snapshot.frames.iter().flat_map(Frame::values).fold(Size::default(), Size::with)
}
