//! Reads the first format of snapshots, which has indexes into the instructions, states and actions of the build that wrote it.
//!
//! Owns: the meaning of these indexes ([`rondo_program::LegacyNumbering`]). No build writes this format any more. As in the second format, a
//! position that the program does not have makes the snapshot lost.

use std::sync::Arc;

use rondo_expression::Val;
use rondo_program::{Instruction, Pc, Program, ScopeId, ScopeKind};
use serde::Deserialize;

use crate::{
    CallNumber, FailedStep, FrameId, Millis, Snapshot, Status, Visit,
    frame::{Frame, OpenScope, Role, Wait},
    snapshot::{LostPosition, UNKNOWN_POSITION},
    stored::{can_stand_at, nullable},
};

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "s")]
    status: Status,
    #[serde(rename = "f", default)]
    frames: Vec<StoredFrame>,
    #[serde(rename = "n")]
    next_frame: FrameId,
    #[serde(rename = "k")]
    next_call: CallNumber,
    #[serde(rename = "v")]
    next_visit: Visit,
    #[serde(rename = "l", default)]
    depth: u32,
    #[serde(rename = "q", default)]
    steps: u32,
    #[serde(rename = "d", default)]
    deadline: Option<Millis>,
    #[serde(rename = "u", default)]
    completed: Vec<u32>,
    #[serde(rename = "e", default)]
    failed: Option<FailedStep>,
    #[serde(rename = "h", default, deserialize_with = "nullable::deserialize")]
    hidden: Option<Val>,
    #[serde(rename = "r", default)]
    response: Option<Val>,
}

#[derive(Deserialize)]
struct StoredFrame {
    #[serde(rename = "i")]
    id: FrameId,
    #[serde(rename = "p", default)]
    parent: Option<FrameId>,
    #[serde(rename = "o", default)]
    role: Role,
    #[serde(rename = "c")]
    counter: u32,
    #[serde(rename = "w", default)]
    wait: StoredWait,
    #[serde(rename = "d", default, deserialize_with = "nullable::deserialize")]
    data: Option<Val>,
    #[serde(rename = "s", default)]
    state: Option<StoredScope>,
    #[serde(rename = "a", default)]
    action: Option<StoredScope>,
    #[serde(rename = "f", default, deserialize_with = "nullable::deserialize")]
    focus: Option<Val>,
    #[serde(rename = "r", default, deserialize_with = "nullable::deserialize")]
    result: Option<Val>,
    #[serde(rename = "b", default, deserialize_with = "nullable::deserialize")]
    previous: Option<Val>,
    #[serde(rename = "x", default)]
    variables: Vec<(Arc<str>, Val)>,
    /// The time limit of a branch.
    #[serde(rename = "l", default)]
    deadline: Option<Millis>,
    #[serde(rename = "k", default)]
    call_in_doubt: Option<CallNumber>,
}

#[derive(Deserialize)]
struct StoredScope {
    /// The number of the state or action.
    #[serde(rename = "i")]
    number: u32,
    #[serde(rename = "v")]
    visit: Visit,
    #[serde(rename = "d", default)]
    deadline: Option<Millis>,
    #[serde(rename = "e", default)]
    failed: bool,
}

#[derive(Deserialize, Default)]
enum StoredWait {
    #[default]
    Ready,
    #[serde(rename = "t")]
    Sleep(Millis),
    #[serde(rename = "c")]
    Call {
        #[serde(rename = "n")]
        call: CallNumber,
        #[serde(rename = "a")]
        attempt: u32,
    },
    #[serde(rename = "r")]
    Retry {
        until: Millis,
        #[serde(rename = "n")]
        call: CallNumber,
        #[serde(rename = "a")]
        attempt: u32,
    },
    #[serde(rename = "s")]
    Child {
        #[serde(rename = "n")]
        call: CallNumber,
    },
    #[serde(rename = "b")]
    Branches {
        #[serde(rename = "need")]
        required: u32,
        ended: Vec<(u32, Val)>,
    },
    #[serde(rename = "l")]
    Loop {
        items: Val,
        next: u32,
        #[serde(rename = "live")]
        running: u32,
        batch: u32,
        results: Vec<(u32, Val)>,
    },
    #[serde(rename = "u")]
    Compensation,
    #[serde(rename = "e")]
    Events {
        until: Option<Millis>,
        #[serde(rename = "got")]
        arrived: Vec<(Arc<str>, Val)>,
    },
    #[serde(rename = "x")]
    Failed,
}

