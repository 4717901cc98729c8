//! An instance in memory: its row, its snapshot, its share of memory, and the clients that wait for it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rondo_expression::{Budget, Val};
use rondo_machine::{AwaitedEvent, CallNumber, Context, Mask, Millis, Snapshot, Status, SuccessorCheck};
use rondo_memory::{NoRoom, Share};
use rondo_store::{Instance, State};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    catalog::Deployed,
    computing::Expected,
    data_mark::DataMark,
    delivery::Reply,
    formats::request::RequestContext,
    instance_tree::Ancestry,
    views::{FailureView, InstanceView},
};

/// An instance that is being worked on.
pub(crate) struct ActiveInstance {
    /// The row of the last commit, without data, input and frames, which `snapshot` holds.
    pub(crate) row: Instance,
    /// Whether the database has the row.
    pub(crate) is_stored: bool,
    /// Marks the data of the last commit, so that unchanged data are not written again.
    pub(crate) committed_data: DataMark,
    /// The events for which the database has rows of waits.
    pub(crate) committed_waits: Vec<AwaitedEvent>,
    pub(crate) deployed: Arc<Deployed>,
    pub(crate) snapshot: Snapshot,
    pub(crate) context: Context,
    /// Headers, variables and identity of the start request.
    pub(crate) request: RequestContext,
    /// Clients that get their answer when nothing of the instance is in flight any more.
    pub(crate) waiters: Vec<Reply>,
    /// Whether the instance was read from the database and has not resumed its calls and subflows yet.
    pub(crate) is_idle: bool,
    /// Whether the instance was read from the database and has finished no turn since. Its turn may have ended the last process.
    pub(crate) is_unproven: bool,
    /// Cost of the last turn, in steps of expressions.
    pub(crate) last_cost: u64,
    /// Its share of the memory budget.
    memory: Share,
    /// Calls that were in flight when the instance was last in memory, and are not repeated yet.
    pub(crate) idle_calls: Vec<CallNumber>,
    /// Call numbers by the ids of child instances; filled by [`Self::call_of`].
    children: HashMap<Uuid, CallNumber>,
    /// Whether the instance has ended by `continueAs`, so that a successor continues it.
    pub(crate) is_continued: bool,
    /// Child instances that still have something in flight.
    pub(crate) unsettled: HashSet<Uuid>,
    /// The instance and its ancestors; set when it starts its first subflow.
    pub(crate) ancestry: Option<Arc<Ancestry>>,
}

/// `$WORKFLOW.identity` of a request without identity.
const ANONYMOUS: &str = "anonymous";

/// Settings that the contexts of all instances share.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) budget: Budget,
    pub(crate) speed: u32,
    pub(crate) max_steps: u32,
    pub(crate) turn_steps: u32,
    /// Hides secrets in texts that become data.
    pub(crate) mask: Option<Arc<dyn Mask>>,
    /// Checks that a workflow can continue an instance.
    pub(crate) successors: Option<Arc<dyn SuccessorCheck>>,
}

impl ActiveInstance {
    /// An instance of `deployed` that is not in the database yet. Parent and root are not set in its row.
    pub(crate) fn new(
        id: Uuid,
        deployed: Arc<Deployed>,
        data: Val,
        request: RequestContext,
        memory: Share,
        limits: &Limits,
        now: Millis,
    ) -> Box<Self> {
        let row = Instance {
            id,
            workflow: deployed.program.id.to_string(),
            version: deployed.program.version.to_string(),
            name: deployed.program.name.to_string(),
            revision: deployed.revision.clone(),
            started_at: now,
            updated_at: now,
            ..Instance::default()
        };
        let mut instance = Self::with(row, deployed, Snapshot::new(data), request, memory, limits);
        instance.is_stored = false;
        instance.is_idle = false;
        instance.is_unproven = false;
        instance
    }

