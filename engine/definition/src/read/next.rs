//! Reads `transition`, `end` and `onErrors`, and the events that they publish.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Fields, Reader, fields, timeouts};
use crate::{
    Compat, Pointer, codes,
    model::{At, ContinueAs, End, Next, OnError, ProduceEvent, Transition},
};

/// Reads exactly one of `transition` and `end`.
pub(super) fn read_required(reader: &mut Reader, fields: &mut Fields) -> Option<Next> {
    read_next(reader, fields, true)
}

/// Reads at most one of `transition` and `end`, for states that are used for compensation.
pub(super) fn read_optional(reader: &mut Reader, fields: &mut Fields) -> Option<Next> {
    read_next(reader, fields, false)
}

fn read_next(reader: &mut Reader, fields: &mut Fields, required: bool) -> Option<Next> {
    let has_transition = fields.has("transition");
    let transition = read_transition(reader, fields);
    let has_end = fields.has("end");
    let end = read_end(reader, fields);
    // `end: false` counts as absent.
    let has_end = has_end && !matches!(end, ReadEnd::No);
    let place = &fields.place;
    match (has_transition, has_end) {
        (true, true) => {
            let message = format!("{place}: only one of `transition` and `end` may be given");
            reader.error(codes::STATE_EXIT, &fields.pointer("end"), message);
        }
        (false, false)
            if required && !["transition", "end"].iter().any(|name| fields.has_other_name(name)) =>
        {
            let message = format!(
                "{place}: one of `transition` and `end` is required, otherwise it connects to nothing"
            );
            reader.error(codes::STATE_EXIT, &fields.at, message).help("`end: true` ends the workflow there");
        }
        _ => {}
    }
    match end {
        ReadEnd::Yes(end) if !has_transition => Some(Next::End(end)),
        _ => transition.map(Next::Transition),
    }
}

/// `transition`: a name, or an object.
fn read_transition(reader: &mut Reader, fields: &mut Fields) -> Option<Transition> {
    if fields.take("transition").is_some_and(Value::is_object) {
        let mut inner = fields.object(reader, "transition")?;
        let next_state = inner.required_text(reader, "nextState");
        let compensate = inner.flag(reader, "compensate", false);
        let produce_events = read_produce_events(reader, &mut inner);
        inner.finish(reader);
        return Some(Transition { next_state: next_state?, compensate, produce_events });
    }
    let next_state = fields.text(reader, "transition")?;
    Some(Transition { next_state, compensate: false, produce_events: Vec::new() })
}

/// The value of an `end`.
enum ReadEnd {
    Yes(End),
    No,
    /// Of the wrong type; the problem is reported.
    Broken,
}

/// `end`: a boolean, or an object.
fn read_end(reader: &mut Reader, fields: &mut Fields) -> ReadEnd {
    let Some(value) = fields.take("end") else { return ReadEnd::No };
    let at = fields.pointer("end");
    if !value.is_object() {
        return match fields::parse_flag(reader, value, &at, &fields.place, "end") {
            Some(true) => ReadEnd::Yes(End {
                terminate: false,
                compensate: false,
                produce_events: Vec::new(),
                continue_as: None,
                at,
            }),
            Some(false) => ReadEnd::No,
            None => {
                fields.mistyped(reader, "end", "true, false or an object", value);
                ReadEnd::Broken
            }
        };
    }
    let Some(mut inner) = fields.object(reader, "end") else { return ReadEnd::Broken };
    let terminate = inner.flag(reader, "terminate", false);
    let is_terminate_false = inner.has("terminate") && !terminate;
    let compensate = inner.flag(reader, "compensate", false);
    let produce_events = read_produce_events(reader, &mut inner);
    let continue_as = read_continue_as(reader, &mut inner, is_terminate_false).map(Box::new);
    inner.finish(reader);
    ReadEnd::Yes(End { terminate, compensate, produce_events, continue_as, at })
}

