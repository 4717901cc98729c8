//! Subflows: instances that another instance started and waits for.
//!
//! A child is inserted by the same commit that says that its parent waits for it, so neither exists without the other. Its end
//! reaches the parent through the mailbox: the message is written with the child's last commit and removed with the
//! parent's next one, so it is heard exactly once, whatever crashes in between. Likewise a parent that needs a child no more
//! tells it to end by a message that is written with the parent's commit.

use std::sync::Arc;

use rondo_expression::Val;
use rondo_machine::{CallNumber, ChildRequest, Effect, Input, Millis, Snapshot, Status};
use rondo_program::Failure;
use rondo_store::{Commit, Instance, Message, State, Write};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    engine::Inner,
    families::{self, Ending, Full, Line},
    living::Living,
    registry::{Delivery, Signal},
};

/// How deep subflows may call subflows. One that calls itself without end would fill memory and disk.
const DEEPEST: u32 = 100;

/// What is in a mailbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Letter {
    /// To a child: nobody waits for it any more.
    #[serde(rename = "end")]
    End,
    /// To a parent.
    #[serde(untagged)]
    Word(Word),
}

/// What a child tells its parent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Word {
    child: Uuid,
    outcome: Outcome,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Completed(Val),
    Failed(Failure),
    Aborted,
}

impl Letter {
    /// What it means to whom it was sent; `None` when that has passed.
    pub(crate) fn input_for(payload: &[u8], living: &mut Living) -> Option<Input> {
        match serde_json::from_slice(payload).ok()? {
            Self::End => Some(Input::Abort),
            Self::Word(word) => word.input_for(living),
        }
    }
}

/// Tells a child that nobody waits for it any more.
pub(crate) fn word_to_child(child: Uuid) -> Option<Message> {
    Some(Message { to: child, payload: serde_json::to_vec(&Letter::End).ok()? })
}

impl Word {
    /// What it means to a parent; `None` when the parent does not wait for this child any more.
    fn input_for(self, parent: &mut Living) -> Option<Input> {
        let call = parent.call_of(self.child)?;
        Some(match self.outcome {
            Outcome::Completed(data) => Input::ChildEnded { call, outcome: Ok(data) },
            Outcome::Failed(failure) => Input::ChildEnded { call, outcome: Err(failure) },
            // Whoever ends a subflow by hand ends what waits for it.
            Outcome::Aborted => Input::Abort,
        })
    }
}

/// The message to the parent, if this commit is the one that ends (or fails) the child.
pub(crate) fn word_to_parent(row: &Instance, after: &Snapshot, before: Status) -> Option<Message> {
    let parent = row.parent?;
    if after.status == before {
        return None;
    }
    let outcome = match after.status {
        Status::Active => return None,
        Status::Completed => Outcome::Completed(after.data.clone()),
        Status::Aborted => Outcome::Aborted,
        Status::Error => Outcome::Failed(after.failed.as_ref()?.failure.clone()),
    };
    let payload = serde_json::to_vec(&Letter::Word(Word { child: row.id, outcome })).ok()?;
    Some(Message { to: parent, payload })
}

/// A child that was put into its parent's commit.
pub(crate) enum Started {
    Child(Box<Living>),
    Refused(CallNumber, Failure),
}

/// Puts the children that a turn starts into its commit. `after` is the snapshot that the turn left.
pub(crate) async fn start_all(
    inner: &Inner,
    parent: &mut Living,
    after: &Snapshot,
    effects: &[Effect],
    commit: &mut Commit,
    now: Millis,
) -> Vec<Started> {
    let requests: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::StartChild(request) => Some(request),
            _ => None,
        })
        .collect();
    if requests.is_empty() {
        return Vec::new();
    }
    if let Err(Ending) = families::prepare(inner, parent, after, requests.len()).await {
        let refused = |request: &&ChildRequest| {
            let workflow = &request.workflow;
            let message = format!("subflow `{workflow}` is not started: what it belongs to was asked to end");
            Started::Refused(request.call, Failure::runtime(message))
        };
        return requests.iter().map(refused).collect();
    }
    requests.into_iter().map(|request| start(inner, parent, after.depth, request, commit, now)).collect()
}

