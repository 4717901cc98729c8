//! Reads the first format of snapshots, in which positions were indexes into what the build of that time lowered a document to.
//!
//! Owns: what those indexes mean now ([`rondo_program::LegacyNumbering`]). Never written any more. A position whose index means nothing makes the
//! snapshot lost, as in the second format.

use std::sync::Arc;

use rondo_expression::Val;
use rondo_program::{Instruction, Pc, Program, ScopeId, ScopeKind};
use serde::Deserialize;

use crate::{
    CallNumber, Failed, FrameId, Millis, Snapshot, Status, Visit,
    snapshot::{Frame, Lost, NOWHERE, OpenScope, Role, Wait},
    stored::{can_stand_at, nullable},
};

#[derive(Deserialize)]
struct Head {
    s: Status,
    #[serde(default)]
    f: Vec<StoredFrame>,
    n: FrameId,
    k: CallNumber,
    v: Visit,
    #[serde(default)]
    l: u32,
    #[serde(default)]
    q: u32,
    #[serde(default)]
    d: Option<Millis>,
    #[serde(default)]
    u: Vec<u32>,
    #[serde(default)]
    e: Option<Failed>,
    #[serde(default, deserialize_with = "nullable::deserialize")]
    h: Option<Val>,
    #[serde(default)]
    r: Option<Val>,
}

#[derive(Deserialize)]
struct StoredFrame {
    i: FrameId,
    #[serde(default)]
    p: Option<FrameId>,
    #[serde(default)]
    o: Role,
    c: u32,
    #[serde(default)]
    w: StoredWait,
    #[serde(default)]
    d: Option<Val>,
    #[serde(default)]
    s: Option<Open>,
    #[serde(default)]
    a: Option<Open>,
    #[serde(default, deserialize_with = "nullable::deserialize")]
    f: Option<Val>,
    #[serde(default, deserialize_with = "nullable::deserialize")]
    r: Option<Val>,
    #[serde(default, deserialize_with = "nullable::deserialize")]
    b: Option<Val>,
    #[serde(default)]
    x: Vec<(Arc<str>, Val)>,
    #[serde(default)]
    l: Option<Millis>,
    #[serde(default)]
    k: Option<CallNumber>,
}

#[derive(Deserialize)]
struct Open {
    i: u32,
    v: Visit,
    #[serde(default)]
    d: Option<Millis>,
    #[serde(default)]
    e: bool,
}

#[derive(Deserialize, Default)]
enum StoredWait {
    #[default]
    Ready,
    #[serde(rename = "t")]
    Sleep(Millis),
    #[serde(rename = "c")]
    Call { n: CallNumber, a: u32 },
    #[serde(rename = "r")]
    Retry { until: Millis, n: CallNumber, a: u32 },
    #[serde(rename = "s")]
    Child { n: CallNumber },
    #[serde(rename = "b")]
    Branches { need: u32, ended: Vec<(u32, Val)> },
    #[serde(rename = "l")]
    Loop { items: Val, next: u32, live: u32, batch: u32, results: Vec<(u32, Val)> },
    #[serde(rename = "u")]
    Compensation,
    #[serde(rename = "e")]
    Events { until: Option<Millis>, got: Vec<(Arc<str>, Val)> },
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
    let Head { s, f, n, k, v, l, q, d, u, e, h, r } = serde_json::from_slice(json)?;
    let mut snapshot = Snapshot {
        status: s,
        data: h.unwrap_or(data),
        input,
        next_frame: n,
        next_call: k,
        next_visit: v,
        depth: l,
        steps: q,
        deadline: d,
        completed: u.iter().filter_map(|number| program.legacy.state(*number)).collect(),
        failed: e,
        response: r,
        ..Snapshot::default()
    };
    for frame in f {
        add_frame(&mut snapshot, program, frame);
    }
    Ok(snapshot)
}

fn add_frame(snapshot: &mut Snapshot, program: &Program, stored: StoredFrame) {
    let StoredFrame { i, p, o, c, w, d, s, a, f, r, b, x, l, k } = stored;
    let wait = match w {
        StoredWait::Ready => Wait::Ready,
        StoredWait::Sleep(until) => Wait::Sleep(until),
        StoredWait::Call { n, a } => Wait::Call { call: n, attempt: a },
        StoredWait::Retry { until, n, a } => Wait::Retry { until, call: n, attempt: a },
        StoredWait::Child { n } => Wait::Child { call: n },
        StoredWait::Branches { need, ended } => Wait::Branches { need, ended },
        StoredWait::Loop { items, next, live, batch, results } => {
            Wait::Loop { items, next, live, batch, results }
        }
        StoredWait::Compensation => Wait::Compensation,
        StoredWait::Events { until, got } => Wait::Events { until, arrived: got },
        StoredWait::Failed => Wait::Failed,
    };
    // A sleeping frame stood behind the sleep.
    let counter = if matches!(wait, Wait::Sleep(_)) { c.checked_sub(1) } else { Some(c) };
    let pc = counter.and_then(|counter| program.legacy.instruction(counter));
    let there = pc.filter(|pc| can_stand_at(&wait, program.instruction(*pc)));
    let branch = o.branch().and_then(|index| branch_scope(program, snapshot, p, index)).map(|id| OpenScope {
        id,
        visit: 0,
        deadline: l,
        failed: false,
    });
    let open = |open: Open, id: Option<ScopeId>| {
        id.map(|id| OpenScope { id, visit: open.v, deadline: open.d, failed: open.e })
    };
    let state = s.and_then(|state| {
        let id = program.legacy.state(state.i);
        open(state, id)
    });
    let action = a.and_then(|action| {
        let id = program.legacy.action(action.i);
        open(action, id)
    });
    let pc = there.unwrap_or_else(|| {
        let known = action.or(state).map(|open| program.scope_label(open.id));
        let label = known.map_or_else(|| format!("{c}"), |label| format!("{label}/{c}"));
        snapshot.lost.push(Lost { frame: i, label: label.into() });
        NOWHERE
    });
    snapshot.frames.push(Frame {
        id: i,
        parent: p,
        role: o,
        pc,
        wait,
        data: d,
        scopes: branch.into_iter().chain(state).chain(action).collect(),
        focus: f,
        result: r,
        previous: b,
        variables: x,
        unsettled: k,
    });
}

/// The scope with which a branch begins now; the first format kept the branch's time limit at its frame.
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
