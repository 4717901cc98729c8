//! Reads states of all eight kinds.

use std::collections::HashSet;

use serde_json::Value;

use super::{Fields, Reader, actions, conditions, events, filters, next, timeouts};
use crate::{
    Compat, Pointer, codes,
    model::{At, Branch, Completion, ForEach, LoopMode, State, StateKind},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StateType {
    Operation,
    Switch,
    Inject,
    Sleep,
    Parallel,
    ForEach,
    Event,
    Callback,
}

const TYPES: [(&str, StateType); 8] = [
    ("operation", StateType::Operation),
    ("switch", StateType::Switch),
    ("inject", StateType::Inject),
    ("sleep", StateType::Sleep),
    ("parallel", StateType::Parallel),
    ("foreach", StateType::ForEach),
    ("event", StateType::Event),
    ("callback", StateType::Callback),
];

/// Reads a state. `number` is its number from 1; it names the state in messages if it has no name. Adds its name to `declared_names`, also if the state has errors.
pub(super) fn read_state(
    reader: &mut Reader,
    value: &Value,
    at: &Pointer,
    number: usize,
    declared_names: &mut Vec<String>,
) -> Option<State> {
    let mut fields = Fields::open(reader, value, at, &format!("state {number}"))?;
    let name = fields.required_text(reader, "name");
    if let Some(name) = &name {
        fields.place = format!("state `{}`", name.value);
        declared_names.push(name.value.clone());
    }
    if !fields.has("type") {
        fields.missing(reader, "type", "text");
    }
    // Without a known type the other properties cannot be read, because the type decides which ones are allowed.
    let kind = fields.choice(reader, "type", &TYPES)?;
    let label = name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
    fields.take("id");
    let filter = filters::read_state_filter(reader, &mut fields);
    let used_for_compensation = fields.flag(reader, "usedForCompensation", false);
    let next = match kind {
        StateType::Switch => None,
        _ if used_for_compensation => next::read_optional(reader, &mut fields),
        _ => next::read_required(reader, &mut fields),
    };
    let body = read_body(reader, &mut fields, kind, &label);
    let allowed = allowed_timeouts(kind, &fields);
    let mut timeouts = timeouts::read_timeouts(reader, &mut fields, allowed, &label);
    if kind == StateType::Switch && fields.has("eventTimeout") {
        let message = format!("{}: `eventTimeout` belongs into `timeouts`", fields.place);
        reader.warning(codes::TOLERATED_FORM, &fields.pointer("eventTimeout"), message).on_key();
        timeouts.event = timeouts::read_event_timeout(reader, &mut fields, &label).or(timeouts.event);
    }
    let on_errors = next::read_on_errors(reader, &mut fields);
    let compensated_by = fields.text(reader, "compensatedBy");
    let metadata = fields.metadata(reader);
    fields.finish(reader);
    Some(State {
        name: name?.value,
        kind: body?,
        filter,
        next,
        on_errors,
        timeouts,
        compensated_by,
        used_for_compensation,
        metadata,
        at: at.clone(),
    })
}

/// The time limits that a state of this type may have.
fn allowed_timeouts(kind: StateType, fields: &Fields) -> timeouts::Allowed {
    match kind {
        StateType::Switch if fields.has("eventConditions") => &["stateExecTimeout", "eventTimeout"],
        StateType::Switch | StateType::Sleep | StateType::Inject => &["stateExecTimeout"],
        StateType::Operation | StateType::ForEach => &["stateExecTimeout", "actionExecTimeout"],
        StateType::Parallel => &["stateExecTimeout", "branchExecTimeout"],
        StateType::Event | StateType::Callback => &["stateExecTimeout", "actionExecTimeout", "eventTimeout"],
    }
}

fn read_body(reader: &mut Reader, fields: &mut Fields, kind: StateType, name: &str) -> Option<StateKind> {
    match kind {
        StateType::Operation => {
            if !fields.has("actions") && !fields.has_other_name("actions") {
                let message = format!("{}: `actions` is required: a list", fields.place);
                reader.deviation(codes::MISSING_OPTIONAL, &fields.at, message);
            }
            let place = fields.place.clone();
            let actions = actions::read_list(reader, fields, &place);
            Some(StateKind::Operation { actions, parallel: actions::read_mode(reader, fields) })
        }
        StateType::Switch => conditions::read_switch(reader, fields, name),
        StateType::Inject => {
            if !fields.has("data") {
                fields.missing(reader, "data", "an object");
            }
            let data = fields.value("data")?;
            if !data.value.is_object() {
                let message = format!("{}: `data` should be an object", fields.place);
                reader.deviation(codes::INJECTED_DATA, &data.at, message);
            }
            Some(StateKind::Inject { data })
        }
        StateType::Sleep => {
            if !fields.has("duration") {
                fields.missing(reader, "duration", "an ISO 8601 duration");
            }
            let duration = fields.duration(reader, "duration")?;
            Some(StateKind::Sleep { duration })
        }
        StateType::Parallel => read_parallel(reader, fields, name),
        StateType::ForEach => read_for_each(reader, fields),
        StateType::Event => events::read_event_state(reader, fields),
        StateType::Callback => events::read_callback(reader, fields),
    }
}

/// Reads `actions`, which is required but may be empty.
fn read_required_actions(reader: &mut Reader, fields: &mut Fields) -> Option<Vec<crate::model::Action>> {
    if !fields.has("actions") {
        fields.take("actions");
        fields.missing(reader, "actions", "a list");
        return None;
    }
    let place = fields.place.clone();
    Some(actions::read_list(reader, fields, &place))
}

/// The name of a state, and its place in messages.
struct Label {
    name: String,
    place: String,
}

fn read_parallel(reader: &mut Reader, fields: &mut Fields, name: &str) -> Option<StateKind> {
    let label = Label { name: name.to_owned(), place: fields.place.clone() };
    let branches: Option<Vec<_>> = fields.required_list(reader, "branches").map(|list| {
        report_duplicate_branches(reader, &list, &label.place);
        let numbered = list.into_iter().zip(1..);
        numbered.filter_map(|((at, value), number)| read_branch(reader, value, &at, &label, number)).collect()
    });
    let at_least =
        fields.choice(reader, "completionType", &[("allOf", false), ("atLeast", true)]).unwrap_or(false);
    let wanted = fields.number_or_text(reader, "numCompleted");
    let branches = branches?;
    let completion = match (at_least, wanted) {
        (false, wanted) => {
            // Editors write 0 by default, so 0 is not reported.
            if wanted.is_some_and(|wanted| wanted.value != "0") {
                fields.unused(reader, "numCompleted", "`completionType` is not `atLeast`");
            }
            Completion::AllOf
        }
        (true, None) => {
            fields.missing(
                reader,
                "numCompleted",
                "the number of branches that must end, as `completionType` is atLeast",
            );
            Completion::AllOf
        }
        (true, Some(wanted)) => {
            check_num_completed(reader, &wanted, branches.len(), &label.place);
            Completion::AtLeast(wanted)
        }
    };
    Some(StateKind::Parallel { branches, completion })
}

/// Reports branches with the name of another one, because the history of an instance cannot distinguish them. `SonataFlow` runs them.
fn report_duplicate_branches(reader: &mut Reader, branches: &[(Pointer, &Value)], place: &str) {
    let mut seen = HashSet::new();
    for (at, branch) in branches {
        if let Some(name) = branch.get("name").and_then(Value::as_str)
            && !seen.insert(name)
        {
            let message = format!("{place}: another branch is called `{name}` too");
            reader.deviation(codes::DUPLICATE_BRANCH, at, message);
        }
    }
}

/// Checks `numCompleted`, unless it is an expression: it must be from 1 to the number of branches.
fn check_num_completed(reader: &mut Reader, wanted: &At<String>, branches: usize, place: &str) {
    let Ok(number) = wanted.value.trim().parse::<f64>() else { return };
    let most = f64::from(u32::try_from(branches).unwrap_or(u32::MAX));
    if number.fract() != 0.0 || !(1.0..=most).contains(&number) {
        let message = format!(
            "{place}: `numCompleted` is {}, but must be from 1 to the number of branches, {branches}",
            wanted.value
        );
        reader.error(codes::NUM_COMPLETED, &wanted.at, message);
    }
}

/// Reads a branch. `number` is its number from 1; it names the branch if it has no name.
fn read_branch(
    reader: &mut Reader,
    value: &Value,
    at: &Pointer,
    state: &Label,
    number: usize,
) -> Option<Branch> {
    let mut fields = Fields::open(reader, value, at, &format!("{}, branch {number}", state.place))?;
    let name = fields.text(reader, "name").map(|name| name.value);
    if let Some(name) = &name {
        fields.place = format!("{}, branch `{name}`", state.place);
    } else {
        let message = format!("{}: `name` is required: text", fields.place);
        reader.deviation(codes::MISSING_OPTIONAL, at, message);
    }
    let name = name.unwrap_or_else(|| format!("branch {number}"));
    let actions = read_required_actions(reader, &mut fields);
    let timeouts = timeouts::read_timeouts(reader, &mut fields, timeouts::BRANCH, &state.name);
    fields.finish(reader);
    Some(Branch { name, actions: actions?, timeouts, at: at.clone() })
}

fn read_for_each(reader: &mut Reader, fields: &mut Fields) -> Option<StateKind> {
    let input_collection = fields.required_text(reader, "inputCollection");
    let output_collection = fields.text(reader, "outputCollection");
    let iteration_param = match fields.text(reader, "iterationParam") {
        Some(name) => {
            if !is_variable_name(&name.value) {
                let message = format!(
                    "{}: `iterationParam` is `{}`, which no expression can read",
                    fields.place, name.value
                );
                let help = "letters, digits and `_`, a letter or `_` first";
                reader.deviation(codes::ITERATION_PARAM, &name.at, message).help(help);
            }
            name.value
        }
        None => "item".to_owned(),
    };
    let batch_size = fields.number_or_text(reader, "batchSize");
    // Workflows without a mode were written for SonataFlow, which runs them in one thread.
    let one_thread = reader.compat == Compat::SonataFlow && batch_size.is_none();
    let modes = [("parallel", LoopMode::Parallel), ("sequential", LoopMode::Sequential)];
    let default = if one_thread { LoopMode::OneThread } else { LoopMode::Parallel };
    let mode = fields.choice(reader, "mode", &modes).unwrap_or(default);
    let actions = read_required_actions(reader, fields);
    let batch_size = batch_size.filter(|size| is_valid_batch_size(reader, size, &fields.place));
    if batch_size.is_some() && mode == LoopMode::Sequential {
        fields.unused(reader, "batchSize", "`mode` is `sequential`");
    }
    Some(StateKind::ForEach(ForEach {
        input_collection: input_collection?,
        output_collection,
        iteration_param,
        batch_size,
        mode,
        actions: actions?,
    }))
}

/// Whether a text is a valid name of a jq variable.
fn is_variable_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// Whether a batch size is used: it must be above 1, or an expression. With the rules of `SonataFlow`, 0 is not reported, because editors write
/// it by default.
fn is_valid_batch_size(reader: &mut Reader, size: &At<String>, place: &str) -> bool {
    let Ok(number) = size.value.trim().parse::<f64>() else { return true };
    if number > 1.0 && number.fract() == 0.0 {
        return true;
    }
    if number != 0.0 || reader.compat == Compat::Spec {
        let message = format!("{place}: `batchSize` is {}, but must be a number above 1", size.value);
        reader.deviation(codes::BATCH_SIZE, &size.at, message);
    }
    false
}
