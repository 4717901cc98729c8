//! A program, and the tables that its instructions refer to.

use std::sync::Arc;

use rondo_expression::{MergeRules, Val};

use crate::{
    Code, Event, Instruction, LegacyNumbering, Pc, Schedule, Scope, ScopeId, ScopeKind, StartByEvent,
    StartWindow, TimeLimit,
};

/// Version of the workflow, as written.
pub type Version = Arc<str>;

/// A workflow, ready to run.
///
/// Each instruction has a *label* that names its place in the document (`Ask/getPet/call`). A running instance is stored with labels, never
/// with indexes, so another build, which may lower the same document to other instructions, continues it at the right place.
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
    /// The first instruction of an instance.
    pub start: Pc,
    /// How events start an instance; `None`: a request does.
    pub start_by_event: Option<StartByEvent>,
    /// When instances start by themselves; never together with `start_by_event`.
    pub schedule: Option<Schedule>,
    /// When events may start an instance; `None`: at any time.
    pub start_window: Option<StartWindow>,
    /// The event definitions, in the order of the document.
    pub events: Vec<Event>,
    /// Where an aborted instance continues: compensation, then the end.
    pub on_abort: Pc,
    /// Where an instance continues when its time limit has passed: the states of `runBefore`, then compensation and the end.
    pub on_timeout: Pc,
    /// The value of `$CONST`.
    pub constants: Val,
    /// Whether an instance stays active after its last path has ended (spec-0.8, `keepActive`).
    pub keep_active: bool,
    /// Whether the document contains `prevActionResult`: then results are kept for `$WORKFLOW.prevActionResult`.
    pub uses_previous_result: bool,
    /// How results are merged into data.
    pub merge: MergeRules,
    /// The time limit of an instance (spec-0.8, `workflowExecTimeout`).
    pub timeout: Option<TimeLimit>,
    /// What the indexes in the first format of snapshots refer to.
    pub legacy: LegacyNumbering,
}

impl Program {
    /// The instruction at `pc`; `None` if the program has fewer instructions.
    pub fn instruction(&self, pc: Pc) -> Option<&Instruction> {
        self.code.instruction(pc)
    }

    /// The scope with this id; `None` if it is an id of another program.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id.0 as usize)
    }

    /// The label of a scope, unique in the program; empty if the id is one of another program.
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

    /// The scope of the state with this name.
    pub fn state(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.state_name().is_some_and(|state| **state == *name))
    }

    /// The event definition with this name.
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| *event.name == *name)
    }

    /// The event definitions that the workflow waits for, each once. Others are only published.
    pub fn awaited_events(&self) -> Vec<&Event> {
        let mut names: Vec<&Arc<str>> = Vec::new();
        for instruction in self.code.instructions() {
            if let Instruction::Await { filters, .. } = instruction {
                names.extend(filters.iter().flat_map(|filter| &filter.events));
            }
        }
        self.events.iter().filter(|event| names.contains(&&event.name)).collect()
    }

    /// Names of the states, in the order of the document.
    pub fn state_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.scopes.iter().filter_map(Scope::state_name)
    }
}

impl Scope {
    /// The name, if the scope is a state.
    pub fn state_name(&self) -> Option<&Arc<str>> {
        match &self.kind {
            ScopeKind::State { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The name, and the name of what is called, if the scope is an action.
    pub fn action_name(&self) -> Option<(&Arc<str>, &Arc<str>)> {
        match &self.kind {
            ScopeKind::Action { name, target, .. } => Some((name, target)),
            _ => None,
        }
    }
}
