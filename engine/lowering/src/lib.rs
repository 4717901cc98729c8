//! Lowers a Serverless Workflow 0.8 document to a program.
//!
//! Owns: the instructions for each construct of a document, and their order (spec-0.8, "Workflow data": input filter, actions, output
//! filter, transition). Promises: it returns all problems of the document's expressions and functions together; if none of them is an
//! error, the program is complete. Never: reads files.

mod actions;
mod call_sites;
mod context;
mod errors;
mod events;
mod functions;
mod hints;
mod lints;
mod outline;
mod schedule;
mod states;
mod transitions;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rondo_definition::{
    Compat, Diagnostic, Document,
    model::{self, Timeouts, Workflow},
    reachable,
};
use rondo_expression::{MergeRules, Val};

use context::{Context, parse_checked_duration};
pub use functions::{replace_functions, unused_replacements};
use rondo_program::{
    CallSite, CodeBuilder, Declarations, Instruction, LegacyNumbering, Outline, Pc, Program, SchemaReference,
    SchemaSource, Scope, ScopeId, TimeLimit,
};

/// The result of lowering a document.
#[derive(Debug)]
pub struct Lowered {
    /// The program, which the machine runs.
    pub program: Program,
    /// The parts of the document that views show.
    pub outline: Outline,
    /// The functions that the document declares. They are not bound to services yet.
    pub declarations: Declarations,
    /// The schema of the input.
    pub input_schema: Option<SchemaReference>,
    /// The schema of the output.
    pub output_schema: Option<SchemaReference>,
}

/// Lowers a document.
///
/// Returns the program, as complete as possible, and the problems of expressions and functions. Serve the workflow only if none of the
/// diagnostics is an error; instances of a stored revision, which an older build accepted, run in spite of errors.
pub fn lower(document: &Document) -> (Lowered, Vec<Diagnostic>) {
    lower_receiving(document, &BTreeMap::new())
}

/// Lowers a document some of whose functions receive a message: by their names the type of the event that a call of them waits for. Only the
/// `AsyncAPI` documents that they are declared by say which these are.
pub fn lower_receiving(
    document: &Document,
    received: &BTreeMap<String, String>,
) -> (Lowered, Vec<Diagnostic>) {
    let code = if cfg!(feature = "padding") { CodeBuilder::padded() } else { CodeBuilder::default() };
    lower_into(code, document, received)
}

/// Lowers a document as another build might do, to other instructions with the same labels. For tests: an instance that was stored by one
/// build must continue at the same place in the other.
pub fn lower_padded(document: &Document) -> (Lowered, Vec<Diagnostic>) {
    lower_into(CodeBuilder::padded(), document, &BTreeMap::new())
}

