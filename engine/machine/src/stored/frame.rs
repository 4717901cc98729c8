//! The stored form of a frame.

use std::sync::Arc;

use rondo_expression::Val;
use rondo_program::{Instruction, Program};
use serde::{Deserialize, Serialize};

use super::{
    DecodeError,
    fields::{exact_pairs, is_false, is_zero, nullable},
    parts::read_loop,
};
use crate::{
    CallNumber, FrameId, Millis, Snapshot, Visit,
    frame::{Frame, OpenScope, RequiredAttribute, Role, Wait},
    snapshot::{LostPosition, StoredLoop, UNKNOWN_POSITION},
};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredFrame {
    #[serde(rename = "i")]
    id: FrameId,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    parent: Option<FrameId>,
    #[serde(rename = "o", default, skip_serializing_if = "Role::is_root")]
    role: Role,
    /// The label of its instruction.
    #[serde(rename = "c")]
    position: Arc<str>,
    #[serde(rename = "w", default, skip_serializing_if = "StoredWait::is_ready")]
    wait: StoredWait,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    data: Option<Val>,
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<StoredScope>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    focus: Option<Val>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    result: Option<Val>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    previous: Option<Val>,
    #[serde(rename = "er", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    error: Option<Val>,
    /// Only those that cannot be derived: the variables of an action that nobody waits for.
    #[serde(rename = "va", default, skip_serializing_if = "Vec::is_empty", deserialize_with = "exact_pairs")]
    variables: Vec<(Arc<str>, Val)>,
    #[serde(rename = "ev", default, skip_serializing_if = "Vec::is_empty", deserialize_with = "exact_pairs")]
    events: Vec<(Arc<str>, Val)>,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    call_in_doubt: Option<CallNumber>,
}

#[derive(Serialize, Deserialize)]
struct StoredScope {
    #[serde(rename = "n")]
    label: Arc<str>,
    #[serde(rename = "v", default, skip_serializing_if = "is_zero")]
    visit: Visit,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Millis>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    single_deadline: Option<Millis>,
    #[serde(rename = "e", default, skip_serializing_if = "is_false")]
    failed: bool,
}

