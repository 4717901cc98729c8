//! Makes the subflows that a turn starts, as rows for the commit of their parent.
//!
//! One commit stores the child and the parent that waits for it, so neither exists without the other. The end of the child reaches the
//! parent through the mailbox: the child's last commit writes the message and the parent's next commit removes it, so it has its effect
//! exactly once, whatever crashes in between. In the same way a parent that does not wait for a child any more writes a message to end with
//! its own commit. Never: uses the engine or the database.

use std::sync::Arc;

use rondo_event::Channels;
use rondo_machine::{CallNumber, ChildRequest, Millis, Snapshot, Status};
use rondo_memory::MemoryBudget;
use rondo_program::Failure;
use rondo_store::{Instance, Message, State};

use crate::{
    active_instance::{ActiveInstance, Limits, awaited_as},
    catalog::Catalog,
    encryption::Encryption,
    formats::{
        FormatError,
        mailbox::{ChildOutcome, MailboxMessage},
        request::RequestContext,
    },
    instance_tree::{Ancestry, Room},
    process_events::Observed,
    row,
};

/// How deep subflows may be nested. Without a limit a workflow that calls itself would fill memory and disk.
const DEEPEST: u32 = 100;

/// The values from which new instances and their rows are made, besides the instance that starts them.
pub(crate) struct Sources<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) limits: &'a Limits,
    pub(crate) memory: &'a MemoryBudget,
    pub(crate) encryption: &'a Encryption,
    pub(crate) channels: &'a Channels,
    /// Nodes and data of the instance before the turn, if process events are on.
    pub(crate) observed: Option<&'a Observed>,
    pub(crate) now: Millis,
}

/// The subflows of a turn: those that start, and those that cannot.
#[derive(Default)]
pub(crate) struct Subflows {
    /// The rows to insert.
    pub(crate) rows: Vec<Instance>,
    /// The instances of these rows.
    #[allow(clippy::vec_box, reason = "each is handed on in its box")]
    pub(crate) started: Vec<Box<ActiveInstance>>,
    /// The subflows that cannot be started, by their calls, and why.
    pub(crate) refused: Vec<(CallNumber, Failure)>,
}

/// Makes the subflows that a turn starts; those without room are refused. `depth` is the depth of the parent.
pub(crate) fn make(
    parent: &mut ActiveInstance,
    depth: u32,
    requests: Vec<ChildRequest>,
    room: Room,
    sources: &Sources<'_>,
) -> Subflows {
    let mut subflows = Subflows::default();
    let mut taken = 0;
    for request in requests {
        let call = request.call;
        match make_one(parent, depth + 1, request, room, &mut taken, sources) {
            Ok((row, child)) => {
                subflows.rows.push(row);
                subflows.started.push(child);
            }
            Err(failure) => subflows.refused.push((call, failure)),
        }
    }
    subflows
}

fn make_one(
    parent: &mut ActiveInstance,
    depth: u32,
    request: ChildRequest,
    room: Room,
    taken: &mut u32,
    sources: &Sources<'_>,
) -> Result<(Instance, Box<ActiveInstance>), Failure> {
    let workflow = &request.workflow;
    let Room::For { granted, most } = room else {
        return Err(Failure::runtime(format!(
            "subflow `{workflow}` is not started: what it belongs to was asked to end"
        )));
    };
    let deployed =
        sources.catalog.require(workflow, request.version.as_deref()).map_err(Failure::validation)?;
    deployed.check_input(&request.data).map_err(Failure::validation)?;
    if depth > DEEPEST {
        return Err(Failure::runtime(format!(
            "subflow `{workflow}` would be the {depth}th inside of another, and {DEEPEST} are allowed: does a workflow call itself without end?"
        )));
    }
    if *taken == granted {
        return Err(Failure::runtime(format!(
            "subflow `{workflow}` would be one too many below instance {}, where {most} are allowed: do workflows start each other \
             without end? rondo.limits.subflows allows more",
            parent.root()
        )));
    }
    let id = parent.child_id(request.call);
    let inherited = RequestContext {
        headers: Arc::clone(&parent.request.headers),
        variables: request.variables.into(),
        identity: parent.request.identity.clone(),
        start_at: None,
    };
    let mut child = ActiveInstance::new(
        id,
        deployed,
        request.data,
        inherited,
        sources.memory.share(),
        sources.limits,
        sources.now,
    );
    child.snapshot.depth = depth;
    if parent.row.parent.is_none() && parent.ancestry.is_none() {
        parent.ancestry = Some(Ancestry::new(parent.row.id, None));
    }
    child.ancestry = parent.ancestry.as_ref().map(|above| Ancestry::new(id, Some(Arc::clone(above))));
    child.row.parent = Some(parent.row.id);
    child.row.root = Some(parent.root());
    child.row.root_workflow =
        Some(parent.row.root_workflow.clone().unwrap_or_else(|| parent.row.workflow.clone()));
    child.row.reference_id = Some(parent.row.id.to_string());
    child.row.state = State::Active;
    let row = row::first_row_of(&mut child, sources.encryption);
    let row = row.map_err(|error| Failure::runtime(format!("a subflow cannot be stored: {error}")))?;
    *taken += 1;
    Ok((row, child))
}

/// The message to the parent, if this turn ends or fails the child. It names the child by the first instance of its chain (`continueAs`),
/// for which the parent waits.
pub(crate) fn message_to_parent(
    child: &ActiveInstance,
    after: &Snapshot,
    before: Status,
) -> Result<Option<Message>, FormatError> {
    let Some(parent) = child.row.parent.filter(|_| after.status != before) else { return Ok(None) };
    let outcome = match (after.status, &after.failed) {
        (Status::Active, _) | (Status::Error, None) => return Ok(None),
        (Status::Completed, _) => ChildOutcome::Completed(after.data.clone()),
        (Status::Aborted, _) => ChildOutcome::Aborted,
        (Status::Error, Some(failed)) => ChildOutcome::Failed(failed.failure.clone()),
    };
    MailboxMessage::ChildEnded { child: awaited_as(child.row.id, after), outcome }.encode(parent).map(Some)
}
