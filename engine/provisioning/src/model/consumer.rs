//! Who gets which types of events by a channel of their own.

use super::EventKind;

/// A consumer of events, and the types that are for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consumer {
    /// Its name, as its channel has it.
    pub(crate) name: String,
    /// Names of types; none for nothing.
    pub(crate) types: Vec<String>,
    /// Whether the types come from a property.
    pub(crate) is_configured: bool,
}

/// The consumers that every platform has, with what they get unless a property says otherwise. Source: provisioning contract, 3.8.
const USUAL: [(&str, &[EventKind]); 5] = [
    ("audit", &[EventKind::Started, EventKind::Allocated, EventKind::Activated]),
    ("billing", &[EventKind::Allocated, EventKind::Completed, EventKind::Failed, EventKind::RolledBack]),
    (
        "notification",
        &[
            EventKind::Started,
            EventKind::StepCompleted,
            EventKind::Completed,
            EventKind::Failed,
            EventKind::Suspended,
            EventKind::Reactivated,
            EventKind::RolledBack,
        ],
    ),
    // A compensated order is known by its events alone: its request is Failed first, and Rolled Back when nothing is left.
    ("order", &[EventKind::Completed, EventKind::Failed, EventKind::RolledBack]),
    (
        "portal",
        &[EventKind::StepCompleted, EventKind::Activated, EventKind::Suspended, EventKind::Reactivated],
    ),
];

impl Consumer {
    /// A consumer with the types of a property: names separated by commas.
    ///
    /// # Errors
    /// A type that the desk does not have, as it was written.
    pub(crate) fn configured(name: &str, list: &str) -> Result<Self, String> {
        let types = list.split(',').map(str::trim).filter(|kind| !kind.is_empty()).map(str::to_owned);
        let types: Vec<String> = types.collect();
        match types.iter().find(|name| EventKind::ALL.iter().all(|kind| kind.name() != name.as_str())) {
            Some(unknown) => Err(unknown.clone()),
            None => Ok(Self { name: name.to_owned(), types, is_configured: true }),
        }
    }

    /// The consumers that are there without any property.
    pub(crate) fn usual() -> Vec<Self> {
        let named = USUAL.iter().map(|(name, kinds)| Self {
            name: (*name).to_owned(),
            types: kinds.iter().map(|kind| kind.name().to_owned()).collect(),
            is_configured: false,
        });
        named.collect()
    }
}
