//! The row of an instance: made from a snapshot for a commit, and read again.
//!
//! This is the one place where a snapshot becomes columns and columns a snapshot. What grows with a loop is not in the columns: it is parts,
//! which are taken from the encoding and given to the decoding here.

use rondo_expression::Val;
use rondo_machine::{AwaitedEvent, Encoded, Millis, PartChange, Snapshot, Status};
use rondo_program::Program;
use rondo_store::{Change, EventWait, Instance, InstanceWaits, PartWrite, State, Update, Write};
use uuid::Uuid;

use crate::{
    active_instance::{ActiveInstance, state_of},
    data_mark::DataMark,
    encryption::Encryption,
    formats::{FormatError, error, input},
    refusal::Refusal,
    views::{FailureView, InstanceView},
};

/// The written form of a snapshot, and the changes of the row in memory.
pub(crate) struct NextRow {
    pub(crate) write: Write,
    /// The parts that changed. When they are not stored the snapshot must be read again, for it takes them for stored.
    pub(crate) parts: Vec<PartWrite>,
    /// What the instance waits for, if that changed.
    pub(crate) waits: Option<InstanceWaits>,
    pub(crate) committed: Committed,
}

impl NextRow {
    /// The row of a snapshot. Data that have not changed since their commit are not written again.
    pub(crate) fn new(
        instance: &ActiveInstance,
        snapshot: &mut Snapshot,
        encryption: &Encryption,
        now: Millis,
    ) -> Result<Self, FormatError> {
        let state = state_of(snapshot.status);
        let ended = matches!(state, State::Completed | State::Aborted);
        let data = snapshot.visible_data(instance.deployed.program.merge);
        let is_kept = instance.is_stored && instance.committed_data.is_of(&data);
        // A call that nobody waits for is made again after a crash, also when the instance has ended.
        let is_over = ended && !snapshot.has_detached_calls();
        let encrypted = match (is_over, instance.is_stored) {
            // An instance that is over makes no calls any more, so the tokens of its requester need not be kept.
            (true, _) => None,
            (false, true) => instance.row.sealed.clone(),
            (false, false) => instance.request.encrypt(instance.row.id, encryption)?,
        };
        let failure = snapshot.failed.as_ref().map(FailureView::of);
        // An instance that is over stands nowhere, and loses its parts.
        let Encoded { head, parts } = match is_over {
            true => Encoded { head: Vec::new(), parts: Vec::new() },
            false => snapshot.encode(&instance.deployed.program, &data)?,
        };
        let awaited = rondo_machine::awaited_events(&instance.deployed.program, snapshot);
        let waits = waits_to_write(instance, snapshot, &awaited, now);
        snapshot.waits_are_registered();
        let update = Update {
            id: instance.row.id,
            expected_turn: instance.row.turn,
            turn: instance.row.turn + 1,
            state,
            ended_at: ended.then(|| instance.row.ended_at.unwrap_or(now)),
            updated_at: now,
            wake_at: snapshot.wake_at(),
            busy: snapshot.has_detached_calls()
                || (snapshot.status == Status::Active
                    && (snapshot.has_work_in_flight() || snapshot.is_new())),
            frames: head,
            sealed: encrypted,
            error: failure.as_ref().map(error::encode).transpose()?,
            data: if is_kept { Change::Keep } else { Change::Set(data.to_json()) },
            input: if is_kept { Change::Keep } else { Change::Set(input::encode(&snapshot.input, &data)?) },
        };
        let committed = Committed {
            state: update.state,
            updated_at: update.updated_at,
            ended_at: update.ended_at,
            wake_at: update.wake_at,
            busy: update.busy,
            turn: update.turn,
            encrypted: if instance.is_stored { None } else { update.sealed.clone() },
            error: update.error.clone(),
            data: DataMark::of(&data),
            awaited,
        };
        let write = if instance.is_stored {
            Write::Update(update)
        } else {
            Write::Insert(inserted(instance.row.clone(), update))
        };
        let id = instance.row.id;
        let parts = parts.into_iter().map(|part| part_write(id, part)).collect();
        Ok(Self { write, parts, waits, committed })
    }
}

/// The waits of an instance, if they differ from those in the database. When it ends, the store removes them.
fn waits_to_write(
    instance: &ActiveInstance,
    snapshot: &Snapshot,
    awaited: &[AwaitedEvent],
    now: Millis,
) -> Option<InstanceWaits> {
    let is_over = matches!(snapshot.status, Status::Completed | Status::Aborted);
    if is_over || (*awaited == *instance.committed_waits && !snapshot.has_unregistered_waits()) {
        return None;
    }
    let waits = awaited.iter().map(|awaited| EventWait {
        frame: awaited.frame,
        event: awaited.name.to_string(),
        event_type: awaited.event_type.to_string(),
        source: awaited.source.as_deref().map(str::to_owned),
        correlation: awaited
            .correlation
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_deref().map(str::to_owned)))
            .collect(),
        since: now,
        until: awaited.until,
    });
    Some(InstanceWaits { instance: instance.row.id, waits: waits.collect() })
}

