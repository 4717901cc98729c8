//! Reads actions: the function, event or subflow, and condition, sleeps, filters and retries.

use serde_json::Value;

use super::{Fields, Reader, filters, next};
use crate::{
    Compat, Pointer, codes,
    model::{Action, ActionKind, At, EventRef, FunctionRef, ProduceEvent, SubFlowRef},
};

/// Reads `actionMode`: whether the actions run in parallel.
pub(super) fn read_mode(reader: &mut Reader, fields: &mut Fields) -> bool {
    fields.choice(reader, "actionMode", &[("sequential", false), ("parallel", true)]).unwrap_or(false)
}

/// Reads `actions`, an empty list if it is absent. `place` names the state in messages.
pub(super) fn read_list(reader: &mut Reader, fields: &mut Fields, place: &str) -> Vec<Action> {
    let list = fields.list(reader, "actions");
    list.into_iter()
        .enumerate()
        .filter_map(|(index, (at, value))| read_action(reader, value, &at, place, index + 1))
        .collect()
}

/// Reads an action. `number` is its number from 1; it names the action in messages if it has no name.
pub(super) fn read_action(
    reader: &mut Reader,
    value: &Value,
    at: &Pointer,
    place: &str,
    number: usize,
) -> Option<Action> {
    let mut fields = Fields::open(reader, value, at, &format!("{place}, action {number}"))?;
    fields.take("id");
    let name = fields.text(reader, "name").map(|name| name.value);
    if let Some(name) = &name {
        fields.place = format!("{place}, action `{name}`");
    }
    let kind = read_kind(reader, &mut fields);
    let condition = fields.text(reader, "condition");
    let (sleep_before, sleep_after) = read_sleep(reader, &mut fields);
    let filter = filters::read_action_filter(reader, &mut fields);
    let retry_ref = fields.text(reader, "retryRef");
    let retryable_errors = fields.texts(reader, "retryableErrors");
    let non_retryable_errors = fields.texts(reader, "nonRetryableErrors");
    fields.finish(reader);
    Some(Action {
        name,
        kind: kind?,
        condition,
        sleep_before,
        sleep_after,
        filter,
        retry_ref,
        retryable_errors,
        non_retryable_errors,
        at: at.clone(),
    })
}

/// Reads what an action does. Of several, the first of function, event and subflow is used, as in `SonataFlow`.
fn read_kind(reader: &mut Reader, fields: &mut Fields) -> Option<ActionKind> {
    let given: Vec<_> =
        ["functionRef", "eventRef", "subFlowRef"].into_iter().filter(|name| fields.has(name)).collect();
    let has_other_name =
        ["functionRef", "eventRef", "subFlowRef"].iter().any(|name| fields.has_other_name(name));
    if given.is_empty() && !has_other_name {
        let message =
            format!("{}: one of `functionRef`, `eventRef` and `subFlowRef` is required", fields.place);
        reader.error(codes::EMPTY_ACTION, &fields.at, message);
    }
    if given.len() > 1 {
        let message = format!("{}: only one of `{}` may be given", fields.place, given.join("` and `"));
        reader.deviation(codes::SEVERAL_ACTIONS, &fields.at, message).help("the first of them is used");
    }
    let function = read_function_ref(reader, fields).map(ActionKind::Function);
    let event = read_event_ref(reader, fields).map(ActionKind::Event);
    let subflow = read_subflow_ref(reader, fields).map(ActionKind::SubFlow);
    function.or(event).or(subflow)
}

const INVOKE: [(&str, bool); 2] = [("sync", false), ("async", true)];

/// `invoke` of a function or subflow: whether it is asynchronous.
fn read_invoke(reader: &mut Reader, fields: &mut Fields) -> bool {
    fields.choice(reader, "invoke", &INVOKE).unwrap_or(false)
}

