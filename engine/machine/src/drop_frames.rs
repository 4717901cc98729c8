//! Drops frames before they have ended: the frames below another frame, or all frames.

use crate::{Effect, Fact, FrameId, frame::Wait, turn::Machine};

impl Machine<'_> {
    /// Drops the frames below a frame; if there is none, all but those of actions that nobody waits for. Cancels the child instances that the dropped frames wait for, and marks
    /// their open states and actions as dropped in the history.
    pub(crate) fn drop_frames(&mut self, below: Option<FrameId>) {
        // A frame is behind its parent in the list, so one pass finds all descendants.
        let mut dropped: Vec<FrameId> = Vec::new();
        for frame in &self.snapshot.frames {
            let is_below = match below {
                None => !frame.is_detached(),
                Some(_) => {
                    frame.parent.is_some_and(|parent| Some(parent) == below || dropped.contains(&parent))
                }
            };
            if !is_below {
                continue;
            }
            dropped.push(frame.id);
            if let Wait::Child { call, .. } = frame.wait {
                self.effects.push(Effect::CancelChild(call));
            }
            self.facts.extend(frame.open_visits().map(|visit| Fact::Dropped { visit }));
        }
        if !dropped.is_empty() {
            self.snapshot.frames.retain(|frame| dropped.binary_search(&frame.id).is_err());
            self.ready.retain(|frame| dropped.binary_search(frame).is_err());
        }
    }

    /// Cancels what a frame waits for: the frames below it, and its child instance. A call stays as it is, because the frame must still know
    /// whether the call is in doubt.
    pub(crate) fn cancel_waits(&mut self, id: FrameId) {
        self.drop_frames(Some(id));
        if self.cancel_child(id) {
            self.set_wait(id, Wait::Ready);
        }
    }

    /// Cancels the child instance that a frame waits for. Returns whether there is one.
    pub(crate) fn cancel_child(&mut self, id: FrameId) -> bool {
        let Some(Wait::Child { call, .. }) = self.snapshot.frame(id).map(|frame| &frame.wait) else {
            return false;
        };
        self.effects.push(Effect::CancelChild(*call));
        true
    }
}