fn part_write(instance: Uuid, change: PartChange) -> PartWrite {
    match change {
        PartChange::Put { key, content } => PartWrite::Put { instance, key, content },
        PartChange::Remove { prefix } => PartWrite::RemovePrefix { instance, prefix },
    }
}

/// The first row of an instance: what is fixed, and what its first turn came to. Data and input of a new instance are always set.
fn inserted(fixed: Instance, first: Update) -> Instance {
    fn set<T: Default>(change: Change<T>) -> T {
        match change {
            Change::Set(value) => value,
            Change::Keep => T::default(),
        }
    }
    Instance {
        state: first.state,
        updated_at: first.updated_at,
        ended_at: first.ended_at,
        wake_at: first.wake_at,
        busy: first.busy,
        turn: first.turn,
        data: set(first.data),
        input: set(first.input),
        frames: first.frames,
        sealed: first.sealed,
        error: first.error,
        ..fixed
    }
}

/// The row of an instance that has not run, which the commit of somebody else inserts. The instance in memory is from then on as if that commit
/// were durable, so nobody works on it before it is.
pub(crate) fn first_row_of(
    instance: &mut ActiveInstance,
    encryption: &Encryption,
) -> Result<Instance, FormatError> {
    let snapshot = &instance.snapshot;
    let row = Instance {
        busy: true,
        sealed: instance.request.encrypt(instance.row.id, encryption)?,
        data: snapshot.data.to_json(),
        // It has not run, so that nothing of it is a part.
        frames: snapshot.encode_whole(&instance.deployed.program, &snapshot.data)?.head,
        ..instance.row.clone()
    };
    instance.row.busy = true;
    instance.row.sealed.clone_from(&row.sealed);
    instance.is_stored = true;
    Ok(row)
}

/// The snapshot that a row and its parts stand for, and the mark of the row's data.
pub(crate) fn snapshot_of(
    row: &Instance,
    parts: &[(String, Vec<u8>)],
    program: &Program,
) -> Result<(Snapshot, DataMark), Refusal> {
    let data = Val::from_json(row.data.as_bytes())
        .map_err(|error| Refusal::damaged(row.id, format!("its data are damaged: {error}")))?;
    let damaged = |error: &dyn std::fmt::Display| Refusal::damaged(row.id, error);
    let input = input::decode(row.input.as_deref(), &data).map_err(|error| damaged(&error))?;
    let mark = DataMark::of(&data);
    let snapshot =
        Snapshot::decode(program, &row.frames, parts, data, input).map_err(|error| damaged(&error))?;
    Ok((snapshot, mark))
}

/// An instance as a committed row shows it.
pub(crate) fn view_of(row: &Instance) -> InstanceView {
    InstanceView {
        id: row.id,
        workflow: row.workflow.clone(),
        state: row.state,
        data: Val::from_json(row.data.as_bytes()).unwrap_or_else(|error| {
            tracing::error!(instance_id = %row.id, %error, "the data of the instance cannot be read");
            Val::Null
        }),
        failure: match Snapshot::decode_failed_step(&row.frames) {
            Some(failed) => Some(FailureView::of(&failed)),
            None if row.state == State::Error => damage_of(row),
            None => None,
        },
    }
}

/// The damage of a row that the store shows as an instance in error. It has no snapshot, and its error is a message alone.
fn damage_of(row: &Instance) -> Option<FailureView> {
    let error = error::decode(row.error.as_deref()?).ok()?;
    Some(FailureView::of_damage(error.message))
}

/// The changes of an instance in memory after a commit.
pub(crate) struct Committed {
    state: State,
    updated_at: Millis,
    ended_at: Option<Millis>,
    wake_at: Option<Millis>,
    busy: bool,
    turn: u64,
    /// Only where it was encrypted just now.
    encrypted: Option<Vec<u8>>,
    error: Option<String>,
    data: DataMark,
    awaited: Vec<AwaitedEvent>,
}

impl Committed {
    /// The commit is durable.
    pub(crate) fn apply(self, instance: &mut ActiveInstance) {
        let row = &mut instance.row;
        row.state = self.state;
        row.updated_at = self.updated_at;
        row.ended_at = self.ended_at;
        row.wake_at = self.wake_at;
        row.busy = self.busy;
        row.turn = self.turn;
        row.error = self.error;
        if self.encrypted.is_some() {
            row.sealed = self.encrypted;
        }
        instance.committed_data = self.data;
        instance.committed_waits = self.awaited;
        instance.is_stored = true;
    }
}
