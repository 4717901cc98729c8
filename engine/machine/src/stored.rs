//! The stored form of a snapshot, format 2: a head, and parts for what grows.
//!
//! Promises: positions, scopes and what is to be compensated are stored by name, so a build whose lowering has other indexes continues at
//! the same places; a name that the program does not have makes the snapshot [lost](Snapshot::lost_position), never go on elsewhere.
//! What grows with a loop is a row of its own, so that a turn writes what it changed and no more.
//!
//! The head is one byte of format version and compact JSON. A part is a key and the JSON of a value:
//!
//! ```text
//! loop/<frame>/items      the elements
//! loop/<frame>/<index>    the result of one element, ten digits
//! ```

use std::sync::Arc;

use rondo_expression::Val;
use rondo_program::{Instruction, Program, ScopeId};
use serde::{Deserialize, Serialize};

use crate::{
    CallNumber, Failed, FrameId, Millis, Snapshot, Status, Visit, format1,
    snapshot::{Frame, Lost, NOWHERE, OpenScope, Role, StoredLoop, Wait},
};

/// The format that is written. A reader refuses what is newer.
const FORMAT: u8 = 2;

/// The stored form of a snapshot, as far as it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// What is written each time.
    pub head: Vec<u8>,
    /// Parts that were added or are no longer needed since the last encoding.
    pub parts: Vec<PartChange>,
}

/// A change of the parts of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartChange {
    /// A part that is new. It never changes.
    Put {
        /// Its key, unique in the instance.
        key: String,
        /// JSON of a value.
        content: Vec<u8>,
    },
    /// All parts whose keys begin so are no longer needed.
    Remove {
        /// The beginning of the keys.
        prefix: String,
    },
}

/// A snapshot cannot be written: it holds something that JSON has no form for.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot cannot be written: {0}")]
pub struct EncodeError(#[from] serde_json::Error);

/// A snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It was written by a newer version.
    #[error("snapshot format {0} is newer than this version of Rondo can read ({FORMAT})")]
    Format(u8),
    /// It is damaged.
    #[error("snapshot is damaged{}", .0.as_ref().map(|error| format!(": {error}")).unwrap_or_default())]
    Damaged(#[source] Option<serde_json::Error>),
    /// It is JSON of the right form, but no instance can stand so.
    #[error("snapshot is damaged: {0}")]
    Unsound(&'static str),
    /// A part is missing or damaged.
    #[error("the part `{0}` of the snapshot is missing or damaged")]
    Part(String),
}

#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(rename = "s")]
    status: Status,
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    frames: Vec<StoredFrame>,
    #[serde(rename = "n")]
    next_frame: FrameId,
    #[serde(rename = "k")]
    next_call: CallNumber,
    #[serde(rename = "v")]
    next_visit: Visit,
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    depth: u32,
    #[serde(rename = "q", default, skip_serializing_if = "is_zero")]
    steps: u32,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Millis>,
    #[serde(rename = "u", default, skip_serializing_if = "Vec::is_empty")]
    completed: Vec<Arc<str>>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
    /// The data, while they are not what is shown: branches are under way.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    hidden: Option<Val>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    response: Option<Val>,
}

#[derive(Serialize, Deserialize)]
struct StoredFrame {
    #[serde(rename = "i")]
    id: FrameId,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    parent: Option<FrameId>,
    #[serde(rename = "o", default, skip_serializing_if = "Role::is_root")]
    role: Role,
    /// The label of the instruction that it is at.
    #[serde(rename = "c")]
    position: Arc<str>,
    #[serde(rename = "w", default, skip_serializing_if = "StoredWait::is_ready")]
    wait: StoredWait,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    data: Option<Val>,
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<StoredScope>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    focus: Option<Val>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    result: Option<Val>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    previous: Option<Val>,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    unsettled: Option<CallNumber>,
}

#[derive(Serialize, Deserialize)]
struct StoredScope {
    #[serde(rename = "n")]
    label: Arc<str>,
    #[serde(rename = "v", default, skip_serializing_if = "is_zero")]
    visit: Visit,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Millis>,
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
    #[serde(rename = "b")]
    Branches(u32, Vec<(u32, Val)>),
    /// Next element, how many run, size of a batch. Elements and results are parts.
    #[serde(rename = "l")]
    Loop(u32, u32, u32),
    #[serde(rename = "u")]
    Compensation,
    #[serde(rename = "e")]
    Events(Option<Millis>, Vec<(Arc<str>, Val)>),
    #[serde(rename = "x")]
    Failed,
}

impl StoredWait {
    fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }
}