#[derive(Serialize, Deserialize, Default)]
enum StoredWait {
    #[default]
    #[serde(rename = "g")]
    Ready,
    #[serde(rename = "t")]
    Sleep(Millis),
    #[serde(rename = "c")]
    Call(CallNumber, u32),
    #[serde(rename = "r")]
    Retry(Millis, CallNumber, u32),
    #[serde(rename = "s")]
    Child(CallNumber),
    /// A child instance that is not the first attempt, with the number of the attempt.
    #[serde(rename = "sr")]
    RetriedChild(CallNumber, u32),
    #[serde(rename = "b")]
    Branches(u32, #[serde(deserialize_with = "exact_pairs")] Vec<(u32, Val)>),
    /// The index of the next element, the number of running iterations, the batch size. Elements and results are parts.
    #[serde(rename = "l")]
    Loop(u32, u32, u32),
    #[serde(rename = "u")]
    Compensation,
    /// As builds wrote it that did not deliver events: no row says that the instance waits.
    #[serde(rename = "e")]
    UnregisteredEvents(Option<Millis>, #[serde(deserialize_with = "exact_pairs")] Vec<(Arc<str>, Val)>),
    #[serde(rename = "v")]
    Events(
        Option<Millis>,
        #[serde(deserialize_with = "exact_pairs")] Vec<(Arc<str>, Val)>,
        Vec<RequiredAttribute>,
    ),
    #[serde(rename = "x")]
    Failed,
    #[serde(rename = "z")]
    GivenUp,
}

impl StoredWait {
    fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }
}

impl Snapshot {
    /// Adds a stored frame. If the program does not have its position, or not all of its scopes, the position is lost; the frame then keeps
    /// the outer scopes that the program has.
    pub(super) fn add_frame(
        &mut self,
        program: &Program,
        stored: StoredFrame,
        parts: &[(String, Vec<u8>)],
    ) -> Result<(), DecodeError> {
        let StoredFrame {
            id,
            parent,
            role,
            position,
            data,
            scopes,
            focus,
            result,
            previous,
            error,
            variables,
            events,
            call_in_doubt,
            ..
        } = stored;
        let wait = match stored.wait {
            StoredWait::Ready => Wait::Ready,
            StoredWait::Sleep(until) => Wait::Sleep(until),
            StoredWait::Call(call, attempt) => Wait::Call { call, attempt },
            StoredWait::Retry(until, call, attempt) => Wait::Retry { until, call, attempt },
            StoredWait::Child(call) => Wait::Child { call, attempt: 1 },
            StoredWait::RetriedChild(call, attempt) => Wait::Child { call, attempt },
            StoredWait::Branches(required, ended) => Wait::Branches { required, ended },
            StoredWait::Loop(next, running, batch) => {
                let (items, results) = read_loop(id, parts)?;
                self.stored_loops.insert(id, StoredLoop { results: results.len(), has_ended: false });
                Wait::Loop { items, next, running, batch, results }
            }
            StoredWait::Compensation => Wait::Compensation,
            StoredWait::UnregisteredEvents(until, arrived) => {
                self.has_unregistered_waits = true;
                Wait::Events { until, arrived, required: Vec::new() }
            }
            StoredWait::Events(until, arrived, required) => Wait::Events { until, arrived, required },
            StoredWait::Failed => Wait::Failed,
            StoredWait::GivenUp => Wait::GivenUp,
        };
        let open = scopes.iter().map(|scope| {
            let id = program.scope_labelled(&scope.label)?;
            Some(OpenScope {
                id,
                visit: scope.visit,
                deadline: scope.deadline,
                single_deadline: scope.single_deadline,
                failed: scope.failed,
            })
        });
        let open: Option<Vec<_>> = open.collect();
        let known = program.code.find(&position).filter(|pc| can_stand_at(&wait, program.instruction(*pc)));
        let (pc, scopes) = if let (Some(pc), Some(scopes)) = (known, open) {
            (pc, scopes)
        } else {
            self.lost.push(LostPosition { frame: id, label: position });
            let outer = scopes.iter().map_while(|scope| {
                let id = program.scope_labelled(&scope.label)?;
                let (visit, failed) = (scope.visit, scope.failed);
                Some(OpenScope { id, visit, deadline: None, single_deadline: None, failed })
            });
            (UNKNOWN_POSITION, outer.collect())
        };
        self.frames.push(Frame {
            id,
            parent,
            role,
            pc,
            wait,
            data,
            scopes,
            focus,
            result,
            previous,
            error,
            events,
            variables,
            call_in_doubt,
        });
        Ok(())
    }
}

/// The stored form of a frame.
pub(super) fn encode_frame(program: &Program, frame: &Frame) -> StoredFrame {
    let wait = match &frame.wait {
        Wait::Ready => StoredWait::Ready,
        Wait::Sleep(until) => StoredWait::Sleep(*until),
        Wait::Call { call, attempt } => StoredWait::Call(*call, *attempt),
        Wait::Retry { until, call, attempt } => StoredWait::Retry(*until, *call, *attempt),
        Wait::Child { call, attempt: 1 } => StoredWait::Child(*call),
        Wait::Child { call, attempt } => StoredWait::RetriedChild(*call, *attempt),
        Wait::Branches { required, ended } => StoredWait::Branches(*required, ended.clone()),
        Wait::Loop { next, running, batch, .. } => StoredWait::Loop(*next, *running, *batch),
        Wait::Compensation => StoredWait::Compensation,
        Wait::Events { until, arrived, required } => {
            StoredWait::Events(*until, arrived.clone(), required.clone())
        }
        Wait::Failed => StoredWait::Failed,
        Wait::GivenUp => StoredWait::GivenUp,
    };
    let scopes = frame.scopes.iter().map(|open| StoredScope {
        label: program.scope_label(open.id).into(),
        visit: open.visit,
        deadline: open.deadline,
        single_deadline: open.single_deadline,
        failed: open.failed,
    });
    StoredFrame {
        id: frame.id,
        parent: frame.parent,
        role: frame.role,
        position: program.code.label(frame.pc).into(),
        wait,
        data: frame.data.clone(),
        scopes: scopes.collect(),
        focus: frame.focus.clone(),
        result: frame.result.clone(),
        previous: frame.previous.clone(),
        error: frame.error.clone(),
        variables: if frame.is_detached() { frame.variables.clone() } else { Vec::new() },
        events: frame.events.clone(),
        call_in_doubt: frame.call_in_doubt,
    }
}

/// Whether a frame with this wait can be at an instruction. It cannot if another build uses the label for another kind of instruction.
pub(crate) fn can_stand_at(wait: &Wait, instruction: Option<&Instruction>) -> bool {
    let Some(instruction) = instruction else { return false };
    match wait {
        Wait::Ready | Wait::Failed | Wait::GivenUp => true,
        Wait::Sleep(_) => matches!(instruction, Instruction::Sleep(_)),
        Wait::Call { .. } => matches!(instruction, Instruction::Call { .. }),
        Wait::Retry { .. } => matches!(instruction, Instruction::Call { .. } | Instruction::Subflow { .. }),
        Wait::Child { .. } => matches!(instruction, Instruction::Subflow { .. }),
        Wait::Branches { .. } => matches!(instruction, Instruction::Fork { .. }),
        Wait::Loop { .. } => matches!(instruction, Instruction::ForEach(_)),
        Wait::Compensation => matches!(instruction, Instruction::Compensate),
        Wait::Events { .. } => matches!(instruction, Instruction::Await { .. }),
    }
}