/// `continueAs`: an id, or an object with one.
fn read_continue_as(reader: &mut Reader, end: &mut Fields, is_terminate_false: bool) -> Option<ContinueAs> {
    let value = end.text_or_object(reader, "continueAs")?;
    let at = value.at;
    let successor = match value.value {
        Value::String(workflow_id) => {
            ContinueAs { workflow_id, version: None, data: None, workflow_exec: None, at: at.clone() }
        }
        _ => read_successor(reader, end, at.clone())?,
    };
    if is_terminate_false {
        let message = format!("{}: `continueAs` cannot be given together with `terminate: false`", end.place);
        reader.deviation(codes::CONTINUE_AS, &at, message);
        return (reader.compat == Compat::Spec).then_some(successor);
    }
    Some(successor)
}

fn read_successor(reader: &mut Reader, end: &mut Fields, at: Pointer) -> Option<ContinueAs> {
    let mut inner = end.object(reader, "continueAs")?;
    let workflow_id = inner.required_text(reader, "workflowId");
    let version = inner.text(reader, "version").map(|version| version.value);
    let data = inner.text_or_object(reader, "data");
    let workflow_exec = timeouts::read_workflow_exec(reader, &mut inner);
    if let Some(run_before) = workflow_exec.as_ref().and_then(|limit| limit.run_before.as_ref()) {
        let message = format!(
            "{}: `runBefore` has no effect: the workflow that continues has its own states for that",
            inner.place
        );
        reader.warning(codes::UNUSED_PROPERTY, &run_before.at, message);
    }
    inner.finish(reader);
    Some(ContinueAs { workflow_id: workflow_id?.value, version, data, workflow_exec, at })
}

/// `produceEvents`.
fn read_produce_events(reader: &mut Reader, fields: &mut Fields) -> Vec<ProduceEvent> {
    let place = fields.place.clone();
    let list = fields.list(reader, "produceEvents");
    list.into_iter().filter_map(|(at, value)| read_produce_event(reader, value, &at, &place)).collect()
}

fn read_produce_event(reader: &mut Reader, value: &Value, at: &Pointer, place: &str) -> Option<ProduceEvent> {
    let mut fields = Fields::open(reader, value, at, place)?;
    let event_ref = fields.required_text(reader, "eventRef");
    let data = fields.text_or_object(reader, "data");
    let context_attributes = read_context_attributes(reader, &mut fields);
    fields.finish(reader);
    Some(ProduceEvent { event_ref: event_ref?, data, context_attributes })
}

/// `contextAttributes`: an object, or, as in the text of the specification, a list of one.
pub(super) fn read_context_attributes(
    reader: &mut Reader,
    fields: &mut Fields,
) -> IndexMap<String, At<Value>> {
    let at = fields.pointer("contextAttributes");
    let (map, at) = match fields.take("contextAttributes") {
        None => return IndexMap::new(),
        Some(Value::Object(map)) => (map, at),
        Some(Value::Array(list)) if matches!(list.as_slice(), [Value::Object(_)]) => {
            match list.first().and_then(Value::as_object) {
                Some(map) => (map, at.index(0)),
                None => return IndexMap::new(),
            }
        }
        Some(other) => {
            fields.mistyped(reader, "contextAttributes", "an object", other);
            return IndexMap::new();
        }
    };
    map.iter().map(|(name, value)| (name.clone(), At { value: value.clone(), at: at.key(name) })).collect()
}

/// `onErrors`.
pub(super) fn read_on_errors(reader: &mut Reader, fields: &mut Fields) -> Vec<OnError> {
    let place = fields.place.clone();
    let list = fields.list(reader, "onErrors");
    list.into_iter().filter_map(|(at, value)| read_on_error(reader, value, &at, &place)).collect()
}

fn read_on_error(reader: &mut Reader, value: &Value, at: &Pointer, place: &str) -> Option<OnError> {
    let mut fields = Fields::open(reader, value, at, &format!("{place}, onErrors"))?;
    let given = fields.has("errorRef") || fields.has("errorRefs");
    let errors: Vec<_> =
        fields.text(reader, "errorRef").into_iter().chain(fields.texts(reader, "errorRefs")).collect();
    if !given {
        fields.missing(reader, "errorRef", "text, or a list `errorRefs`");
    }
    let next = read_required(reader, &mut fields);
    fields.finish(reader);
    Some(OnError { errors, next: next?, at: at.clone() })
}