fn lower_into(
    code: CodeBuilder,
    document: &Document,
    received: &BTreeMap<String, String>,
) -> (Lowered, Vec<Diagnostic>) {
    let workflow = &document.workflow;
    let mut lowering = Lowering {
        context: Context::new(document),
        code,
        scopes: Vec::with_capacity(workflow.states.len()),
        legacy_states: Vec::with_capacity(workflow.states.len()),
        legacy_actions: Vec::new(),
        entries: HashMap::new(),
        jumps: Vec::new(),
        is_compensating: false,
        run_before: run_before_state(workflow).map(|state| reachable(workflow, state)).unwrap_or_default(),
        branch_timeouts: None,
        used_functions: BTreeSet::new(),
        calls: Vec::new(),
        received,
    };
    for state in &workflow.states {
        lowering.lower_state(state);
    }
    lowering.resolve_jumps();
    lowering.resolve_compensations();
    lowering.context.lint_unused_functions(&lowering.used_functions);
    lowering.context.lint_error_codes();
    let start = lowering.entries.get(workflow.start.value.as_str()).copied().unwrap_or_default();
    let outer = lowering.code.enter_construct("(abort)");
    let compensate = lowering.code.push("compensate", Instruction::Compensate);
    let abort = lowering.code.push("abort", Instruction::Abort);
    let on_abort = if lowering.compensates_at_abort() { compensate } else { abort };
    lowering.code.exit_construct(outer);
    let run_before = run_before_state(workflow).and_then(|state| lowering.entries.get(state).copied());
    let timeout = workflow.timeouts.workflow_exec.as_ref().and_then(time_limit);
    let events = lowering.lower_event_definitions();
    let start_by_event = events::start_by_event(workflow, document.compat);
    let schedule::LoweredSchedule { schedule, window } = lowering.context.lower_schedule();
    let (code, format1_instructions) = lowering.code.finish();
    let program = Program {
        id: workflow.id.as_str().into(),
        name: workflow.name.as_str().into(),
        version: workflow.version.as_str().into(),
        code,
        scopes: lowering.scopes,
        start,
        start_by_event,
        schedule,
        start_window: window,
        events,
        on_abort,
        on_timeout: run_before.unwrap_or(on_abort),
        constants: Val::from(workflow.constants.clone()),
        keep_active: workflow.keep_active,
        uses_previous_result: document.source.text().contains("prevActionResult"),
        merge: merge_rules(document.compat),
        timeout,
        legacy: LegacyNumbering {
            instructions: format1_instructions,
            states: lowering.legacy_states,
            actions: lowering.legacy_actions,
        },
    };
    let (mut declarations, problems) = functions::lower_functions(document);
    declarations.calls = lowering.calls;
    let mut diagnostics = lowering.context.diagnostics;
    diagnostics.extend(problems);
    diagnostics.extend(errors::lint_codes(document));
    let lowered = Lowered {
        program,
        outline: outline::build_outline(document),
        declarations,
        input_schema: workflow.data_input_schema.as_ref().map(schema_reference),
        output_schema: workflow.data_output_schema.as_ref().map(schema_reference),
    };
    (lowered, diagnostics)
}

fn schema_reference(reference: &model::SchemaRef) -> SchemaReference {
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

/// Name of the state that runs before the workflow's time limit ends an instance (spec-0.8, `runBefore`).
fn run_before_state(workflow: &Workflow) -> Option<&str> {
    let limit = workflow.timeouts.workflow_exec.as_ref()?;
    limit.run_before.as_ref().map(|state| state.value.as_str())
}

/// The time limit of an instance.
fn time_limit(limit: &model::WorkflowExecTimeout) -> Option<TimeLimit> {
    let after = parse_checked_duration(&limit.duration)?;
    Some(TimeLimit { after, interrupt: limit.interrupt })
}

/// The program under construction.
struct Lowering<'a> {
    context: Context<'a>,
    code: CodeBuilder,
    scopes: Vec<Scope>,
    /// The scopes of all states, in the order in which the first format of snapshots numbered them.
    legacy_states: Vec<ScopeId>,
    /// The scopes of all actions, in the order in which the first format of snapshots numbered them.
    legacy_actions: Vec<ScopeId>,
    /// First instruction of each state.
    entries: HashMap<&'a str, Pc>,
    /// Jumps to states, which may not be lowered yet: the instruction to patch, and the name of the state.
    jumps: Vec<(Pc, &'a str)>,
    /// Whether the current state is used for compensation: then its `end` ends only the compensation.
    is_compensating: bool,
    /// Names of the states that run after the workflow's time limit has passed: their `end` aborts the instance.
    run_before: HashSet<&'a str>,
    /// The time limits of the current branch, if actions of a branch are being lowered.
    branch_timeouts: Option<&'a Timeouts>,
    /// Names of the functions that actions use.
    used_functions: BTreeSet<&'a str>,
    /// The calls of functions so far.
    calls: Vec<CallSite>,
    /// Functions that receive a message, each with the type of the event that it is.
    received: &'a BTreeMap<String, String>,
}

impl Lowering<'_> {
    /// Patches the jumps of all transitions. The check of the document reports unknown targets.
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
            self.edit_scope(id, |scope| scope.compensation = entry);
        }
    }
}

/// A text that the program and its instances share.
fn shared(text: &str) -> Arc<str> {
    Arc::from(text)
}
