//! Runs the ready frames, within the budget of a turn.
//!
//! A turn that has used up its budget ends early, and the next turn continues; turns of other instances can run in between. The budget counts
//! steps instead of time, because a turn has no clock; so the same arguments give the same result. An endless loop without a wait is an
//! error: its steps are counted over all turns since the instance last waited.

use rondo_program::{Failure, Instruction};

use crate::{
    FrameId, Status,
    frame::{Role, Wait},
    turn::Machine,
};

/// This many steps of an expression use as much of the budget as one instruction. It is an estimate: both take about as long.
const STEPS_OF_AN_INSTRUCTION: u64 = 1000;

impl Machine<'_> {
    /// Runs every ready frame until it waits, until the budget is used up, or until the instance is no longer active: after an error or the
    /// end of the instance no further frame runs.
    pub(crate) fn run_ready_frames(&mut self) {
        let mut left = u64::from(self.context.turn_steps);
        while self.snapshot.status == Status::Active {
            let Some(id) = self.ready.pop_front() else { break };
            while self.is_ready(id) && self.snapshot.status == Status::Active {
                if left == 0 {
                    return;
                }
                if !self.is_iteration(id) {
                    self.snapshot.steps = self.snapshot.steps.saturating_add(1);
                }
                if self.snapshot.steps > self.context.max_steps {
                    self.snapshot.steps = 0;
                    self.raise(id, Failure::runtime(self.endless_loop_message()));
                    continue;
                }
                let before = rondo_expression::steps_taken();
                self.step(id);
                let evaluated = rondo_expression::steps_taken().wrapping_sub(before);
                left = left.saturating_sub(1 + evaluated / STEPS_OF_AN_INSTRUCTION);
            }
            self.continue_loop(id);
        }
    }

    /// Runs the jumps at which frames stand. A stored position is therefore never a jump, so it does not depend on the places at which the
    /// lowering inserts jumps. A failed frame stands at a jump if it was skipped and its time limit had passed.
    pub(crate) fn follow_jumps(&mut self) {
        for index in 0..self.snapshot.frames.len() {
            while let Some(frame) = self.snapshot.frames.get_mut(index)
                && matches!(frame.wait, Wait::Ready | Wait::Failed | Wait::GivenUp)
                && self.snapshot.steps <= self.context.max_steps
                && let Some(Instruction::Jump(to)) = self.program.instruction(frame.pc)
            {
                frame.pc = *to;
                if !matches!(frame.role, Role::Iteration(_)) {
                    self.snapshot.steps = self.snapshot.steps.saturating_add(1);
                }
            }
        }
    }

    /// Starts the count of steps again when the instance waits, because it is then in no endless loop.
    pub(crate) fn reset_steps_if_waiting(&mut self) {
        if !self.snapshot.needs_turn() {
            self.snapshot.steps = 0;
        }
    }

    /// Whether a frame runs an element of a loop. Its steps do not count, because the number of elements is limited.
    fn is_iteration(&self, id: FrameId) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| matches!(frame.role, Role::Iteration(_)))
    }

    fn endless_loop_message(&self) -> String {
        format!(
            "ran {} instructions without waiting for anything: does a transition or `continueAs` lead back without end? \
             A sleep in the circle lets others work, or raise rondo.limits.steps",
            self.context.max_steps
        )
    }
}
