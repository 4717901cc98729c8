//! Reads `transition`, `end` and `onErrors`, and the events that they publish.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Fields, Reader, fields};
use crate::{
    Compat, Pointer, codes,
    model::{At, End, Next, OnError, ProduceEvent, Transition},
};

/// Exactly one of `transition` and `end`.
pub(super) fn required(reader: &mut Reader, fields: &mut Fields) -> Option<Next> {
    read(reader, fields, true)
}

/// At most one of them, for states that a compensation runs.
pub(super) fn optional(reader: &mut Reader, fields: &mut Fields) -> Option<Next> {
    read(reader, fields, false)
}

fn read(reader: &mut Reader, fields: &mut Fields, required: bool) -> Option<Next> {
    let transitions = fields.has("transition");
    let transition = transition(reader, fields);
    let ends = fields.has("end");
    let end = end(reader, fields);
    // `end: false` counts as absent.
    let ends = ends && !matches!(end, Ended::No);
    let place = &fields.place;
    match (transitions, ends) {
        (true, true) => {
            let message = format!("{place}: only one of `transition` and `end` may be given");
            reader.error(codes::WAY_OUT, &fields.pointer("end"), message);
        }
        (false, false) if required => {
            let message = format!(
                "{place}: one of `transition` and `end` is required, otherwise it connects to nothing"
            );
            reader.error(codes::WAY_OUT, &fields.at, message).help("`end: true` ends the workflow there");
        }
        _ => {}
    }
    match end {
        Ended::Yes(end) if !transitions => Some(Next::End(end)),
        _ => transition.map(Next::Transition),
    }
}

/// `transition`: a name, or an object.
fn transition(reader: &mut Reader, fields: &mut Fields) -> Option<Transition> {
    if fields.take("transition").is_some_and(Value::is_object) {
        let mut inner = fields.object(reader, "transition")?;
        let next_state = inner.required_text(reader, "nextState");
        let compensate = inner.flag(reader, "compensate", false);
        let produce_events = produce_events(reader, &mut inner);
        inner.finish(reader);
        return Some(Transition { next_state: next_state?, compensate, produce_events });
    }
    let next_state = fields.text(reader, "transition")?;
    Some(Transition { next_state, compensate: false, produce_events: Vec::new() })
}

enum Ended {
    Yes(End),
    No,
    /// Of the wrong type; the problem is reported.
    Broken,
}

/// `end`: a boolean, or an object.
fn end(reader: &mut Reader, fields: &mut Fields) -> Ended {
    let Some(value) = fields.take("end") else { return Ended::No };
    let at = fields.pointer("end");
    if !value.is_object() {
        return match fields::flag(reader, value, &at, &fields.place, "end") {
            Some(true) => Ended::Yes(End {
                terminate: false,
                compensate: false,
                produce_events: Vec::new(),
                continue_as: None,
                at,
            }),
            Some(false) => Ended::No,
            None => {
                fields.mistyped(reader, "end", "true, false or an object", value);
                Ended::Broken
            }
        };
    }
    let Some(mut inner) = fields.object(reader, "end") else { return Ended::Broken };
    let terminate = inner.flag(reader, "terminate", false);
    let terminate_denied = inner.has("terminate") && !terminate;
    let compensate = inner.flag(reader, "compensate", false);
    let produce_events = produce_events(reader, &mut inner);
    let continue_as = continue_as(reader, &mut inner, terminate_denied);
    inner.finish(reader);
    Ended::Yes(End { terminate, compensate, produce_events, continue_as, at })
}

/// `continueAs`: an id, or an object with one.
fn continue_as(reader: &mut Reader, end: &mut Fields, terminate_denied: bool) -> Option<At<Value>> {
    let value = end.text_or_object(reader, "continueAs")?;
    if value.value.is_object()
        && let Some(mut inner) = end.object(reader, "continueAs")
    {
        let id = inner.required_text(reader, "workflowId");
        inner.text(reader, "version");
        inner.text_or_object(reader, "data");
        inner.text_or_object(reader, "workflowExecTimeout");
        inner.finish(reader);
        id?;
    }
    if terminate_denied {
        let message = format!("{}: `continueAs` cannot be given together with `terminate: false`", end.place);
        reader.deviation(codes::CONTINUE_AS, &value.at, message);
        return (reader.compat == Compat::Spec).then_some(value);
    }
    Some(value)
}

/// `produceEvents`.
fn produce_events(reader: &mut Reader, fields: &mut Fields) -> Vec<ProduceEvent> {
    let place = fields.place.clone();
    let list = fields.list(reader, "produceEvents");
    list.into_iter().filter_map(|(at, value)| produce_event(reader, value, &at, &place)).collect()
}

fn produce_event(reader: &mut Reader, value: &Value, at: &Pointer, place: &str) -> Option<ProduceEvent> {
    let mut fields = Fields::open(reader, value, at, place)?;
    let event_ref = fields.required_text(reader, "eventRef");
    let data = fields.text_or_object(reader, "data");
    let context_attributes = context_attributes(reader, &mut fields);
    fields.finish(reader);
    Some(ProduceEvent { event_ref: event_ref?, data, context_attributes })
}

/// `contextAttributes`: an object, or, as in the text of the specification, a list of one.
pub(super) fn context_attributes(reader: &mut Reader, fields: &mut Fields) -> IndexMap<String, At<Value>> {
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
pub(super) fn on_errors(reader: &mut Reader, fields: &mut Fields) -> Vec<OnError> {
    let place = fields.place.clone();
    let list = fields.list(reader, "onErrors");
    list.into_iter().filter_map(|(at, value)| on_error(reader, value, &at, &place)).collect()
}

fn on_error(reader: &mut Reader, value: &Value, at: &Pointer, place: &str) -> Option<OnError> {
    let mut fields = Fields::open(reader, value, at, &format!("{place}, onErrors"))?;
    let given = fields.has("errorRef") || fields.has("errorRefs");
    let errors: Vec<_> =
        fields.text(reader, "errorRef").into_iter().chain(fields.texts(reader, "errorRefs")).collect();
    if !given {
        fields.missing(reader, "errorRef", "text, or a list `errorRefs`");
    }
    let next = required(reader, &mut fields);
    fields.finish(reader);
    Some(OnError { errors, next: next?, at: at.clone() })
}