/// `functionRef`: a name, or an object.
fn read_function_ref(reader: &mut Reader, fields: &mut Fields) -> Option<FunctionRef> {
    if !fields.take("functionRef").is_some_and(Value::is_object) {
        let name = fields.text(reader, "functionRef")?;
        return Some(FunctionRef {
            name,
            arguments: None,
            renamed_arguments: None,
            selection_set: None,
            invoke_async: false,
        });
    }
    let mut inner = fields.object(reader, "functionRef")?;
    let name = inner.required_text(reader, "refName");
    // SonataFlow accepts a list of arguments, for its Python services.
    let arguments = match inner.take("arguments") {
        Some(Value::Array(_)) => inner.value("arguments"),
        _ => inner.text_or_object(reader, "arguments"),
    };
    let selection_set = inner.text(reader, "selectionSet");
    let invoke_async = read_invoke(reader, &mut inner);
    let renamed = inner.other_name("arguments");
    inner.reported.extend(renamed);
    let renamed_arguments = renamed.map(|name| At { value: name.to_owned(), at: inner.pointer(name) });
    inner.finish_leniently(reader);
    Some(FunctionRef { name: name?, arguments, renamed_arguments, selection_set, invoke_async })
}

/// `eventRef`: an event to publish, and one to wait for.
fn read_event_ref(reader: &mut Reader, fields: &mut Fields) -> Option<EventRef> {
    let mut inner = fields.object(reader, "eventRef")?;
    let trigger = inner.required_text(reader, "triggerEventRef");
    let result = inner.text(reader, "resultEventRef");
    let invoke_async = inner.choice(reader, "invoke", &INVOKE).unwrap_or(false);
    if result.is_none() && !invoke_async {
        let message = format!("{}: `resultEventRef` is required in `eventRef`", inner.place);
        reader
            .deviation(codes::MISSING_OPTIONAL, &inner.at, message)
            .help("without it the event is only published");
    }
    if result.is_some() && reader.compat == Compat::SonataFlow {
        inner.unused(
            reader,
            "resultEventRef",
            "as on SonataFlow the event is only published; `rondo.compat=spec` waits for the answer",
        );
    }
    let result_timeout = inner.lenient_duration(reader, "resultEventTimeout");
    let data = inner.text_or_object(reader, "data");
    let context_attributes = next::read_context_attributes(reader, &mut inner);
    inner.finish(reader);
    let trigger = ProduceEvent { event_ref: trigger?, data, context_attributes };
    Some(EventRef { trigger, result, result_timeout, invoke_async })
}

/// `subFlowRef`: an id, or an object.
fn read_subflow_ref(reader: &mut Reader, fields: &mut Fields) -> Option<SubFlowRef> {
    if !fields.take("subFlowRef").is_some_and(Value::is_object) {
        let workflow_id = fields.text(reader, "subFlowRef")?;
        return Some(SubFlowRef {
            workflow_id,
            version: None,
            invoke_async: false,
            continue_after_parent: false,
        });
    }
    let mut inner = fields.object(reader, "subFlowRef")?;
    let workflow_id = inner.required_text(reader, "workflowId");
    let version = inner.text(reader, "version").map(|version| version.value);
    let invoke_async = read_invoke(reader, &mut inner);
    let continue_after_parent = inner
        .choice(reader, "onParentComplete", &[("terminate", false), ("continue", true)])
        .unwrap_or(false);
    if continue_after_parent && !invoke_async {
        inner.unused(reader, "onParentComplete", "the parent waits for a subflow without `invoke: async`");
    }
    inner.finish(reader);
    Some(SubFlowRef { workflow_id: workflow_id?, version, invoke_async, continue_after_parent })
}

/// `sleep`: before, after, or both.
fn read_sleep(reader: &mut Reader, fields: &mut Fields) -> (Option<At<String>>, Option<At<String>>) {
    let Some(mut inner) = fields.object(reader, "sleep") else { return (None, None) };
    if !inner.has("before") && !inner.has("after") {
        inner.missing(reader, "before", "a duration, here or as `after`");
    }
    inner.place = format!("{}, sleep", fields.place);
    let sleeps = (inner.duration(reader, "before"), inner.duration(reader, "after"));
    inner.finish(reader);
    sleeps
}
