//! How much an instance holds beside its data.
//!
//! The results of a loop's elements, the data of branches, what actions see and give: all of it waits with the instance, in memory and
//! in its row. Each is within the bounds of a value when it is made, but a loop makes many of them. So all of them together have the
//! bounds of one value.
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

    /// Checks what frames hold. What they let go of is not noted, so everything is counted anew before it is called too much; as
    /// what is let go of must have been noted before, that happens rarely.
    pub(crate) fn check_held(&mut self) -> Result<(), Failure> {
        if !std::mem::take(&mut self.has_grown) || self.held.check(&self.context.budget).is_ok() {
            return Ok(());
        }
        self.held = held_by(&self.snapshot);
        self.held.check(&self.context.budget).map_err(|exceeded| {
            let held = "the results of its loop elements and actions, the data of its branches";
            Failure::runtime(format!("the instance cannot hold more ({held}): {exceeded}"))
        })
    }
}

/// The size of everything that frames hold.
pub(crate) fn held_by(snapshot: &Snapshot) -> Size {
    snapshot.frames.iter().flat_map(Frame::values).fold(Size::default(), Size::with)
}
