//! An instance that stands at an error, and how somebody lets it go on.

use rondo_program::{Failure, Instruction};

use crate::{
    Fact, Failed, FrameId, Status,
    snapshot::{Lost, Role, Wait},
    stored::innermost_known,
    turn::Machine,
};

impl Machine<'_> {
    /// Makes the instance stand still where it is. A retrigger lets it go on from there; a frame whose stored position the program
    /// does not have, from the beginning of the innermost construct around it.
    pub(crate) fn halt(&mut self, failure: Failure) {
        let mut at = self.snapshot.frames.first().map(|frame| frame.id).unwrap_or_default();
        for (place, Lost { frame, label }) in std::mem::take(&mut self.snapshot.lost).into_iter().enumerate()
        {
            if place == 0 {
                at = frame;
            }
            self.put_back(frame, &label);
        }
        let visits = self.snapshot.frame(at).and_then(|frame| frame.open_visits().last());
        let visit = visits.or_else(|| self.snapshot.open_visits().last().copied()).unwrap_or_default();
        let failed = Failed { frame: at, visit, state: self.state_name(at), action: None, failure };
        self.facts.push(Fact::Failed {
            v: visit,
            message: failed.failure.message.clone(),
            kind: Some(failed.failure.kind),
            origin: failed.failure.origin,
        });
        self.snapshot.status = Status::Error;
        self.snapshot.failed = Some(failed);
    }

    /// Puts a frame whose position the program does not have to the beginning of the innermost construct that it has, where it waits to
    /// be retried.
    fn put_back(&mut self, id: FrameId, label: &str) {
        self.stop(id);
        let program = self.program;
        let known = innermost_known(program, label).and_then(|id| program.scope(id));
        let Some(frame) = self.snapshot.frame(id) else { return };
        let start = match (known, frame.role, frame.parent.and_then(|parent| self.snapshot.frame(parent))) {
            (Some(scope), ..) => Some(
                program
                    .code
                    .find(&format!("{}/condition", program.code.label(scope.entry)))
                    .unwrap_or(scope.entry),
            ),
            (None, Role::Root, _) => Some(program.start),
            (None, Role::Branch(index), Some(parent)) => match program.instruction(parent.pc) {
                Some(Instruction::Fork { branches, .. }) => {
                    branches.get(index as usize).map(|branch| branch.start)
                }
                _ => None,
            },
            (None, Role::Iteration(_), Some(parent)) => match program.instruction(parent.pc) {
                Some(Instruction::ForEach(each)) => Some(each.body),
                _ => None,
            },
            _ => None,
        };
        // What stays open are the scopes around the construct that begins anew.
        let around = |label: &str| {
            known.is_some_and(|known| {
                program.code.label(known.entry).strip_prefix(label).is_some_and(|rest| rest.starts_with('/'))
            })
        };
        let labels = frame.scopes.iter().map(|open| program.scope_label(open.id));
        let stay = labels.take_while(|label| around(label)).count();
        self.drop_scopes(id, stay);
        self.with_frame(id, |frame| {
            frame.pc = start.unwrap_or(frame.pc);
            frame.wait = Wait::Failed;
            frame.focus = None;
            frame.result = None;
        });
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
            let visit = self.action_of(id).map(|at| at.open.visit);
            self.facts.extend(visit.map(|v| Fact::Skipped { v }));
            self.with_frame(id, |frame| {
                frame.pc = frame.pc.saturating_add(1);
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
                Wait::Retry { call, .. } => {
                    *call = other;
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
