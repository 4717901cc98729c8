//! Frames that end before they are done: those below another one, or all.

use crate::{Effect, Fact, FrameId, snapshot::Wait, turn::Machine};

impl Machine<'_> {
    /// Drops everything below a frame, or all frames: nobody waits for it any more. Its child instances are told to end, and what it
    /// stood in is left unfinished in the history.
    pub(crate) fn drop_frames(&mut self, below: Option<FrameId>) {
        // Frames stand behind those that they were forked from, so one pass in order finds all of them.
        let mut gone: Vec<FrameId> = Vec::new();
        for frame in &self.snapshot.frames {
            let is_gone = match below {
                None => true,
                Some(_) => frame.parent.is_some_and(|parent| Some(parent) == below || gone.contains(&parent)),
            };
            if !is_gone {
                continue;
            }
            gone.push(frame.id);
            if let Wait::Child { call } = frame.wait {
                self.effects.push(Effect::CancelChild(call));
            }
            self.facts.extend(frame.open_visits().map(|v| Fact::Dropped { v }));
        }
        if !gone.is_empty() {
            self.snapshot.frames.retain(|frame| gone.binary_search(&frame.id).is_err());
            self.ready.retain(|frame| gone.binary_search(frame).is_err());
        }
    }

    /// Ends all that a frame waits for: the frames below it, and its child instance. Of a call it must stay known that it was made.
    pub(crate) fn stop(&mut self, id: FrameId) {
        self.drop_frames(Some(id));
        if let Some(Wait::Child { call }) = self.snapshot.frame(id).map(|frame| &frame.wait) {
            self.effects.push(Effect::CancelChild(*call));
            self.wait(id, Wait::Ready);
        }
    }
}
