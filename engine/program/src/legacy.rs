//! How the first format of snapshots counted.
//!
//! That format stored indexes into the instructions, states and actions of the build that wrote it. The lowering still numbers them the
//! same way beside its own labels, so that instances which were stored then can be continued.

use crate::{Pc, ScopeId};

/// What the numbers of the first format of snapshots mean in a program.
#[derive(Debug, Default)]
pub struct Legacy {
    /// The instruction that each counter stood for.
    pub code: Vec<Pc>,
    /// The scope that each number of a state stood for.
    pub states: Vec<ScopeId>,
    /// The scope that each number of an action stood for.
    pub actions: Vec<ScopeId>,
}

impl Legacy {
    /// The instruction that a counter stood for.
    pub fn instruction(&self, counter: u32) -> Option<Pc> {
        self.code.get(counter as usize).copied()
    }

    /// The scope that the number of a state stood for.
    pub fn state(&self, number: u32) -> Option<ScopeId> {
        self.states.get(number as usize).copied()
    }

    /// The scope that the number of an action stood for.
    pub fn action(&self, number: u32) -> Option<ScopeId> {
        self.actions.get(number as usize).copied()
    }
}
