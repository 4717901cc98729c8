//! The row of an instance: encodes a snapshot as columns for a commit, and decodes columns as a snapshot.
//!
//! No other module does either. The results of loops are not in the columns but in parts, rows of their own, so that a loop does not write
//! them again with each turn.

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

/// The rows of a snapshot, and the changes of the instance in memory after their commit.
pub(crate) struct NextRow {
    pub(crate) write: Write,
    /// The changed parts. The encoding has marked them as stored in the snapshot, so if the commit fails, the instance must be read again.
    pub(crate) parts: Vec<PartWrite>,
    /// The waits for events, if they have changed.
    pub(crate) waits: Option<InstanceWaits>,
    pub(crate) committed: Committed,
}

impl NextRow {
    /// Encodes a snapshot. Data that have not changed since the last commit are not written again.
    pub(crate) fn new(
        instance: &ActiveInstance,
        snapshot: &mut Snapshot,
        encryption: &Encryption,
        now: Millis,
    ) -> Result<Self, FormatError> {
        // One that waits for a place of its concurrency group goes on waiting, whatever is done to its data, unless it ends or fails.
        let waits_for_place = instance.waits_for_place()
            && (snapshot.is_new() || (snapshot.status == Status::Error && snapshot.has_started()));
        let state = if waits_for_place { State::Pending } else { state_of(snapshot.status) };
        let ended = matches!(state, State::Completed | State::Aborted);
        let data = snapshot.visible_data(instance.deployed.program.merge);
        let is_kept = instance.is_stored && instance.committed_data.is_of(&data);
        // Detached calls are repeated after a crash, also if the instance has ended. So it counts as over only when they are answered.
        let is_over = ended && !snapshot.has_detached_calls();
        let encrypted = match (is_over, instance.is_stored) {
            // An instance that is over makes no calls, so the tokens of its start request are removed.
            (true, _) => None,
            (false, true) => instance.row.sealed.clone(),
            (false, false) => instance.request.encrypt(instance.row.id, encryption)?,
        };
        let failure = snapshot.failed.as_ref().map(FailureView::of);
        // An instance that is over has no frames and no parts.
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
                || (state == State::Active && (snapshot.has_work_in_flight() || snapshot.is_new())),
            frames: head,
            sealed: encrypted,
            error: failure.as_ref().map(error::encode).transpose()?,
            data: if is_kept { Change::Keep } else { Change::Set(data.to_json()) },
            input: if is_kept { Change::Keep } else { Change::Set(input::encode(&snapshot.input, &data)?) },
            needs_no_place: snapshot.is_aborting(),
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

impl NextRow {
    /// The same row of an instance that waits for a place of its concurrency group, and is not stored for the first time.
    pub(crate) fn waiting_for_place(mut self) -> Self {
        if let Write::Update(update) = &mut self.write {
            update.state = State::Pending;
            update.busy = false;
        }
        (self.committed.state, self.committed.busy) = (State::Pending, false);
        self
    }
}

/// The waits of an instance, if they differ from those in the database. `None` for an ended instance, whose waits the store removes.
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
    Some(InstanceWaits { instance: instance.row.id, waits: event_waits(awaited, now) })
}

/// The rows of waits for events.
pub(crate) fn event_waits(awaited: &[AwaitedEvent], now: Millis) -> Vec<EventWait> {
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
    waits.collect()
}

fn part_write(instance: Uuid, change: PartChange) -> PartWrite {
    match change {
        PartChange::Put { key, content } => PartWrite::Put { instance, key, content },
        PartChange::Remove { prefix } => PartWrite::RemovePrefix { instance, prefix },
    }
}

/// The row of a new instance: its fixed columns, and those of its first turn. The first turn always sets data and input.
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

/// The row of an instance that has taken no turn, for a commit that inserts the row: of its parent, of its predecessor, of the event or the
/// schedule that starts it. The instance in memory counts as stored from here on, so the caller must not start work on it before the commit
/// is durable.
pub(crate) fn first_row_of(
    instance: &mut ActiveInstance,
    encryption: &Encryption,
) -> Result<Instance, FormatError> {
    let snapshot = &instance.snapshot;
    let row = Instance {
        busy: true,
        sealed: instance.request.encrypt(instance.row.id, encryption)?,
        data: snapshot.data.to_json(),
        // Only turns make parts, so the head is the whole snapshot.
        frames: snapshot.encode_whole(&instance.deployed.program, &snapshot.data)?.head,
        ..instance.row.clone()
    };
    instance.row.busy = true;
    instance.row.sealed.clone_from(&row.sealed);
    instance.is_stored = true;
    Ok(row)
}

/// Decodes the snapshot from a row and its parts. Returns it with the mark of the row's data.
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

/// The view of an instance from its committed row.
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
        place: None,
    }
}

/// The failure of a damaged row, which the store returns as an instance in error without a snapshot. Its error has only a message.
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
    /// The encrypted start request, if this commit inserts the row.
    encrypted: Option<Vec<u8>>,
    error: Option<String>,
    data: DataMark,
    awaited: Vec<AwaitedEvent>,
}

impl Committed {
    /// Changes the instance in memory after its commit has become durable.
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
