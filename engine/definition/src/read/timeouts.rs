//! Reads `timeouts`: checks which limits each place has, and that they are durations.

use serde_json::Value;

use super::{Fields, Reader};
use crate::{
    Pointer, codes,
    model::{At, StateExecTimeout, Timeouts, WorkflowExecTimeout},
};

/// The names of the time limits that are allowed at a place.
pub(super) type Allowed = &'static [&'static str];

/// Limits of a branch.
pub(super) const BRANCH: Allowed = &["actionExecTimeout", "branchExecTimeout"];
/// Limits of a workflow.
const WORKFLOW: Allowed =
    &["workflowExecTimeout", "stateExecTimeout", "actionExecTimeout", "branchExecTimeout", "eventTimeout"];

/// Reads the time limits of the workflow.
pub(super) fn read_workflow_timeouts(reader: &mut Reader, value: &Value, at: &Pointer) -> Timeouts {
    match Fields::open(reader, value, at, "workflow, timeouts") {
        Some(fields) => read_object(reader, fields, WORKFLOW, "(all)"),
        None => Timeouts::default(),
    }
}

/// Reads the time limits of a state or branch, of which only those in `allowed` have an effect. `name`: the name of the state.
pub(super) fn read_timeouts(
    reader: &mut Reader,
    fields: &mut Fields,
    allowed: Allowed,
    name: &str,
) -> Timeouts {
    match fields.object(reader, "timeouts") {
        Some(inner) => read_object(reader, inner, allowed, name),
        None => Timeouts::default(),
    }
}

fn read_object(reader: &mut Reader, mut fields: Fields, allowed: Allowed, state: &str) -> Timeouts {
    let mut timeouts = Timeouts::default();
    for name in WORKFLOW {
        if !fields.has(name) {
            // Reading the absent property makes its name a candidate for `did_you_mean`.
            fields.take(name);
            continue;
        }
        if !allowed.contains(name) {
            fields.take(name);
            report_misplaced(reader, &fields, name);
            continue;
        }
        match *name {
            "workflowExecTimeout" => timeouts.workflow_exec = read_workflow_exec(reader, &mut fields),
            "stateExecTimeout" => timeouts.state_exec = read_state_exec(reader, &mut fields),
            "actionExecTimeout" => timeouts.action_exec = fields.lenient_duration(reader, name),
            "branchExecTimeout" => timeouts.branch_exec = fields.lenient_duration(reader, name),
            _ => timeouts.event = read_event_timeout(reader, &mut fields, state),
        }
    }
    fields.finish(reader);
    timeouts
}

fn report_misplaced(reader: &mut Reader, fields: &Fields, name: &str) {
    let at = fields.pointer(name);
    let message = format!("{}: `{name}` has no meaning here", fields.place);
    if name == "workflowExecTimeout" {
        reader
            .error(codes::WORKFLOW_TIMEOUT, &at, message)
            .help("it belongs to the `timeouts` of the workflow");
    } else {
        reader.deviation(codes::TIMEOUT_PLACE, &at, message);
    }
}

/// `eventTimeout`: a duration, or an expression that gives one.
pub(super) fn read_event_timeout(
    reader: &mut Reader,
    fields: &mut Fields,
    state: &str,
) -> Option<At<String>> {
    let text = fields.text(reader, "eventTimeout")?;
    let expression = text.value.trim_start().starts_with(['$', '.']);
    if expression || crate::parse_duration(&text.value).is_ok() {
        if !expression {
            fields.check_duration(reader, "eventTimeout", &text);
        }
        return Some(text);
    }
    let message = format!(
        "An invalid \"eventTimeout\": \"{}\" configuration was provided for the state \"{state}\": it must be an ISO 8601 \
         duration such as PT30S or P2D (no months, no years), or an expression",
        text.value
    );
    reader.error(codes::INVALID_DURATION, &text.at, message);
    None
}

/// `workflowExecTimeout`: a duration, or an object.
pub(super) fn read_workflow_exec(reader: &mut Reader, fields: &mut Fields) -> Option<WorkflowExecTimeout> {
    if fields.take("workflowExecTimeout").is_some_and(Value::is_object) {
        let mut inner = fields.object(reader, "workflowExecTimeout")?;
        if !inner.has("duration") {
            inner.missing(reader, "duration", "text");
        }
        let duration = inner.lenient_duration(reader, "duration");
        let interrupt = inner.flag(reader, "interrupt", false);
        let run_before = inner.text(reader, "runBefore");
        inner.finish(reader);
        return Some(WorkflowExecTimeout { duration: duration?, interrupt, run_before });
    }
    let duration = fields.lenient_duration(reader, "workflowExecTimeout")?;
    Some(WorkflowExecTimeout { duration, interrupt: false, run_before: None })
}

/// `stateExecTimeout`: a duration that includes retries, or an object.
fn read_state_exec(reader: &mut Reader, fields: &mut Fields) -> Option<StateExecTimeout> {
    if fields.take("stateExecTimeout").is_some_and(Value::is_object) {
        let mut inner = fields.object(reader, "stateExecTimeout")?;
        if !inner.has("total") {
            let message = format!("{}: `total` is required in `stateExecTimeout`", inner.place);
            reader.deviation(codes::MISSING_OPTIONAL, &inner.at, message);
        }
        let timeout = StateExecTimeout {
            single: inner.lenient_duration(reader, "single"),
            total: inner.lenient_duration(reader, "total"),
        };
        inner.finish(reader);
        return Some(timeout);
    }
    let total = fields.lenient_duration(reader, "stateExecTimeout")?;
    Some(StateExecTimeout { single: None, total: Some(total) })
}