impl Snapshot {
    /// The stored form. `shown` ([`Snapshot::visible_data`]) is stored beside it, and so is `input`; the data are in the head only where
    /// they are not what is shown, because branches are under way.
    ///
    /// Marks the parts that it gives as stored. So when they could not be stored, the snapshot must be read again.
    pub fn encode(&mut self, program: &Program, shown: &Val) -> Result<Encoded, EncodeError> {
        let head = Head {
            status: self.status,
            frames: self.frames.iter().map(|frame| encode_frame(program, frame)).collect(),
            next_frame: self.next_frame,
            next_call: self.next_call,
            next_visit: self.next_visit,
            depth: self.depth,
            steps: self.steps,
            deadline: self.deadline,
            completed: self.completed.iter().map(|id| program.scope_label(*id).into()).collect(),
            failed: self.failed.clone(),
            hidden: (self.data != *shown).then(|| self.data.clone()),
            response: self.response.clone(),
        };
        let mut bytes = vec![FORMAT];
        serde_json::to_writer(&mut bytes, &head)?;
        Ok(Encoded { head: bytes, parts: self.changed_parts() })
    }

    /// The stored form for a database that has nothing of it yet: with all parts.
    pub fn encode_whole(&self, program: &Program, shown: &Val) -> Result<Encoded, EncodeError> {
        let mut whole = self.clone();
        whole.stored_loops.clear();
        whole.encode(program, shown)
    }

    fn changed_parts(&mut self) -> Vec<PartChange> {
        let Self { frames, stored_loops, .. } = self;
        let mut changes = Vec::new();
        stored_loops.retain(|id, _| {
            let is_there =
                frames.iter().any(|frame| frame.id == *id && matches!(frame.wait, Wait::Loop { .. }));
            if !is_there {
                changes.push(PartChange::Remove { prefix: format!("loop/{id}/") });
            }
            is_there
        });
        for frame in frames {
            let Wait::Loop { items, results, .. } = &frame.wait else { continue };
            let stored = stored_loops.entry(frame.id).or_insert_with(|| {
                let key = items_key(frame.id);
                changes.push(PartChange::Put { key, content: items.to_json().into_bytes() });
                StoredLoop::default()
            });
            for (index, result) in results.iter().skip(stored.results) {
                let key = format!("loop/{}/{index:010}", frame.id);
                changes.push(PartChange::Put { key, content: result.to_json().into_bytes() });
            }
            stored.results = results.len();
        }
        changes
    }

    /// Reads a stored form: the head, all parts, and what is stored beside them.
    pub fn decode(
        program: &Program,
        head: &[u8],
        parts: &[(String, Vec<u8>)],
        data: Val,
        input: Val,
    ) -> Result<Self, DecodeError> {
        let (format, rest) = head.split_first().ok_or(DecodeError::Damaged(None))?;
        let damaged = |error| DecodeError::Damaged(Some(error));
        let snapshot = match *format {
            1 => format1::decode(program, rest, data, input).map_err(damaged)?,
            FORMAT => {
                Self::of_head(program, serde_json::from_slice(rest).map_err(damaged)?, parts, data, input)?
            }
            newer => return Err(DecodeError::Format(newer)),
        };
        match snapshot.unsoundness() {
            Some(what) => Err(DecodeError::Unsound(what)),
            None => Ok(snapshot),
        }
    }

