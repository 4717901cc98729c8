//! What is shown of a workflow.
//!
//! The document itself is not kept once it is lowered: with all its places it takes several times the memory of the program.

use std::sync::Arc;

use crate::{ActionKind, StateKind};

/// A workflow in outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The document's description; empty without one.
    pub description: String,
    /// Its annotations.
    pub annotations: Vec<String>,
    /// Its text as it was read.
    pub text: Arc<str>,
    /// Name of its file, relative to the folder of workflows.
    pub path: Arc<str>,
    /// Name of the state that it starts with.
    pub start: String,
    /// Its states, in the order of the document.
    pub states: Vec<StateOutline>,
    /// Whether an instance is started by an event only.
    pub starts_by_event: bool,
}

/// A state in outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateOutline {
    /// Its name.
    pub name: String,
    /// What kind of state it is.
    pub kind: StateKind,
    /// Its actions, those of branches and events included.
    pub actions: Vec<ActionOutline>,
    /// Where it leads, in the order of the document.
    pub transitions: Vec<Transition>,
}

/// A way out of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Name of the next state; `None`: the path ends.
    pub to: Option<String>,
    /// When it is taken, for people: a condition, the name of an event or of an error, `default`. `None`: always.
    pub when: Option<String>,
}

/// An action in outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionOutline {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The branch it is in.
    pub branch: Option<String>,
    /// Name of what it calls: a function, a workflow, an event.
    pub target: String,
    /// What it does.
    pub kind: ActionKind,
}
