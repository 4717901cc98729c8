//! What an instance waits for, for people.

use std::{collections::BTreeMap, sync::Arc};

use rondo_program::{Instruction, Program};
use serde::{Deserialize, Serialize};

use crate::{
    Millis, Snapshot, Visit,
    events::awaited_by,
    frame::{Frame, Wait},
};

/// One thing that an instance waits for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitStatus {
    /// Name of the state.
    pub state: Arc<str>,
    /// Name of the action, if an action waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Arc<str>>,
    /// What is waited for.
    pub waiting: Waiting,
    /// The visit of the innermost state or action that waits. The history has the time at which it began.
    pub visit: Visit,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "camelCase")]
pub enum Waiting {
    /// The end of a sleep.
    Sleep {
        /// When it ends.
        until: Millis,
    },
    /// The answer to a call.
    Call {
        /// Name of the function.
        function: Arc<str>,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// The next attempt of a failed call.
    Retry {
        /// When it is due.
        until: Millis,
        /// The number of the next attempt, from 1.
        attempt: u32,
    },
    /// The end of a subflow.
    Subflow {
        /// Id of the workflow.
        workflow: Arc<str>,
    },
    /// Events.
    Events {
        /// Names of the events.
        events: Vec<Arc<str>>,
        /// The attributes that an event must have to be for this instance, as far as their values are known.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        correlation: BTreeMap<Arc<str>, Arc<str>>,
        /// When the wait ends without an event; `None`: never.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Millis>,
    },
    /// A retrigger or a skip of the failed step.
    Repair,
}

/// Everything that an instance waits for. Parents come before their children.
pub fn wait_statuses(program: &Program, snapshot: &Snapshot) -> Vec<WaitStatus> {
    let frames = snapshot.frames.iter().filter(|frame| !frame.is_detached());
    frames.filter_map(|frame| frame_wait_status(program, snapshot, frame)).collect()
}

fn frame_wait_status(program: &Program, snapshot: &Snapshot, frame: &Frame) -> Option<WaitStatus> {
    let waiting = match (&frame.wait, program.instruction(frame.pc)) {
        (Wait::Sleep(until), _) => Waiting::Sleep { until: *until },
        (Wait::Call { attempt, .. }, Some(Instruction::Call { function, .. })) => {
            Waiting::Call { function: Arc::clone(function), attempt: *attempt }
        }
        (Wait::Retry { until, attempt, .. }, _) => Waiting::Retry { until: *until, attempt: *attempt },
        (Wait::Child { .. }, Some(Instruction::Subflow { workflow, .. })) => {
            Waiting::Subflow { workflow: Arc::clone(workflow) }
        }
        (Wait::Events { until, .. }, _) => {
            let awaited = awaited_by(program, snapshot, frame);
            let correlation = awaited.iter().flat_map(|event| &event.correlation);
            let known = correlation.filter_map(|(name, value)| Some((Arc::clone(name), value.clone()?)));
            Waiting::Events {
                correlation: known.collect(),
                events: awaited.into_iter().map(|event| event.name).collect(),
                until: *until,
            }
        }
        (Wait::Failed, _) => Waiting::Repair,
        _ => return None,
    };
    let frames = std::iter::successors(Some(frame), |frame| snapshot.frame(frame.parent?));
    let open = frames.flat_map(|frame| frame.scopes.iter().rev());
    let mut scopes = open.filter_map(|open| Some((open.visit, program.scope(open.id)?)));
    let own = frame.scopes.last().and_then(|open| Some((open.visit, program.scope(open.id)?)));
    let action = own.and_then(|(visit, scope)| Some((visit, Arc::clone(scope.action_name()?.0))));
    let (visit, state) = scopes.find_map(|(visit, scope)| Some((visit, Arc::clone(scope.state_name()?))))?;
    let visit = action.as_ref().map_or(visit, |(visit, _)| *visit);
    Some(WaitStatus { state, action: action.map(|(_, name)| name), waiting, visit })
}
