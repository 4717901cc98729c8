//! Stops an instance on request, and continues one that has stopped at an error: retrigger, skip, change of data.

use rondo_program::{Failure, Instruction};

use crate::{
    Fact, FailedStep, FrameId, Status, Visit,
    frame::{Role, Wait},
    scopes::EnclosingScope,
    snapshot::LostPosition,
    stored::innermost_known_scope,
    turn::Machine,
};

impl<'a> Machine<'a> {
    /// Stops the instance where it is. A retrigger continues it from there. A frame with a lost position continues from the beginning of the
    /// innermost construct around it that the program has.
    pub(crate) fn halt(&mut self, failure: Failure) {
        let (detached, lost): (Vec<_>, Vec<_>) = std::mem::take(&mut self.snapshot.lost)
            .into_iter()
            .partition(|lost| self.is_detached(lost.frame));
        for LostPosition { frame, .. } in &detached {
            self.fail_detached(*frame, &failure);
        }
        if lost.is_empty() && !detached.is_empty() {
            return;
        }
        let mut failed_frame = self.snapshot.frames.first().map(|frame| frame.id).unwrap_or_default();
        for (index, LostPosition { frame, label }) in lost.into_iter().enumerate() {
            if index == 0 {
                failed_frame = frame;
            }
            self.reposition(frame, &label);
        }
        let own_visit = self.snapshot.frame(failed_frame).and_then(|frame| frame.open_visits().last());
        let visit = own_visit.or_else(|| self.snapshot.open_visits().last().copied()).unwrap_or_default();
        let state = self.state_name(failed_frame);
        let failed = FailedStep { frame: failed_frame, visit, state, action: None, failure };
        self.facts.push(Fact::Failed {
            visit,
            message: failed.failure.message.clone(),
            kind: Some(failed.failure.kind),
            origin: failed.failure.origin,
        });
        self.snapshot.status = Status::Error;
        self.snapshot.failed = Some(failed);
    }

    /// Moves a frame with a lost position to the beginning of the innermost construct around it that the program has. There it waits for a
    /// retrigger.
    fn reposition(&mut self, id: FrameId, label: &str) {
        self.cancel_waits(id);
        let program = self.program;
        let known = innermost_known_scope(program, label).and_then(|id| program.scope(id));
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
        // The scopes around the construct that starts again stay open.
        let encloses = |label: &str| {
            known.is_some_and(|known| {
                program.code.label(known.entry).strip_prefix(label).is_some_and(|rest| rest.starts_with('/'))
            })
        };
        let labels = frame.scopes.iter().map(|open| program.scope_label(open.id));
        let enclosing = labels.take_while(|label| encloses(label)).count();
        self.drop_scopes(id, enclosing);
        self.edit_frame(id, |frame| {
            frame.pc = start.unwrap_or(frame.pc);
            frame.wait = Wait::Failed;
            frame.focus = None;
            frame.result = None;
        });
    }

    /// Runs the failed steps again. Each gets a new visit: the failed one stays in the history as it failed.
    pub(crate) fn retrigger(&mut self) {
        if self.snapshot.next_frame == 0 {
            self.start(None);
        }
        for id in self.failed_frames() {
            let step = self.failed_step(id);
            self.facts.push(Fact::Retriggered { frame: id, failed: step.map(|step| step.open.visit) });
            if let Some(step) = step {
                self.visit_again(&step);
            }
            self.wake(id);
        }
        self.resume();
    }

    /// The step at which a frame failed: its open action, else its state. A branch that failed outside of an action has none, because its state
    /// may still run other branches.
    fn failed_step(&self, id: FrameId) -> Option<EnclosingScope<'a>> {
        self.open_action(id).or_else(|| self.enclosing_state(id).filter(|state| state.frame == id))
    }

    /// Begins another visit to an open step.
    fn visit_again(&mut self, step: &EnclosingScope<'_>) -> Visit {
        let visit = self.begin_visit(step.frame, &step.scope.kind);
        self.edit_frame(step.frame, |frame| {
            if let Some(open) = frame.scopes.get_mut(step.depth) {
                open.visit = visit;
            }
        });
        visit
    }

    /// Continues after the failed steps. Returns whether that is possible: a failed switch cannot be skipped, because it has no next instruction.
    pub(crate) fn skip(&mut self) -> bool {
        let failed = self.failed_frames();
        for id in &failed {
            let Some(frame) = self.snapshot.frame(*id) else { continue };
            match self.program.instruction(frame.pc) {
                Some(Instruction::Switch { .. }) => return false,
                Some(Instruction::End { .. }) => {
                    // The path ends as it would without an error message.
                    self.snapshot.failed = None;
                    self.end_instance(Status::Completed);
                    return true;
                }
                _ => {}
            }
        }
        for id in failed {
            if let Some(action) = self.open_action(id) {
                let visit = self.visit_again(&action);
                self.facts.push(Fact::Skipped { visit, failed: Some(action.open.visit) });
            }
            self.edit_frame(id, |frame| {
                frame.pc = frame.pc.saturating_add(1);
                frame.call_in_doubt = None;
            });
            self.wake(id);
        }
        self.resume();
        true
    }

    /// Records that the data was changed from outside. The next attempt of a failed call may now have other arguments, so it gets a new number.
    pub(crate) fn note_data_change(&mut self) {
        let in_doubt = self.snapshot.frames.iter().filter(|frame| frame.call_in_doubt.is_some());
        for id in in_doubt.map(|frame| frame.id).collect::<Vec<_>>() {
            let new_call = self.take_call_number();
            self.edit_frame(id, |frame| match &mut frame.wait {
                Wait::Failed => frame.call_in_doubt = None,
                Wait::Retry { call, .. } => {
                    *call = new_call;
                    frame.call_in_doubt = None;
                }
                // A call in flight was sent with the old data, so its number stays.
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
