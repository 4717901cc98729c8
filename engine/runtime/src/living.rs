//! An instance in memory, between its rows and the machine.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rondo_expression::{Budget, Val};
use rondo_machine::{CallNumber, Context, Encoded, Millis, PartChange, Snapshot, Status};
use rondo_store::{Instance, PartWrite, State};
use uuid::Uuid;

use crate::{FailureView, View, catalog::Deployed, delta, engine::Inner, families::Line, registry::Reply};

/// An instance that is being worked on.
pub(crate) struct Living {
    /// The row as it was last committed; data, input and frames are in `snapshot` instead.
    pub(crate) row: Instance,
    /// Whether the row is in the database yet.
    pub(crate) stored: bool,
    pub(crate) deployed: Arc<Deployed>,
    pub(crate) snapshot: Snapshot,
    pub(crate) context: Context,
    /// Headers of the request that started it, to be passed on by calls.
    pub(crate) headers: Arc<Vec<(String, String)>>,
    /// Who waits until nothing is in flight.
    pub(crate) waiters: Vec<Reply>,
    /// Whether it came from the database and nobody has taken up yet what was under way then.
    pub(crate) is_idle: bool,
    /// Whether it came from the database and has finished no turn since: it may be what ended the process before.
    pub(crate) is_unproven: bool,
    /// The calls that were in flight then.
    pub(crate) idle_calls: Vec<CallNumber>,
    /// Children that were looked for by their id.
    pub(crate) children: HashMap<Uuid, CallNumber>,
    /// Child instances that still have something in flight.
    pub(crate) unsettled: HashSet<Uuid>,
    /// The instances above it, where that is known: it is once something was started below it.
    pub(crate) line: Option<Arc<Line>>,
}

/// What every context has in common.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) budget: Budget,
    pub(crate) speed: u32,
    pub(crate) max_steps: u32,
    pub(crate) turn_steps: u32,
}

impl Living {
    /// The first instance of its family, which may be itself.
    pub(crate) fn root(&self) -> Uuid {
        self.row.root.unwrap_or(self.row.id)
    }

    /// The root of its family, if it has one: a subflow does, and what has started one.
    pub(crate) fn family(&self) -> Option<Uuid> {
        self.row.root.or_else(|| self.line.as_ref().map(|_| self.row.id))
    }

    /// Whether it must stay in memory although nothing is to be done now.
    pub(crate) fn stays(&self) -> bool {
        self.snapshot.has_calls() || !self.waiters.is_empty() || !self.unsettled.is_empty()
    }

    /// Whether nothing of it is in flight: it has ended, failed, or waits for a moment or an event.
    pub(crate) fn is_settled(&self) -> bool {
        self.snapshot.status != Status::Active || (!self.snapshot.has_calls() && self.unsettled.is_empty())
    }

    /// How it is now.
    pub(crate) fn view(&self) -> View {
        View {
            id: self.row.id,
            workflow: self.row.workflow.clone(),
            state: state_of(self.snapshot.status),
            data: self.snapshot.visible_data(self.deployed.program.merge),
            failure: self.snapshot.failed.as_ref().map(FailureView::of),
        }
    }

    /// The row that stands for a snapshot of this instance, and the parts that changed. What the insert has fixed is left out of the
    /// updates.
    pub(crate) fn row_for(
        &self,
        inner: &Inner,
        snapshot: &mut Snapshot,
        now: Millis,
    ) -> (Instance, Vec<PartWrite>) {
        let state = state_of(snapshot.status);
        let ended = matches!(state, State::Completed | State::Aborted);
        let data = snapshot.visible_data(self.deployed.program.merge);
        let sealed = match (ended, self.stored) {
            // What ended makes no calls any more, so the tokens of its requester need not be kept.
            (true, _) => None,
            (false, true) => self.row.sealed.clone(),
            (false, false) => inner.seal(self.row.id, &self.headers, &self.context.variables),
        };
        let fixed = if self.stored { Instance::default() } else { self.row.clone() };
        // An instance that has ended stands nowhere, and loses its parts.
        let Encoded { head, parts } = match ended {
            true => Encoded { head: Vec::new(), parts: Vec::new() },
            false => snapshot.encode(&self.deployed.program, &data),
        };
        let row = Instance {
            id: self.row.id,
            state,
            updated_at: now,
            ended_at: ended.then_some(now),
            wake_at: snapshot.wake_at(),
            busy: snapshot.status == Status::Active && (snapshot.has_calls() || snapshot.is_new()),
            turn: self.row.turn + 1,
            data: data.to_json(),
            input: delta::encode(&snapshot.input, &data),
            frames: head,
            sealed,
            error: snapshot.failed.as_ref().map(|failed| error_json(&FailureView::of(failed))),
            ..fixed
        };
        (row, parts.into_iter().map(|part| part_write(self.row.id, part)).collect())
    }