    /// The error that an instance stands at, without reading the rest of the stored form.
    pub fn stored_failure(head: &[u8]) -> Option<Failed> {
        #[derive(Deserialize)]
        struct Only {
            #[serde(rename = "e", default)]
            failed: Option<Failed>,
        }
        let (_, rest) = head.split_first()?;
        serde_json::from_slice::<Only>(rest).ok()?.failed
    }

    fn of_head(
        program: &Program,
        head: Head,
        parts: &[(String, Vec<u8>)],
        data: Val,
        input: Val,
    ) -> Result<Self, DecodeError> {
        let Head {
            status,
            next_frame,
            next_call,
            next_visit,
            depth,
            steps,
            deadline,
            failed,
            hidden,
            response,
            ..
        } = head;
        let mut snapshot = Self {
            status,
            data: hidden.unwrap_or(data),
            input,
            next_frame,
            next_call,
            next_visit,
            depth,
            steps,
            deadline,
            failed,
            response,
            ..Self::default()
        };
        // A state that this build does not know cannot be compensated; the document is pinned, so all are known.
        snapshot.completed =
            head.completed.iter().filter_map(|label| program.scope_labelled(label)).collect();
        for frame in head.frames {
            snapshot.add_frame(program, frame, parts)?;
        }
        snapshot.give_elements_back(program);
        Ok(snapshot)
    }

    fn add_frame(
        &mut self,
        program: &Program,
        stored: StoredFrame,
        parts: &[(String, Vec<u8>)],
    ) -> Result<(), DecodeError> {
        let StoredFrame {
            id, parent, role, position, data, scopes, focus, result, previous, unsettled, ..
        } = stored;
        let wait = match stored.wait {
            StoredWait::Ready => Wait::Ready,
            StoredWait::Sleep(until) => Wait::Sleep(until),
            StoredWait::Call(call, attempt) => Wait::Call { call, attempt },
            StoredWait::Retry(until, call, attempt) => Wait::Retry { until, call, attempt },
            StoredWait::Child(call) => Wait::Child { call },
            StoredWait::Branches(need, ended) => Wait::Branches { need, ended },
            StoredWait::Loop(next, live, batch) => {
                let (items, results) = read_loop(id, parts)?;
                self.stored_loops.insert(id, StoredLoop { results: results.len() });
                Wait::Loop { items, next, live, batch, results }
            }
            StoredWait::Compensation => Wait::Compensation,
            StoredWait::Events(until, arrived) => Wait::Events { until, arrived },
            StoredWait::Failed => Wait::Failed,
        };
        let open = scopes.iter().map(|scope| {
            let id = program.scope_labelled(&scope.label)?;
            Some(OpenScope { id, visit: scope.visit, deadline: scope.deadline, failed: scope.failed })
        });
        let open: Option<Vec<_>> = open.collect();
        let there = program.code.find(&position).filter(|pc| can_stand_at(&wait, program.instruction(*pc)));
        let (pc, scopes) = if let (Some(pc), Some(scopes)) = (there, open) {
            (pc, scopes)
        } else {
            self.lost.push(Lost { frame: id, label: position });
            let known = scopes.iter().map_while(|scope| {
                let id = program.scope_labelled(&scope.label)?;
                Some(OpenScope { id, visit: scope.visit, deadline: None, failed: scope.failed })
            });
            (NOWHERE, known.collect())
        };
        let variables = Vec::new();
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
            variables,
            unsettled,
        });
        Ok(())
    }

    /// The iteration parameter is not stored with each iteration: it is the element of the loop.
    pub(crate) fn give_elements_back(&mut self, program: &Program) {
        for place in 0..self.frames.len() {
            let Some(frame) = self.frames.get(place) else { continue };
            let (Role::Iteration(index), Some(parent)) = (frame.role, frame.parent) else { continue };
            let Some(parent) = self.frame(parent) else { continue };
            let (Wait::Loop { items, .. }, Some(Instruction::ForEach(each))) =
                (&parent.wait, program.instruction(parent.pc))
            else {
                continue;
            };
            let item = items.elements().get(index as usize).cloned().unwrap_or_default();
            let variable = (Arc::clone(&each.parameter), item);
            if let Some(frame) = self.frames.get_mut(place) {
                frame.variables = vec![variable];
            }
        }
    }
}

