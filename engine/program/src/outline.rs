//! The outline of a workflow: the parts of the document that views show.
//!
//! The engine drops the document after lowering it: with the positions of all values it takes several times the memory of the program.

use std::sync::Arc;

use crate::{ActionKind, StateKind};

/// The outline of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The document's description; empty without one.
    pub description: String,
    /// Its annotations.
    pub annotations: Vec<String>,
    /// Its text, as it is in the file.
    pub text: Arc<str>,
    /// Name of its file, relative to the folder of workflows.
    pub path: Arc<str>,
    /// Name of its first state.
    pub start: String,
    /// Its states, in the order of the document.
    pub states: Vec<StateOutline>,
    /// Whether only an event can start an instance: the first state is an event state.
    pub starts_by_event: bool,
}

/// The outline of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateOutline {
    /// Its name.
    pub name: String,
    /// The type of the state.
    pub kind: StateKind,
    /// Names of the events that it waits for, in the order of the document.
    pub events: Vec<String>,
    /// Its actions, those of branches and events included.
    pub actions: Vec<ActionOutline>,
    /// Its transitions and ends, in the order of the document.
    pub transitions: Vec<Transition>,
}

/// A transition or an end of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Name of the next state; `None`: the path ends.
    pub to: Option<String>,
    /// When the instance takes it, for people: a condition, the name of an event or of an error, `default`. `None`: always.
    pub when: Option<String>,
}

/// The outline of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionOutline {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Name of its branch, if it is in one.
    pub branch: Option<String>,
    /// Name of the function, workflow or event that it calls.
    pub target: String,
    /// What it does.
    pub kind: ActionKind,
}
