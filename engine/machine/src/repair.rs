//! An instance that stands at an error, and how somebody lets it go on.

use rondo_program::Instruction;

use crate::{Fact, Failed, Failure, FrameId, Status, snapshot::Wait, turn::Machine};

impl Machine<'_> {
    /// Makes the instance stand still where it is. A retrigger lets it go on from there.
    pub(crate) fn halt(&mut self, failure: Failure) {
        let id = self.snapshot.frames.first().map(|frame| frame.id).unwrap_or_default();
        let visit = self.snapshot.open_visits().last().copied().unwrap_or_default();
        let state = self.state_name(id);
        self.facts.push(Fact::Failed { v: visit, message: failure.described() });
        self.snapshot.status = Status::Error;
        self.snapshot.failed = Some(Failed { frame: id, visit, state, action: None, failure });
    }

    /// Runs the failed step again.
    pub(crate) fn retrigger(&mut self) {
        if self.snapshot.next_frame == 0 {
            self.start(None);
        }
        for id in self.failed_frames() {
            self.facts.push(Fact::Retriggered { frame: id });
            self.wake(id);
        }
        self.resume();
    }

    /// Goes on behind the failed step. A switch that found no way cannot be skipped.
    pub(crate) fn skip(&mut self) -> bool {
        let failed = self.failed_frames();
        for id in &failed {
            let Some(frame) = self.snapshot.frame(*id) else { continue };
            match self.program.instruction(frame.pc) {
                Some(Instruction::Switch { .. }) => return false,
                Some(Instruction::End { .. }) => {
                    // The path ends as if no message had been there.
                    self.snapshot.failed = None;
                    self.finish(Status::Completed);
                    return true;
                }
                _ => {}
            }
        }
        for id in failed {
            let visit = self.snapshot.frame(id).and_then(|frame| frame.action).map(|open| open.visit);
            self.facts.extend(visit.map(|v| Fact::Skipped { v }));
            self.with_frame(id, |frame| {
                frame.pc += 1;
                frame.unsettled = None;
            });
            self.wake(id);
        }
        self.resume();
        true
    }

    /// The data was changed from outside. A failed call that is tried again asks for something else now, so it is another call.
    pub(crate) fn changed(&mut self) {
        let unsettled = self.snapshot.frames.iter().filter(|frame| frame.unsettled.is_some());
        for id in unsettled.map(|frame| frame.id).collect::<Vec<_>>() {
            let other = self.next_call();
            self.with_frame(id, |frame| match &mut frame.wait {
                Wait::Failed => frame.unsettled = None,
                Wait::Retry { n, .. } => {
                    *n = other;
                    frame.unsettled = None;
                }
                // What is under way was sent with the data as they were.
                _ => {}
            });
        }
        self.facts.push(Fact::Changed);
    }

    fn resume(&mut self) {
        self.snapshot.failed = None;
        self.snapshot.status = Status::Active;
    }

    fn failed_frames(&self) -> Vec<FrameId> {
        let failed = self.snapshot.frames.iter().filter(|frame| frame.wait == Wait::Failed);
        failed.map(|frame| frame.id).collect()
    }
}
