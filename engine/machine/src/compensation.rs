//! Compensation: runs the compensating states of completed scopes (spec-0.8, "Workflow Compensation").
//!
//! One compensation runs at a time, each on the data that the one before it left.

use crate::{
    FrameId,
    frame::{Role, Wait},
    turn::{Machine, Step},
};

impl Machine<'_> {
    /// Compensates all completed scopes, the scope that completed last first. Without one the frame continues at once.
    pub(crate) fn start_compensations(&mut self, id: FrameId) -> Step {
        if self.snapshot.completed.is_empty() {
            return Step::Next;
        }
        self.set_wait(id, Wait::Compensation);
        self.start_next_compensation(id);
        Step::Jumped
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
