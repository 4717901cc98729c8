//! Reads switches.

use serde_json::Value;

use super::{Fields, Reader, filters, next};
use crate::{
    Pointer, codes,
    model::{DataCondition, EventCondition, Next, StateKind, Switch, SwitchConditions},
};

/// The properties of a switch. `name` is that of the state.
pub(super) fn read_switch(reader: &mut Reader, fields: &mut Fields, name: &str) -> Option<StateKind> {
    for property in ["transition", "end"] {
        if fields.take(property).is_some_and(|value| *value != Value::Bool(false)) {
            let message = format!("{}: a switch has no `{property}` of its own", fields.place);
            reader
                .error(codes::SWITCH_EXIT, &fields.pointer(property), message)
                .help("put it into `defaultCondition`");
        }
    }
    let place = fields.place.clone();
    let data = fields.list(reader, "dataConditions");
    let events = fields.list(reader, "eventConditions");
    let conditions = match (data.is_empty(), events.is_empty()) {
        (true, true)
            if ["dataConditions", "eventConditions"].iter().any(|name| fields.has_other_name(name)) =>
        {
            None
        }
        (true, true) => {
            let message =
                format!("No dataConditions or eventConditions where found for the switch state \"{name}\"");
            reader.error(codes::SWITCH_CONDITIONS, &fields.at, message);
            None
        }
        (false, false) => {
            let message = format!(
                "Both dataConditions and eventConditions where found for the switch state \"{name}\"; it can have one \
                 of them"
            );
            reader.error(codes::SWITCH_CONDITIONS, &fields.pointer("eventConditions"), message).on_key();
            None
        }
        (false, true) => {
            let read = |(at, value)| read_data_condition(reader, value, &at, &place);
            Some(SwitchConditions::Data(data.into_iter().filter_map(read).collect()))
        }
        (true, false) => {
            let read = |(at, value)| read_event_condition(reader, value, &at, &place);
            Some(SwitchConditions::Events(events.into_iter().filter_map(read).collect()))
        }
    };
    let default = read_default(reader, fields);
    Some(StateKind::Switch(Switch { conditions: conditions?, default }))
}

fn read_default(reader: &mut Reader, fields: &mut Fields) -> Option<Next> {
    if !fields.has("defaultCondition") && !fields.has_other_name("defaultCondition") {
        let message = format!("{}: `defaultCondition` is required", fields.place);
        reader
            .deviation(codes::MISSING_DEFAULT, &fields.at, message)
            .help("without it the instance fails when no condition is true");
    }
    let mut inner = fields.object(reader, "defaultCondition")?;
    inner.place = format!("{}, defaultCondition", fields.place);
    let next = next::read_required(reader, &mut inner);
    inner.finish(reader);
    next
}

fn read_data_condition(
    reader: &mut Reader,
    value: &Value,
    at: &Pointer,
    place: &str,
) -> Option<DataCondition> {
    let mut fields = Fields::open(reader, value, at, &format!("{place}, dataConditions"))?;
    let name = read_name(reader, &mut fields, place);
    let condition = fields.required_text(reader, "condition");
    let next = next::read_required(reader, &mut fields);
    fields.metadata(reader);
    fields.finish(reader);
    Some(DataCondition { name, condition: condition?, next: next? })
}

fn read_event_condition(
    reader: &mut Reader,
    value: &Value,
    at: &Pointer,
    place: &str,
) -> Option<EventCondition> {
    let mut fields = Fields::open(reader, value, at, &format!("{place}, eventConditions"))?;
    let name = read_name(reader, &mut fields, place);
    let event_ref = fields.required_text(reader, "eventRef");
    let filter = filters::read_event_filter(reader, &mut fields);
    let next = next::read_required(reader, &mut fields);
    fields.metadata(reader);
    fields.finish(reader);
    Some(EventCondition { name, event_ref: event_ref?, filter, next: next? })
}

/// The name of a condition; messages about the condition contain it.
fn read_name(reader: &mut Reader, fields: &mut Fields, place: &str) -> Option<String> {
    let name = fields.text(reader, "name")?.value;
    fields.place = format!("{place}, condition `{name}`");
    Some(name)
}
