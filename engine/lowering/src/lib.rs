//! Lowers a Serverless Workflow 0.8 document to a program.
//!
//! Owns: which instructions each construct of the document becomes, and their order (spec-0.8, "Workflow data": input
//! filter, actions, output filter, transition). Promises: all problems of the document's expressions and durations are
//! returned together; without an error among them the program is complete. Never: reads files.

mod actions;
mod context;
mod errors;
mod functions;
mod hints;
mod outline;
mod states;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rondo_definition::{
    Compat, Diagnostic, Document,
    model::{self, Timeouts, Workflow},
    reachable,
};
use rondo_expression::{MergeRules, Val};

use context::{Context, duration_of};
use rondo_program::{
    CodeBuilder, Declarations, Instruction, Legacy, Outline, Pc, Program, SchemaReference, SchemaSource,
    Scope, ScopeId,
};

/// What a document is lowered to.
#[derive(Debug)]
pub struct Lowered {
    /// What the machine runs.
    pub program: Program,
    /// What is shown of the workflow.
    pub outline: Outline,
    /// The functions that it declares; what they call is bound to them outside.
    pub declarations: Declarations,
    /// The schema that the input must satisfy.
    pub input_schema: Option<SchemaReference>,
    /// The schema that the output must satisfy.
    pub output_schema: Option<SchemaReference>,
}

/// Lowers a document.
///
/// The program is there even if there are errors, as far as it could be made; it may be run only if none of the
/// diagnostics is an error.
pub fn lower(document: &Document) -> (Lowered, Vec<Diagnostic>) {
    let code = if cfg!(feature = "padding") { CodeBuilder::padded() } else { CodeBuilder::default() };
    lower_into(code, document)
}

/// [`lower`] as a build might do whose lowering has other instructions: stored instances must go on in it at the same places. For tests.
pub fn lower_padded(document: &Document) -> (Lowered, Vec<Diagnostic>) {
    lower_into(CodeBuilder::padded(), document)
}

fn lower_into(code: CodeBuilder, document: &Document) -> (Lowered, Vec<Diagnostic>) {
    let workflow = &document.workflow;
    let mut lowering = Lowering {
        context: Context::new(document),
        code,
        scopes: Vec::with_capacity(workflow.states.len()),
        legacy_states: Vec::with_capacity(workflow.states.len()),
        legacy_actions: Vec::new(),
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
    let outside = lowering.code.enter("(abort)");
    let abort = lowering.code.push("compensate", Instruction::Compensate);
    lowering.code.push("abort", Instruction::Abort);
    lowering.code.exit(outside);
    let run_before = run_before(workflow).and_then(|state| lowering.entries.get(state).copied());
    let timeout = workflow.timeouts.workflow_exec.as_ref().and_then(|limit| duration_of(&limit.duration));
    let (code, counters) = lowering.code.finish();
    let program = Program {
        id: workflow.id.as_str().into(),
        name: workflow.name.as_str().into(),
        version: workflow.version.as_str().into(),
        code,
        scopes: lowering.scopes,
        start,
        abort,
        overtime: run_before.unwrap_or(abort),
        constants: Val::from(workflow.constants.clone()),
        keep_active: workflow.keep_active,
        uses_previous: document.source.text().contains("prevActionResult"),
        merge: merge_rules(document.compat),
        timeout,
        legacy: Legacy { code: counters, states: lowering.legacy_states, actions: lowering.legacy_actions },
    };
    let (declarations, problems) = functions::declarations(document);
    let mut diagnostics = lowering.context.diagnostics;
    diagnostics.extend(problems);
    let lowered = Lowered {
        program,
        outline: outline::of(document),
        declarations,
        input_schema: workflow.data_input_schema.as_ref().map(schema),
        output_schema: workflow.data_output_schema.as_ref().map(schema),
    };
    (lowered, diagnostics)
}

fn schema(reference: &model::SchemaRef) -> SchemaReference {
    SchemaReference {
        source: match &reference.schema.value {
            model::SchemaSource::Uri(uri) => SchemaSource::Uri(uri.clone()),
            model::SchemaSource::Inline(schema) => SchemaSource::Inline(schema.clone()),
        },
        at: reference.schema.at.clone(),
        is_strict: reference.fail_on_validation_errors,
    }
}

fn merge_rules(compat: Compat) -> MergeRules {
    match compat {
        Compat::SonataFlow => MergeRules::SonataFlow,
        Compat::Spec => MergeRules::Specification,
    }
}

/// The state that runs before a time limit ends an instance.
fn run_before(workflow: &Workflow) -> Option<&str> {
    let limit = workflow.timeouts.workflow_exec.as_ref()?;
    limit.run_before.as_ref().map(|state| state.value.as_str())
}

/// What grows while a document is lowered.
struct Lowering<'a> {
    context: Context<'a>,
    code: CodeBuilder,
    scopes: Vec<Scope>,
    /// The scopes in the order in which the first format of snapshots numbered states and actions.
    legacy_states: Vec<ScopeId>,
    legacy_actions: Vec<ScopeId>,
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
        for (id, state) in self.legacy_states.clone().into_iter().zip(&workflow.states) {
            let Some(by) = &state.compensated_by else { continue };
            let entry = self.entries.get(by.value.as_str()).copied();
            self.with_scope(id, |scope| scope.compensation = entry);
        }
    }
}

/// A name that is shared by many instances.
fn shared(text: &str) -> Arc<str> {
    Arc::from(text)
}