/// The commit was refused: what was put into it has not been started.
pub(crate) fn take_back(inner: &Inner, parent: &Living, started: &[Started]) {
    let children = started.iter().filter(|started| matches!(started, Started::Child(_))).count();
    if children > 0 {
        inner.families.take_back(parent.root(), children);
    }
}

/// Puts a child into its parent's commit.
fn start(
    inner: &Inner,
    parent: &mut Living,
    depth: u32,
    request: &ChildRequest,
    commit: &mut Commit,
    now: Millis,
) -> Started {
    match make(inner, parent, depth + 1, request, now) {
        Ok(child) => {
            let mut child = child;
            let (data, frames) = (std::mem::take(&mut child.row.data), std::mem::take(&mut child.row.frames));
            commit.writes.push(Write::Insert(Instance { data, frames, ..child.row.clone() }));
            Started::Child(child)
        }
        Err(failure) => Started::Refused(request.call, failure),
    }
}

fn make(
    inner: &Inner,
    parent: &mut Living,
    depth: u32,
    request: &ChildRequest,
    now: Millis,
) -> Result<Box<Living>, Failure> {
    let deployed = inner.catalog().find(&request.workflow, request.version.as_deref()).ok_or_else(|| {
        let version = request.version.as_deref().map(|version| format!(" in version {version}"));
        Failure::validation(format!(
            "no workflow is called `{}`{}",
            request.workflow,
            version.unwrap_or_default()
        ))
    })?;
    deployed.check_input(&request.data).map_err(Failure::validation)?;
    if depth > DEEPEST {
        return Err(Failure::runtime(format!(
            "subflow `{}` would be the {depth}th inside of another, and {DEEPEST} are allowed: does a workflow call itself without end?",
            request.workflow
        )));
    }
    inner.families.count_one(parent.root()).map_err(|Full(most)| {
        Failure::runtime(format!(
            "subflow `{}` would be one too many below instance {}, where {most} are allowed: do workflows start each other \
             without end? rondo.limits.subflows allows more",
            request.workflow,
            parent.root()
        ))
    })?;
    let variables: Arc<[_]> = request.variables.clone().into();
    let id = parent.child_id(request.call);
    let mut child =
        inner.new_living(id, deployed, request.data.clone(), Arc::clone(&parent.headers), variables);
    child.snapshot.depth = depth;
    if parent.row.parent.is_none() && parent.line.is_none() {
        parent.line = Some(Line::new(parent.row.id, None));
    }
    child.line = parent.line.as_ref().map(|line| Line::new(id, Some(Arc::clone(line))));
    child.row = Instance {
        parent: Some(parent.row.id),
        root: Some(parent.row.root.unwrap_or(parent.row.id)),
        root_workflow: Some(parent.row.root_workflow.clone().unwrap_or_else(|| parent.row.workflow.clone())),
        reference_id: Some(parent.row.id.to_string()),
        started_at: now,
        updated_at: now,
        busy: true,
        sealed: inner.seal(id, &parent.headers, &child.context.variables),
        state: State::Active,
        data: request.data.to_json(),
        frames: child.snapshot.encode_whole(&child.deployed.program, &child.snapshot.data).head,
        ..child.row
    };
    child.stored = true;
    Ok(child)
}

impl Started {
    /// The commit is durable: the child runs.
    pub(crate) fn carry_on(self, inner: &Arc<Inner>, parent: &mut Living) {
        match self {
            Self::Child(child) => {
                let id = child.row.id;
                parent.unsettled.insert(id);
                inner.deliver_to(id, child, Delivery::input(Input::Start { at: None }));
            }
            Self::Refused(call, failure) => {
                // There is no child that could be repaired, so the caller fails itself; whoever waits is answered after that.
                let (id, child) = (parent.row.id, parent.child_id(call));
                parent.unsettled.insert(child);
                inner.deliver(id, Delivery::input(Input::CallFailed { call, failure }));
                inner.deliver(id, Delivery::signal(Signal::ChildSettled(child)));
            }
        }
    }
}