    /// An instance that was read from the database; `data` is the mark of its data.
    pub(crate) fn restored(
        row: Instance,
        deployed: Arc<Deployed>,
        snapshot: Snapshot,
        data: DataMark,
        request: RequestContext,
        memory: Share,
        limits: &Limits,
    ) -> Box<Self> {
        let row = Instance { data: String::new(), frames: Vec::new(), input: None, ..row };
        let mut instance = Self::with(row, deployed, snapshot, request, memory, limits);
        instance.committed_data = data;
        instance.committed_waits =
            rondo_machine::awaited_events(&instance.deployed.program, &instance.snapshot);
        instance
    }

    fn with(
        row: Instance,
        deployed: Arc<Deployed>,
        snapshot: Snapshot,
        request: RequestContext,
        memory: Share,
        limits: &Limits,
    ) -> Box<Self> {
        let context = context(&deployed, limits, row.id, &request);
        let idle_calls = snapshot.calls().collect();
        Box::new(Self {
            row,
            is_stored: true,
            committed_data: DataMark::None,
            committed_waits: Vec::new(),
            deployed,
            snapshot,
            context,
            request,
            waiters: Vec::new(),
            is_idle: true,
            is_unproven: true,
            last_cost: 0,
            memory,
            idle_calls,
            children: HashMap::new(),
            is_continued: false,
            unsettled: HashSet::new(),
            ancestry: None,
        })
    }

    /// The root of its tree. An instance without a parent is its own root.
    pub(crate) fn root(&self) -> Uuid {
        self.row.root.unwrap_or(self.row.id)
    }

    /// The root of its tree; `None` if the instance is no subflow and has started none.
    pub(crate) fn tree(&self) -> Option<Uuid> {
        self.row.root.or_else(|| self.ancestry.as_ref().map(|_| self.row.id))
    }

    /// The expected cost of its next turn.
    pub(crate) fn expected(&self) -> Expected {
        match Expected::of(self.last_cost) {
            Expected::Long => Expected::Long,
            _ => self.deployed.cost.expected(),
        }
    }

    /// Sets its share to the memory of its snapshot. On an error the share stays as it is, although the data are in memory already.
    pub(crate) fn fit_memory(&mut self) -> Result<(), NoRoom> {
        let needed = self.snapshot.memory() as u64;
        if needed < self.memory.bytes() / 2 {
            self.memory.shrink_to(needed);
        }
        self.memory.grow_to(needed)
    }

    /// Merges the share of an input, which is about to become data of the instance.
    pub(crate) fn take_memory(&mut self, share: Option<Share>) {
        if let Some(share) = share {
            self.memory.merge(share);
        }
    }

    /// Whether an event starts the instance, and no turn has taken that event yet.
    pub(crate) fn starts_by_event(&self) -> bool {
        self.snapshot.is_new() && self.deployed.program.start_by_event.is_some() && self.row.parent.is_none()
    }

    /// Whether the instance must stay in memory although no input waits for it.
    pub(crate) fn stays_in_memory(&self) -> bool {
        self.snapshot.has_work_in_flight()
            || self.snapshot.has_detached_calls()
            || !self.waiters.is_empty()
            || !self.unsettled.is_empty()
    }

