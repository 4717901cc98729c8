//! Reads event and callback states.

use serde_json::Value;

use super::{Fields, Reader, actions, filters};
use crate::{
    Pointer, codes,
    model::{Callback, EventState, OnEvents, StateKind},
};

/// The properties of an event state.
pub(super) fn read_event_state(reader: &mut Reader, fields: &mut Fields) -> Option<StateKind> {
    let exclusive = fields.flag(reader, "exclusive", true);
    let place = fields.place.clone();
    let list = fields.required_list(reader, "onEvents");
    let on_events =
        list?.into_iter().filter_map(|(at, value)| read_on_events(reader, value, &at, &place)).collect();
    Some(StateKind::Event(EventState { exclusive, on_events }))
}

fn read_on_events(reader: &mut Reader, value: &Value, at: &Pointer, place: &str) -> Option<OnEvents> {
    let mut fields = Fields::open(reader, value, at, &format!("{place}, onEvents"))?;
    let refs_given = fields.required_list(reader, "eventRefs").is_some();
    let event_refs = fields.texts(reader, "eventRefs");
    for (index, event) in event_refs.iter().enumerate() {
        if event_refs.iter().take(index).any(|earlier| earlier.value == event.value) {
            let message = format!("{place}: the event `{}` stands twice in `eventRefs`", event.value);
            reader.error(codes::DUPLICATE_NAME, &event.at, message);
        }
    }
    let parallel_actions = actions::read_mode(reader, &mut fields);
    let filter = filters::read_event_filter(reader, &mut fields);
    let actions = actions::read_list(reader, &mut fields, place);
    fields.finish(reader);
    refs_given.then_some(OnEvents { event_refs, parallel_actions, filter, actions })
}

/// The properties of a callback state.
pub(super) fn read_callback(reader: &mut Reader, fields: &mut Fields) -> Option<StateKind> {
    let at = fields.pointer("action");
    let place = fields.place.clone();
    let given = fields.take("action");
    if given.is_none() && !fields.has_other_name("action") {
        let message = format!("{place}: `action` is required");
        reader
            .deviation(codes::MISSING_OPTIONAL, &fields.at, message)
            .help("without it the state only waits for its event");
    }
    let action = given.map(|value| actions::read_action(reader, value, &at, &place, 1).map(Box::new));
    let event_ref = fields.required_text(reader, "eventRef");
    let filter = filters::read_event_filter(reader, fields);
    // An action with errors is not the same as none.
    let action = match action {
        Some(action) => Some(action?),
        None => None,
    };
    Some(StateKind::Callback(Callback { action, event_ref: event_ref?, filter }))
}
