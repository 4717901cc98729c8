//! Whether an event is what a wait waits for.

use rusqlite::types::Type;
use serde::{Serialize, de::DeserializeOwned};

use crate::EventWait;

/// Attributes by which a wait finds its event, each list sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Correlation {
    /// Names whose values are bound.
    pub(super) bound: Vec<String>,
    /// Names that an event must have, with any value.
    pub(super) unbound: Vec<String>,
}

/// What an event is matched by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'event> {
    pub(super) source: &'event str,
    pub(super) attributes: &'event [(String, String)],
}

impl Subject<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a wait for this source, if it is for one, takes the event.
    pub(super) fn is_from(&self, source: Option<&str>) -> bool {
        source.is_none_or(|source| source == self.source)
    }
}

impl Correlation {
    /// The correlation of a wait, and the values of its bound attributes.
    pub(super) fn of_wait(wait: &EventWait) -> (Self, Vec<&str>) {
        let mut correlation = Self::default();
        let mut values = Vec::new();
        for (name, value) in &wait.correlation {
            match value {
                Some(value) => {
                    correlation.bound.push(name.clone());
                    values.push(value.as_str());
                }
                None => correlation.unbound.push(name.clone()),
            }
        }
        (correlation, values)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bound.is_empty() && self.unbound.is_empty()
    }

    /// The values that waits must have bound to correlate with an event; `None` when it lacks an attribute.
    pub(super) fn values_of<'event>(&self, subject: &'event Subject<'_>) -> Option<Vec<&'event str>> {
        let has_unbound = self.unbound.iter().all(|name| subject.value(name).is_some());
        let values = self.bound.iter().map(|name| subject.value(name)).collect::<Option<Vec<_>>>()?;
        has_unbound.then_some(values)
    }

    /// Whether an event that is addressed to the instance suits the wait: no attribute that it has differs from a bound one.
    pub(super) fn allows<T: AsRef<str>>(&self, values: &[T], subject: &Subject<'_>) -> bool {
        let mut bound = self.bound.iter().zip(values);
        bound.all(|(name, value)| subject.value(name).is_none_or(|found| found == value.as_ref()))
    }
}

/// The text of a column that holds a list.
pub(super) fn encode<T: Serialize + ?Sized>(list: &T) -> rusqlite::Result<String> {
    serde_json::to_string(list).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The list of a column.
pub(super) fn decode<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}