fn encode_frame(program: &Program, frame: &Frame) -> StoredFrame {
    let wait = match &frame.wait {
        Wait::Ready => StoredWait::Ready,
        Wait::Sleep(until) => StoredWait::Sleep(*until),
        Wait::Call { call, attempt } => StoredWait::Call(*call, *attempt),
        Wait::Retry { until, call, attempt } => StoredWait::Retry(*until, *call, *attempt),
        Wait::Child { call } => StoredWait::Child(*call),
        Wait::Branches { need, ended } => StoredWait::Branches(*need, ended.clone()),
        Wait::Loop { next, live, batch, .. } => StoredWait::Loop(*next, *live, *batch),
        Wait::Compensation => StoredWait::Compensation,
        Wait::Events { until, arrived } => StoredWait::Events(*until, arrived.clone()),
        Wait::Failed => StoredWait::Failed,
    };
    let scopes = frame.scopes.iter().map(|open| StoredScope {
        label: program.scope_label(open.id).into(),
        visit: open.visit,
        deadline: open.deadline,
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
        unsettled: frame.unsettled,
    }
}

/// Whether a frame that waits so can stand at an instruction. Another build may have given the label to another kind of instruction.
pub(crate) fn can_stand_at(wait: &Wait, instruction: Option<&Instruction>) -> bool {
    let Some(instruction) = instruction else { return false };
    match wait {
        Wait::Ready | Wait::Failed => true,
        Wait::Sleep(_) => matches!(instruction, Instruction::Sleep(_)),
        Wait::Call { .. } | Wait::Retry { .. } => matches!(instruction, Instruction::Call { .. }),
        Wait::Child { .. } => matches!(instruction, Instruction::Child { .. }),
        Wait::Branches { .. } => matches!(instruction, Instruction::Fork { .. }),
        Wait::Loop { .. } => matches!(instruction, Instruction::ForEach(_)),
        Wait::Compensation => matches!(instruction, Instruction::Compensate),
        Wait::Events { .. } => matches!(instruction, Instruction::Await { .. }),
    }
}

fn items_key(frame: FrameId) -> String {
    format!("loop/{frame}/items")
}

/// The elements of a loop and the results so far, in the order of the elements.
fn read_loop(frame: FrameId, parts: &[(String, Vec<u8>)]) -> Result<(Val, Vec<(u32, Val)>), DecodeError> {
    let key = items_key(frame);
    let prefix = format!("loop/{frame}/");
    let (mut items, mut results) = (None, Vec::new());
    for (name, content) in parts {
        let Some(rest) = name.strip_prefix(&prefix) else { continue };
        let value: Val = serde_json::from_slice(content).map_err(|_| DecodeError::Part(name.clone()))?;
        match rest.parse::<u32>() {
            _ if rest == "items" => items = Some(value),
            Ok(index) => results.push((index, value)),
            Err(_) => return Err(DecodeError::Part(name.clone())),
        }
    }
    results.sort_by_key(|(index, _)| *index);
    Ok((items.ok_or(DecodeError::Part(key))?, results))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero<T: PartialEq + Default>(number: &T) -> bool {
    *number == T::default()
}

/// An optional value whose null is not the same as its absence.
pub(crate) mod nullable {
    use rondo_expression::Val;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option, reason = "the signature serde asks for")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Val>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Val>, D::Error> {
        Val::deserialize(deserializer).map(Some)
    }
}

/// The innermost construct around a label that the program has.
pub(crate) fn innermost_known(program: &Program, label: &str) -> Option<ScopeId> {
    let mut cuts = std::iter::successors(Some(label), |label| label.rsplit_once('/').map(|(outer, _)| outer));
    cuts.find_map(|label| program.scope_labelled(label))
}
