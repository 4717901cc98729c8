//! The view of the place in a concurrency group that an instance waits for.

use std::fmt;

use rondo_store::WaitingForPlace;
use serde::{Deserialize, Serialize};

/// The place that an instance waits for. Shown as a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceView {
    /// Name of the concurrency group.
    pub group: String,
    /// The key that it shares with the others; `None` if it has none of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How many instances of the group with this key may run at once; `None` if there is no limit any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How many run.
    pub running: u64,
    /// How many wait, this one included.
    pub waiting: u64,
}

impl From<WaitingForPlace> for PlaceView {
    fn from(waiting: WaitingForPlace) -> Self {
        let WaitingForPlace { group, key, limit, running, waiting, .. } = waiting;
        let key = (key != crate::concurrency::NO_KEY).then_some(key);
        Self { group, key, limit, running, waiting }
    }
}

impl fmt::Display for PlaceView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, key, limit, running, waiting } = self;
        write!(formatter, "waits for a place in concurrency group `{group}`")?;
        if let Some(key) = key {
            write!(formatter, ", key `{key}`")?;
        }
        match limit {
            Some(limit) => write!(formatter, ": {running} of {limit} run and {waiting} wait"),
            None => write!(formatter, ": {running} run and {waiting} wait"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_in_a_sentence() {
        let place = PlaceView {
            group: "tenants".to_owned(),
            key: Some("acme".to_owned()),
            limit: Some(5),
            running: 5,
            waiting: 12,
        };
        let told = "waits for a place in concurrency group `tenants`, key `acme`: 5 of 5 run and 12 wait";
        assert_eq!(place.to_string(), told);
        let without = PlaceView { key: None, limit: None, ..place };
        let told = "waits for a place in concurrency group `tenants`: 5 run and 12 wait";
        assert_eq!(without.to_string(), told);
    }
}
