//! What must hold of a stored snapshot, whatever program it is read with, before the machine may go on from it.
//!
//! A damaged row that is still JSON can name a frame as its own parent, or count up to where counting ends. The machine follows parents and
//! counts on, so the first would hold a thread for ever and the second would give one number twice.
//!
//! Owns: the rules that the machine keeps by itself while it runs. Never: asks whether the snapshot belongs to the program; positions that
//! the program does not have are [lost](Snapshot::lost_position), not damage.

use crate::{
    Snapshot,
    frame::{Frame, Role},
};

/// Levels of frames. A document of today's dialect nests three: the root, a compensation, and a branch or an element in it.
const DEEPEST: usize = 64;

/// The largest number that a counter can have reached: half of what it can count to, which takes centuries.
const HIGHEST_FRAME: u32 = u32::MAX / 2;
const HIGHEST: u64 = u64::MAX / 2;

impl Snapshot {
    /// What is wrong with it, for people; `None` when the machine can go on from it.
    pub(crate) fn unsoundness(&self) -> Option<&'static str> {
        let counters = [self.next_call, self.next_visit, self.next_event];
        if counters.iter().any(|counter| *counter > HIGHEST) || self.next_frame > HIGHEST_FRAME {
            return Some("a number in it is higher than any instance can count");
        }
        // Frames stand in the order in which they began, each behind the one that it belongs to.
        let mut depths: Vec<(u32, usize)> = Vec::with_capacity(self.frames.len());
        for frame in &self.frames {
            if frame.id >= self.next_frame || depths.last().is_some_and(|(before, _)| *before >= frame.id) {
                return Some("its frames are not in the order of their numbers");
            }
            let Some(depth) = depth_of(frame, &depths) else {
                return Some("one of its frames does not belong where it says");
            };
            if depth > DEEPEST {
                return Some("its frames are nested too deeply");
            }
            depths.push((frame.id, depth));
        }
        None
    }
}

/// How many frames stand above one; `None` when what it is to its parent is not possible, or the parent is not among those before it.
fn depth_of(frame: &Frame, before: &[(u32, usize)]) -> Option<usize> {
    match (frame.parent, frame.role) {
        (None, Role::Root | Role::Detached) => Some(0),
        (None, _) | (Some(_), Role::Root | Role::Detached) => None,
        (Some(parent), _) => {
            let place = before.binary_search_by_key(&parent, |(id, _)| *id).ok()?;
            before.get(place).map(|(_, depth)| depth + 1)
        }
    }
}
