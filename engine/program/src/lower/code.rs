//! The list of instructions while it grows.

use crate::{Instruction, Pc};

/// Instructions, some of them still to be filled in.
#[derive(Default)]
pub(super) struct Code {
    instructions: Vec<Instruction>,
}

impl Code {
    /// Appends an instruction and says where it stands.
    pub(super) fn push(&mut self, instruction: Instruction) -> Pc {
        let pc = self.here();
        self.instructions.push(instruction);
        pc
    }

    /// Keeps a place for an instruction whose targets are not known yet.
    pub(super) fn reserve(&mut self) -> Pc {
        self.push(Instruction::Abort)
    }

    /// Fills a place in.
    pub(super) fn patch(&mut self, pc: Pc, instruction: Instruction) {
        if let Some(slot) = self.instructions.get_mut(pc as usize) {
            *slot = instruction;
        }
    }

    /// Where the next instruction will stand. A definition is limited in size, so the count fits.
    pub(super) fn here(&self) -> Pc {
        Pc::try_from(self.instructions.len()).unwrap_or(Pc::MAX)
    }

    pub(super) fn finish(self) -> Vec<Instruction> {
        self.instructions
    }
}