/// Reads a snapshot of the first format, without its leading byte.
pub(crate) fn decode(
    program: &Program,
    json: &[u8],
    data: Val,
    input: Val,
) -> Result<Snapshot, serde_json::Error> {
    let head: Head = serde_json::from_slice(json)?;
    let mut snapshot = Snapshot {
        status: head.status,
        data: head.hidden.unwrap_or(data),
        input,
        next_frame: head.next_frame,
        next_call: head.next_call,
        next_visit: head.next_visit,
        depth: head.depth,
        steps: head.steps,
        deadline: head.deadline,
        completed: head.completed.iter().filter_map(|number| program.legacy.state(*number)).collect(),
        failed: head.failed,
        response: head.response,
        has_unregistered_waits: true,
        ..Snapshot::default()
    };
    for frame in head.frames {
        add_frame(&mut snapshot, program, frame);
    }
    Ok(snapshot)
}

fn add_frame(snapshot: &mut Snapshot, program: &Program, stored: StoredFrame) {
    let StoredFrame { id, parent, role, counter, .. } = stored;
    let wait = decode_wait(stored.wait);
    // In this format a sleeping frame is already at the instruction after the sleep.
    let position = if matches!(wait, Wait::Sleep(_)) { counter.checked_sub(1) } else { Some(counter) };
    let pc = position.and_then(|position| program.legacy.instruction(position));
    let pc = pc.filter(|pc| can_stand_at(&wait, program.instruction(*pc)));
    let branch = role.branch().and_then(|index| branch_scope(program, snapshot, parent, index));
    let deadline = stored.deadline;
    let branch = branch.map(|id| OpenScope { id, visit: 0, deadline, single_deadline: None, failed: false });
    let state = stored.state.and_then(|state| open_scope(program.legacy.state(state.number), &state));
    let action = stored.action.and_then(|action| open_scope(program.legacy.action(action.number), &action));
    let pc = pc.unwrap_or_else(|| {
        let innermost = action.or(state).map(|open| program.scope_label(open.id));
        let label = innermost.map_or_else(|| format!("{counter}"), |label| format!("{label}/{counter}"));
        snapshot.lost.push(LostPosition { frame: id, label: label.into() });
        UNKNOWN_POSITION
    });
    snapshot.frames.push(Frame {
        id,
        parent,
        role,
        pc,
        wait,
        data: stored.data,
        scopes: branch.into_iter().chain(state).chain(action).collect(),
        focus: stored.focus,
        result: stored.result,
        previous: stored.previous,
        error: None,
        events: Vec::new(),
        variables: stored.variables,
        call_in_doubt: stored.call_in_doubt,
    });
}

fn decode_wait(wait: StoredWait) -> Wait {
    match wait {
        StoredWait::Ready => Wait::Ready,
        StoredWait::Sleep(until) => Wait::Sleep(until),
        StoredWait::Call { call, attempt } => Wait::Call { call, attempt },
        StoredWait::Retry { until, call, attempt } => Wait::Retry { until, call, attempt },
        StoredWait::Child { call } => Wait::Child { call, attempt: 1 },
        StoredWait::Branches { required, ended } => Wait::Branches { required, ended },
        StoredWait::Loop { items, next, running, batch, results } => {
            Wait::Loop { items, next, running, batch, results }
        }
        StoredWait::Compensation => Wait::Compensation,
        StoredWait::Events { until, arrived } => Wait::Events { until, arrived, required: Vec::new() },
        StoredWait::Failed => Wait::Failed,
    }
}

fn open_scope(id: Option<ScopeId>, stored: &StoredScope) -> Option<OpenScope> {
    let StoredScope { visit, deadline, failed, .. } = *stored;
    id.map(|id| OpenScope { id, visit, deadline, single_deadline: None, failed })
}

/// The scope at the beginning of a branch. The first format has no such scope; it has the time limit of the branch in the frame.
fn branch_scope(
    program: &Program,
    snapshot: &Snapshot,
    parent: Option<FrameId>,
    index: u32,
) -> Option<ScopeId> {
    let fork = snapshot.frame(parent?)?.pc;
    let Some(Instruction::Fork { branches, .. }) = program.instruction(fork) else { return None };
    let mut pc: Pc = branches.get(index as usize)?.start;
    while let Instruction::Jump(to) = program.instruction(pc)? {
        pc = *to;
    }
    let Some(Instruction::Enter(id)) = program.instruction(pc) else { return None };
    let scope = program.scope(*id)?;
    matches!(scope.kind, ScopeKind::Branch { .. }).then_some(*id)
}
