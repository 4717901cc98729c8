//! The subflows that a turn starts, made ready for the commit of their parent. Knows neither the engine nor the database.
//!
//! A child is inserted by the same commit that says that its parent waits for it, so neither exists without the other. Its end reaches the
//! parent through the mailbox: the message is written with the child's last commit and removed with the parent's next one, so it has its
//! effect exactly once, whatever crashes in between. Likewise a parent that needs a child no more tells it to end by a message that is
//! written with the parent's commit.

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

/// How deep subflows may call subflows. One that calls itself without end would fill memory and disk.
const DEEPEST: u32 = 100;

/// The values that subflows are made from, without their parent.
pub(crate) struct Sources<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) limits: &'a Limits,
    pub(crate) memory: &'a MemoryBudget,
    pub(crate) encryption: &'a Encryption,
    pub(crate) channels: &'a Channels,
    /// How the instance was before the turn, if its turns are published.
    pub(crate) observed: Option<&'a Observed>,
    pub(crate) now: Millis,
}

/// The outcome of the subflows that a turn asks for.
#[derive(Default)]
pub(crate) struct Subflows {
    /// The rows to insert.
    pub(crate) rows: Vec<Instance>,
    /// The instances of these rows.
    #[allow(clippy::vec_box, reason = "each is handed on in its box")]
    pub(crate) started: Vec<Box<ActiveInstance>>,
    /// Those that cannot be started, and why.
    pub(crate) refused: Vec<(CallNumber, Failure)>,
}

/// Makes the subflows that a turn asks for, as far as there is room. `depth` is the parent's.
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

/// The message to the parent, if this turn is the one that ends (or fails) the child. The parent knows it by the first of the instances that
/// it continues.
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
