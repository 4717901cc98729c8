//! A program and the tables its instructions point into.

use std::{sync::Arc, time::Duration};

use rondo_expression::{Expression, MergeRules, Val};

use crate::{Code, Instruction, Legacy, Pc, Scope, ScopeId, ScopeKind};

/// Version of the workflow, as written.
pub type Version = Arc<str>;

/// A workflow, ready to run.
///
/// Each instruction has a *label* that says where it stands in the document (`Ask/getPet/call`). A running instance is stored with
/// labels, never with indexes, so that a build that lowers the same document to other instructions continues it at the right place.
#[derive(Debug)]
pub struct Program {
    /// Id of the workflow.
    pub id: Arc<str>,
    /// Name of the workflow.
    pub name: Arc<str>,
    /// Version of the workflow.
    pub version: Version,
    /// The instructions with their labels.
    pub code: Code,
    /// States, actions and branches.
    pub scopes: Vec<Scope>,
    /// Where an instance begins.
    pub start: Pc,
    /// Where an instance goes on that is asked to abort: compensation, then the end.
    pub abort: Pc,
    /// Where an instance goes on whose time is over: the states that run before its end, then as above.
    pub overtime: Pc,
    /// What `$CONST` shows.
    pub constants: Val,
    /// Whether an instance stays active when its last path ended.
    pub keep_active: bool,
    /// Whether some expression looks at `$WORKFLOW.prevActionResult`, so that results must be kept.
    pub uses_previous: bool,
    /// How results are merged into data.
    pub merge: MergeRules,
    /// How long an instance may take.
    pub timeout: Option<Duration>,
    /// How the first format of snapshots counted.
    pub legacy: Legacy,
}

impl Program {
    /// The instruction at `pc`; `None` only for a counter that is not of this program.
    pub fn instruction(&self, pc: Pc) -> Option<&Instruction> {
        self.code.instruction(pc)
    }

    /// What is known of a scope.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id.0 as usize)
    }

    /// The label of a scope, unique in the program.
    pub fn scope_label(&self, id: ScopeId) -> &str {
        self.scope(id).map_or("", |scope| self.code.label(scope.entry))
    }

    /// The scope with this label.
    pub fn scope_labelled(&self, label: &str) -> Option<ScopeId> {
        match self.instruction(self.code.find(label)?)? {
            Instruction::Enter(id) => Some(*id),
            _ => None,
        }
    }

    /// The scope of the state of this name.
    pub fn state(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.state_name().is_some_and(|state| **state == *name))
    }

    /// Names of the states, in the order of the document.
    pub fn state_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.scopes.iter().filter_map(Scope::state_name)
    }

    /// Every function that some instruction calls, with the expression that chooses its configuration.
    pub fn calls(&self) -> impl Iterator<Item = (&Arc<str>, Option<&Expression>)> {
        self.code.instructions().filter_map(|instruction| match instruction {
            Instruction::Call { function, config_key, .. } => Some((function, config_key.as_ref())),
            _ => None,
        })
    }
}

impl Scope {
    /// Name of the state, if it is one.
    pub fn state_name(&self) -> Option<&Arc<str>> {
        match &self.kind {
            ScopeKind::State { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Name of the action, and of what it calls, if it is one.
    pub fn action_name(&self) -> Option<(&Arc<str>, &Arc<str>)> {
        match &self.kind {
            ScopeKind::Action { name, target, .. } => Some((name, target)),
            _ => None,
        }
    }
}
