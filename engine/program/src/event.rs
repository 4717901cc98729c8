//! The events that a workflow awaits and publishes.
//!
//! Owns: what decides whether a received event is one of the definition, and what a published one looks like. Never: knows how events
//! travel; addresses and channels belong to whoever receives and sends.

use std::sync::Arc;

use rondo_expression::Template;

/// An event definition of the workflow.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its name in the document.
    pub name: Arc<str>,
    /// The `CloudEvents` attribute `type`.
    pub event_type: Arc<str>,
    /// The attribute `source` that a received event must have; `None`: any. A published event has it, or the source of the workflow.
    pub source: Option<Arc<str>>,
    /// Whether expressions see only the data of a received event. Otherwise they see an object with its attributes and `data`.
    pub data_only: bool,
    /// The attributes that lead a received event to its instance.
    pub correlation: Vec<Correlation>,
}

/// An attribute that leads a received event to its instance (spec-0.8, "Correlation Definition").
#[derive(Debug, Clone)]
pub struct Correlation {
    /// Name of the attribute, in lower case as in `CloudEvents`.
    pub attribute: Arc<str>,
    /// The value that it must have, over *data*. `None`: the first event that an instance takes binds the value for all later ones.
    pub value: Option<Template>,
}

/// How events start a workflow whose first state is an event state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartByEvent {
    /// Names of the events.
    pub events: Vec<Arc<str>>,
    /// Whether one of the events starts an instance; otherwise one of each, with the same correlation, start it together.
    pub exclusive: bool,
    /// Whether an event without the attributes of its correlation starts nothing. On SonataFlow it starts an instance without correlation.
    pub needs_correlation: bool,
    /// If all are needed: the longest time between the first and the last of them.
    pub within: Option<std::time::Duration>,
}
