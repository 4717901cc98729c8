//! How far a turn goes.
//!
//! A turn that has used up its budget ends early: what is left is done in the next one, and others come up in between. The budget is
//! a count, because a turn knows no clock; so the same arguments give the same result. Going round in circles without waiting
//! is an error, over however many turns.

use rondo_program::{Failure, Instruction};

use crate::{
    FrameId, Status,
    snapshot::{Role, Wait},
    turn::Machine,
};

/// Steps of an expression that take about as long as an instruction.
const STEPS_OF_AN_INSTRUCTION: u64 = 1000;

impl Machine<'_> {
    /// Runs every frame until it waits, or until the turn is used up. What an error leaves standing is not run: nothing else
    /// runs then.
    pub(crate) fn run(&mut self) {
        let mut left = u64::from(self.context.turn_steps);
        while self.snapshot.status == Status::Active {
            let Some(id) = self.ready.pop_front() else { break };
            while self.is_ready(id) && self.snapshot.status == Status::Active {
                if left == 0 {
                    return;
                }
                if !self.is_in_loop(id) {
                    self.snapshot.steps = self.snapshot.steps.saturating_add(1);
                }
                if self.snapshot.steps > self.context.max_steps {
                    self.snapshot.steps = 0;
                    self.raise(id, Failure::runtime(self.circles()));
                    continue;
                }
                let before = rondo_expression::steps_taken();
                self.step(id);
                let evaluated = rondo_expression::steps_taken().wrapping_sub(before);
                left = left.saturating_sub(1 + evaluated / STEPS_OF_AN_INSTRUCTION);
            }
            self.go_on_with_loop(id);
        }
    }

    /// Lets frames that are about to jump do so before the turn ends. So no position that is stored depends on how the lowering joins one
    /// piece of code to the next.
    pub(crate) fn follow_jumps(&mut self) {
        for place in 0..self.snapshot.frames.len() {
            while let Some(frame) = self.snapshot.frames.get_mut(place)
                && frame.wait == Wait::Ready
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

    /// An instance that waits is not going round in circles.
    pub(crate) fn count(&mut self) {
        if !self.snapshot.needs_turn() {
            self.snapshot.steps = 0;
        }
    }

    /// Whether a frame runs for an element of a loop: there are only so many of them.
    fn is_in_loop(&self, id: FrameId) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| matches!(frame.role, Role::Iteration(_)))
    }

    fn circles(&self) -> String {
        format!(
            "ran {} instructions without waiting for anything: does a transition lead back without end? \
             A sleep in the circle lets others work, or raise rondo.limits.steps",
            self.context.max_steps
        )
    }
}