    /// Whether the instance has ended. Calls that no frame waits for may hold it in memory.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.snapshot.status, Status::Completed | Status::Aborted)
    }

    /// Whether nothing of the instance is in flight: it has ended, failed, or waits for a timer or an event.
    pub(crate) fn is_settled(&self) -> bool {
        self.snapshot.status != Status::Active
            || (!self.snapshot.has_work_in_flight() && self.unsettled.is_empty())
    }

    /// Its view for clients.
    pub(crate) fn view(&self) -> InstanceView {
        InstanceView {
            id: self.row.id,
            workflow: self.row.workflow.clone(),
            state: if self.waits_for_place() { State::Pending } else { state_of(self.snapshot.status) },
            data: self.snapshot.visible_data(self.deployed.program.merge),
            failure: self.snapshot.failed.as_ref().map(FailureView::of),
            place: None,
        }
    }

    /// Whether it waits for a place of its concurrency group: before its first turn, or at an error.
    pub(crate) fn waits_for_place(&self) -> bool {
        self.row.state == State::Pending
    }

    /// Whether it stands at an error and has a place all the same, to go on from there.
    pub(crate) fn is_admitted_at_error(&self) -> bool {
        self.is_stored && self.row.state == State::Active && self.snapshot.status == Status::Error
    }

    /// The id by which its parent waits for it: its own, or that of the first instance of the chain (`continueAs`) that it continues.
    pub(crate) fn awaited_as(&self) -> Uuid {
        awaited_as(self.row.id, &self.snapshot)
    }

    /// The number of the call that started a child instance; `None` if no frame waits for that child any more.
    pub(crate) fn call_of(&mut self, child: Uuid) -> Option<CallNumber> {
        if !self.children.contains_key(&child) {
            let parent = self.row.id;
            self.children = self.snapshot.children().map(|call| (child_id(parent, call), call)).collect();
        }
        let call = self.children.remove(&child)?;
        self.snapshot.children().any(|waited| waited == call).then_some(call)
    }

    /// The id of the child instance that a call starts.
    pub(crate) fn child_id(&self, call: CallNumber) -> Uuid {
        child_id(self.row.id, call)
    }
}

/// [`ActiveInstance::awaited_as`], for a snapshot that is not in its instance: while a turn is planned, the plan holds the new snapshot.
pub(crate) fn awaited_as(id: Uuid, snapshot: &Snapshot) -> Uuid {
    let first = snapshot.continuation.as_ref().map(|continuation| &continuation.first);
    first.and_then(|first| first.parse().ok()).unwrap_or(id)
}

/// The id of a child instance. It is derived from the parent's id and the call number, so that a repeated start finds the child and starts
/// no second one.
fn child_id(parent: Uuid, call: CallNumber) -> Uuid {
    let digest = Sha256::new().chain_update(parent.as_bytes()).chain_update(call.to_be_bytes());
    derived_id(parent, digest)
}

/// The id of a successor (`continueAs`). It is derived from the id of the first instance of the chain and the number of instances before the
/// successor, so that a repeated start starts no second one, and the first id leads to every instance of the chain.
pub(crate) fn successor_id(first: Uuid, number: u64) -> Uuid {
    let digest = Sha256::new().chain_update(b"continued").chain_update(first.as_bytes());
    derived_id(first, digest.chain_update(number.to_be_bytes()))
}

/// A UUID of version 7 with the time of `from`. The database sorts by id, so the instances of a tree lie next to each other.
fn derived_id(from: Uuid, digest: Sha256) -> Uuid {
    let digest = digest.finalize();
    let mut bytes = *from.as_bytes();
    bytes[6..].copy_from_slice(&digest[..10]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Uuid::from_bytes(bytes)
}

pub(crate) fn state_of(status: Status) -> State {
    match status {
        Status::Active => State::Active,
        Status::Completed => State::Completed,
        Status::Aborted => State::Aborted,
        Status::Error => State::Error,
    }
}

/// The headers as an object for expressions; the values of a repeated header are joined without a separator.
fn headers_value(headers: &[(String, String)]) -> Val {
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

fn context(deployed: &Deployed, limits: &Limits, id: Uuid, request: &RequestContext) -> Context {
    Context {
        instance: id.to_string().into(),
        identity: request.identity.clone().unwrap_or_else(|| ANONYMOUS.into()),
        headers: headers_value(&request.headers),
        secrets: deployed.secrets.clone(),
        variables: Arc::clone(&request.variables),
        budget: limits.budget.clone(),
        speed: limits.speed,
        output: deployed.output_check.clone(),
        mask: limits.mask.clone(),
        successors: limits.successors.clone(),
        max_steps: limits.max_steps,
        turn_steps: limits.turn_steps,
    }
}
