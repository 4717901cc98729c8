//! Compensation: runs the compensating states of completed scopes (spec-0.8, "Workflow Compensation").
//!
//! One compensation runs at a time, each on the data that the one before it left.

use crate::{
    FrameId,
    frame::{Frame, Role, Wait},
    turn::{Machine, Step},
};

impl Machine<'_> {
    /// Compensates all completed scopes, the scope that completed last first. Without one the frame continues at once. Other paths end before
    /// that (spec-0.8, rule 141), except one that waits for further events at the start: no state of it has begun to do something.
    pub(crate) fn start_compensations(&mut self, id: FrameId) -> Step {
        self.end_other_paths(id);
        if self.snapshot.completed.is_empty() {
            return Step::Next;
        }
        self.set_wait(id, Wait::Compensation);
        self.start_next_compensation(id);
        Step::Jumped
    }

    fn end_other_paths(&mut self, id: FrameId) {
        // A compensation belongs to a path that waits for it.
        if self.snapshot.frame(id).is_none_or(|frame| frame.role != Role::Root) {
            return;
        }
        let is_at_start = |frame: &Frame| {
            let state = frame.scopes.first().and_then(|open| self.program.scope(open.id));
            matches!(frame.wait, Wait::Events { .. })
                && state.is_some_and(|state| state.entry == self.program.start)
        };
        let others = self
            .snapshot
            .frames
            .iter()
            .filter(|frame| frame.role == Role::Root && frame.id != id && !is_at_start(frame));
        for other in others.map(|frame| frame.id).collect::<Vec<_>>() {
            self.cancel_waits(other);
            self.drop_scopes(other, 0);
            self.snapshot.frames.retain(|frame| frame.id != other);
            self.ready.retain(|frame| *frame != other);
        }
    }

    /// Starts the compensation of the next scope; when none is left, the frame that waits continues.
    pub(crate) fn start_next_compensation(&mut self, id: FrameId) {
        let program = self.program;
        loop {
            let Some(scope) = self.snapshot.completed.pop() else {
                self.advance(id);
                return;
            };
            if let Some(pc) = program.scope(scope).and_then(|scope| scope.compensation) {
                let frame = self.snapshot.push_frame(Some(id), Role::Compensation, pc);
                self.ready.push_back(frame);
                return;
            }
        }
    }
}
