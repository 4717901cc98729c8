//! Reads the three data filters.

use super::{Fields, Reader};
use crate::model::{ActionDataFilter, EventDataFilter, StateDataFilter};

/// `stateDataFilter`.
pub(super) fn read_state_filter(reader: &mut Reader, fields: &mut Fields) -> StateDataFilter {
    let Some(mut filter) = fields.object(reader, "stateDataFilter") else {
        return StateDataFilter::default();
    };
    let read = StateDataFilter { input: filter.text(reader, "input"), output: filter.text(reader, "output") };
    filter.finish(reader);
    read
}

/// `actionDataFilter`.
pub(super) fn read_action_filter(reader: &mut Reader, fields: &mut Fields) -> ActionDataFilter {
    let Some(mut filter) = fields.object(reader, "actionDataFilter") else {
        return ActionDataFilter {
            from_state_data: None,
            results: None,
            to_state_data: None,
            use_results: true,
        };
    };
    let read = ActionDataFilter {
        from_state_data: filter.text(reader, "fromStateData"),
        results: filter.text(reader, "results"),
        to_state_data: filter.text(reader, "toStateData"),
        use_results: filter.flag(reader, "useResults", true),
    };
    filter.finish(reader);
    read
}

/// `eventDataFilter`.
pub(super) fn read_event_filter(reader: &mut Reader, fields: &mut Fields) -> EventDataFilter {
    let Some(mut filter) = fields.object(reader, "eventDataFilter") else {
        return EventDataFilter { use_data: true, data: None, to_state_data: None };
    };
    let read = EventDataFilter {
        use_data: filter.flag(reader, "useData", true),
        data: filter.text(reader, "data"),
        to_state_data: filter.text(reader, "toStateData"),
    };
    filter.finish(reader);
    read
}
