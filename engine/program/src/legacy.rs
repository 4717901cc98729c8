//! What the indexes in the first format of snapshots refer to.
//!
//! That format stores indexes of instructions, states and actions. The lowering still counts them as the build did that wrote the format, so
//! instances that were stored in it continue at the right place.

use crate::{Pc, ScopeId};

/// The instructions, states and actions of a program, in the order in which the first format of snapshots numbered them.
#[derive(Debug, Default)]
pub struct LegacyNumbering {
    /// The instruction for each program counter.
    pub instructions: Vec<Pc>,
    /// The scope for each number of a state.
    pub states: Vec<ScopeId>,
    /// The scope for each number of an action.
    pub actions: Vec<ScopeId>,
}

impl LegacyNumbering {
    /// The instruction for a stored program counter.
    pub fn instruction(&self, counter: u32) -> Option<Pc> {
        self.instructions.get(counter as usize).copied()
    }

    /// The scope for the stored number of a state.
    pub fn state(&self, number: u32) -> Option<ScopeId> {
        self.states.get(number as usize).copied()
    }

    /// The scope for the stored number of an action.
    pub fn action(&self, number: u32) -> Option<ScopeId> {
        self.actions.get(number as usize).copied()
    }
}
