//! Moments as people and programs read them.
//!
//! The engine answers milliseconds since 1970.

use jiff::Timestamp;
use serde_json::Value;

/// Milliseconds since 1970 as people read them.
pub(crate) fn moment(millis: Option<i64>) -> String {
    let moment = millis.and_then(timestamp);
    moment.map_or_else(|| "-".to_owned(), |moment| moment.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// Writes members of an object that are moments in ISO 8601, as the Data Index has them.
pub(crate) fn write_moments(object: &mut Value, names: &[&str]) {
    for name in names {
        let Some(slot) = object.get_mut(*name) else { continue };
        if let Some(text) = slot.as_i64().and_then(iso_8601) {
            *slot = text.into();
        }
    }
}

/// Milliseconds since 1970 in ISO 8601.
pub(crate) fn iso_8601(millis: i64) -> Option<String> {
    timestamp(millis).map(|moment| format!("{moment:.3}"))
}

/// Milliseconds since 1970 as a timestamp; `None` beyond the years that it can hold.
fn timestamp(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}
