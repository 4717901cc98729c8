//! Lowers a Serverless Workflow 0.8 document to a program.
//!
//! Owns: which instructions each construct of the document becomes, and their order (spec-0.8, "Workflow data": input
//! filter, actions, output filter, transition). Promises: all problems of the document's expressions and durations are
//! returned together; without an error among them the program is complete. Never: reads files.

mod actions;
mod code;
mod context;
mod errors;
mod functions;
mod hints;
mod states;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rondo_definition::{
    Diagnostic, Document,
    model::{Timeouts, Workflow},
    reachable,
};
use rondo_expression::Val;

use crate::{Instruction, Pc, Program, StateId, StateInfo};
use code::Code;
use context::{Context, duration_of};

pub use functions::declarations;

/// Lowers a document.
///
/// The program is there even if there are errors, as far as it could be made; it may be run only if none of the
/// diagnostics is an error.
pub fn lower(document: &Document) -> (Program, Vec<Diagnostic>) {
    let workflow = &document.workflow;
    let mut lowering = Lowering {
        context: Context::new(document),
        code: Code::default(),
        states: Vec::with_capacity(workflow.states.len()),
        actions: Vec::new(),
        entries: HashMap::new(),
        jumps: Vec::new(),
        within_compensation: false,
        run_before: run_before(workflow).map(|state| reachable(workflow, state)).unwrap_or_default(),
        within_branch: None,
        used_functions: BTreeSet::new(),
    };
    for state in &workflow.states {
        lowering.state(state);
    }
    lowering.resolve_jumps();
    lowering.resolve_compensations();
    lowering.context.hint_unused_functions(&lowering.used_functions);
    let start = lowering.entries.get(workflow.start.value.as_str()).copied().unwrap_or_default();
    let abort = lowering.code.push(Instruction::Compensate);
    lowering.code.push(Instruction::Abort);
    let run_before = run_before(workflow).and_then(|state| lowering.entries.get(state).copied());
    let timeout = workflow.timeouts.workflow_exec.as_ref().and_then(|limit| duration_of(&limit.duration));
    let program = Program {
        id: workflow.id.as_str().into(),
        name: workflow.name.as_str().into(),
        version: workflow.version.as_str().into(),
        code: lowering.code.finish(),
        start,
        abort,
        overtime: run_before.unwrap_or(abort),
        states: lowering.states,
        actions: lowering.actions,
        constants: Val::from(workflow.constants.clone()),
        keep_active: workflow.keep_active,
        uses_previous: document.source.text().contains("prevActionResult"),
        timeout,
    };
    (program, lowering.context.diagnostics)
}

/// The state that runs before a time limit ends an instance.
fn run_before(workflow: &Workflow) -> Option<&str> {
    let limit = workflow.timeouts.workflow_exec.as_ref()?;
    limit.run_before.as_ref().map(|state| state.value.as_str())
}

/// What grows while a document is lowered.
struct Lowering<'a> {
    context: Context<'a>,
    code: Code,
    states: Vec<StateInfo>,
    actions: Vec<crate::ActionInfo>,
    /// First instruction of each state.
    entries: HashMap<&'a str, Pc>,
    /// Jumps to states that may not have been lowered yet.
    jumps: Vec<(Pc, &'a str)>,
    /// Whether the state at hand is used for compensation: its `end` only ends the compensation.
    within_compensation: bool,
    /// Names of the states that run when the instance's time is over: their `end` aborts it.
    run_before: HashSet<&'a str>,
    /// Limits of the branch at hand.
    within_branch: Option<&'a Timeouts>,
    /// Names of the functions that actions use.
    used_functions: BTreeSet<&'a str>,
}

impl Lowering<'_> {
    /// Fills in the targets of all transitions. An unknown target was reported when the document was checked.
    fn resolve_jumps(&mut self) {
        for (pc, name) in std::mem::take(&mut self.jumps) {
            if let Some(&entry) = self.entries.get(name) {
                self.code.patch(pc, Instruction::Jump(entry));
            }
        }
    }

    fn resolve_compensations(&mut self) {
        let workflow = &self.context.document.workflow;
        for (index, state) in workflow.states.iter().enumerate() {
            let Some(by) = &state.compensated_by else { continue };
            if let (Some(info), Some(&entry)) =
                (self.states.get_mut(index), self.entries.get(by.value.as_str()))
            {
                info.compensation = Some(entry);
            }
        }
    }

    fn next_state_id(&self) -> StateId {
        StateId(u32::try_from(self.states.len()).unwrap_or(u32::MAX))
    }
}

/// A name that is shared by many instances.
fn shared(text: &str) -> Arc<str> {
    Arc::from(text)
}