    /// What a row changes in the one that is kept in memory.
    pub(crate) fn moved_on(&self, row: &Instance) -> Moved {
        Moved {
            state: row.state,
            updated_at: row.updated_at,
            ended_at: row.ended_at,
            wake_at: row.wake_at,
            busy: row.busy,
            turn: row.turn,
            sealed: if self.stored { None } else { row.sealed.clone() },
            error: row.error.clone(),
        }
    }

    /// The call number that a child instance stands for; `None` when it is not waited for any more.
    pub(crate) fn call_of(&mut self, child: Uuid) -> Option<CallNumber> {
        if !self.children.contains_key(&child) {
            let parent = self.row.id;
            self.children = self.snapshot.children().map(|call| (child_id(parent, call), call)).collect();
        }
        let call = self.children.remove(&child)?;
        self.snapshot.children().any(|waited| waited == call).then_some(call)
    }

    /// The id of the child instance that a call number stands for.
    pub(crate) fn child_id(&self, call: CallNumber) -> Uuid {
        child_id(self.row.id, call)
    }
}

/// A row as it is after a commit, without what memory does not keep of it.
pub(crate) struct Moved {
    state: State,
    updated_at: Millis,
    ended_at: Option<Millis>,
    wake_at: Option<Millis>,
    busy: bool,
    turn: u64,
    /// Only where it was sealed just now.
    sealed: Option<Vec<u8>>,
    error: Option<String>,
}

impl Moved {
    /// The commit is durable.
    pub(crate) fn write_to(self, row: &mut Instance) {
        row.state = self.state;
        row.updated_at = self.updated_at;
        row.ended_at = self.ended_at;
        row.wake_at = self.wake_at;
        row.busy = self.busy;
        row.turn = self.turn;
        row.error = self.error;
        if self.sealed.is_some() {
            row.sealed = self.sealed;
        }
    }
}

/// The id of a child instance: derived from the parent's, so that starting it twice is starting it once.
///
/// It is a UUID of version 7 with the parent's time, so that families stand together in the database.
pub(crate) fn child_id(parent: Uuid, call: CallNumber) -> Uuid {
    let mut text = parent.as_bytes().to_vec();
    text.extend_from_slice(&call.to_be_bytes());
    let digest = ring::digest::digest(&ring::digest::SHA256, &text);
    let mut bytes = *parent.as_bytes();
    bytes[6..].copy_from_slice(&digest.as_ref()[..10]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Uuid::from_bytes(bytes)
}

fn part_write(instance: Uuid, change: PartChange) -> PartWrite {
    match change {
        PartChange::Put { key, content } => PartWrite::Put { instance, key, content },
        PartChange::Remove { prefix } => PartWrite::RemovePrefix { instance, prefix },
    }
}

/// The error as it stands in the instance's row, and as the Data Index shows it.
fn error_json(failure: &FailureView) -> String {
    serde_json::json!({
        "nodeDefinitionId": failure.node,
        "nodeInstanceId": failure.visit.to_string(),
        "message": failure.described,
    })
    .to_string()
}

pub(crate) fn state_of(status: Status) -> State {
    match status {
        Status::Active => State::Active,
        Status::Completed => State::Completed,
        Status::Aborted => State::Aborted,
        Status::Error => State::Error,
    }
}

/// The headers as an object for expressions; a header that was sent several times is joined.
pub(crate) fn headers_value(headers: &[(String, String)]) -> Val {
    let mut object = Val::object::<&str>([]);
    for (name, value) in headers {
        let joined = match object.get(name).and_then(Val::as_str) {
            Some(before) => format!("{before}{value}"),
            None => value.clone(),
        };
        object.insert(name, Val::text(joined));
    }
    object
}

/// The surroundings in which an instance runs.
pub(crate) fn context(
    deployed: &Deployed,
    limits: &Limits,
    id: Uuid,
    headers: &[(String, String)],
    variables: Arc<[(Arc<str>, Val)]>,
) -> Context {
    Context {
        instance: id.to_string().into(),
        headers: headers_value(headers),
        secrets: deployed.secrets.clone(),
        variables,
        budget: limits.budget.clone(),
        speed: limits.speed,
        output: deployed.output_check.clone(),
        max_steps: limits.max_steps,
        turn_steps: limits.turn_steps,
    }
}
