//! Inputs: how each kind of input changes an instance before its frames run.

use rondo_expression::{MergeRules, Size, Val};

use crate::{
    CallNumber, Fact, FrameId, Input, Status,
    frame::{Frame, Role, Wait},
    turn::Machine,
};

impl Machine<'_> {
    /// Applies an input. Returns whether it applies to the instance; if not, nothing has changed.
    pub(crate) fn apply(&mut self, input: Input) -> bool {
        let is_active = self.snapshot.status == Status::Active;
        let is_failed = self.snapshot.status == Status::Error;
        match input {
            Input::Start { at } if self.snapshot.next_frame == 0 && is_active => self.start(at.as_deref()),
            Input::Answered { call, .. } | Input::ChildEnded { call, outcome: Ok(_) }
                if self.snapshot.is_detached(call) =>
            {
                let Some(id) = self.frame_waiting_for(call) else { return false };
                self.end_detached(id);
            }
            Input::CallFailed { call, failure } if self.snapshot.is_detached(call) => {
                let Some(id) = self.frame_waiting_for(call) else { return false };
                self.fail_detached(id, &failure);
            }
            // Somebody may repair the child, and it still ends with its parent.
            Input::ChildEnded { call, outcome: Err(failure) } if self.snapshot.is_detached(call) => {
                let Some(id) = self.frame_waiting_for(call) else { return false };
                self.note_detached_failure(id, &failure);
            }
            Input::Answered { call, result, response } if is_active || is_failed => {
                let Some(id) = self.frame_waiting_for(call) else { return false };
                if let Some(response) = response {
                    // What the new answer does not have stays, such as the variables of a script after a request.
                    let known = self.snapshot.response.get_or_insert_with(|| Val::object::<&str>([]));
                    response.members().shared().for_each(|(name, value)| known.insert(name, value.clone()));
                }
                self.complete_call(id, result);
            }
            Input::CallFailed { call, failure } if is_active || is_failed => {
                let Some(id) = self.frame_waiting_for(call) else { return false };
                self.call_failed(id, failure);
            }
            Input::ChildEnded { call, outcome } if is_active || is_failed => {
                let Some(id) = self.frame_waiting_for(call) else { return false };
                match outcome {
                    Ok(data) => self.complete_call(id, Some(data)),
                    Err(failure) => self.child_failed(id, failure),
                }
            }
            Input::Event(event) if is_active || is_failed => return self.take_event(&event),
            Input::Tick => return is_active,
            Input::Abort if is_active || is_failed => self.abort(),
            Input::Retrigger if is_failed => self.retrigger(),
            Input::Halt(failure) if is_active || !self.snapshot.lost.is_empty() => self.halt(failure),
            Input::Skip if is_failed => return self.skip(),
            Input::Replace(data) if is_active || is_failed => {
                if self.is_too_large(&data) {
                    return false;
                }
                self.snapshot.data = data;
                self.note_data_change();
            }
            Input::Patch(data) if is_active || is_failed => {
                let before = self.snapshot.data.clone();
                // The management API of SonataFlow merges by these rules, also where the definition has other rules.
                let data = rondo_expression::merge(before, data, MergeRules::SonataFlow);
                if self.is_too_large(&data) {
                    return false;
                }
                self.snapshot.data = data;
                self.note_data_change();
            }
            _ => return false,
        }
        true
    }

    /// Whether expressions could not work on such data. An instance that has them fails at its next expression, long after the change.
    fn is_too_large(&self, data: &Val) -> bool {
        Size::default().with(data).check(&self.context.budget).is_err()
    }

    /// Starts the instance at a state; without a name, or with an unknown one, at the definition's start.
    pub(crate) fn start(&mut self, at: Option<&str>) {
        let state = at.and_then(|name| self.program.state(name));
        let pc = state.map_or(self.program.start, |state| state.entry);
        let limit = self.snapshot.limit.or(self.program.timeout);
        self.snapshot.deadline = limit.map(|limit| self.time_after(limit.after));
        let root = self.snapshot.push_frame(None, Role::Root, pc);
        self.ready.push_back(root);
        self.facts.push(Fact::Started);
    }

    /// Drops all frames and starts one that compensates the completed states and then aborts the instance. If one of an earlier request is
    /// still there, ends the instance at once: whoever asks a second time wants no more of it. A compensation that the time limit of the
    /// workflow has begun goes on.
    fn abort(&mut self) {
        if std::mem::replace(&mut self.snapshot.abort_requested, true) {
            self.snapshot.lost.clear();
            self.end_instance(Status::Aborted);
            return;
        }
        let compensates = |frame: &Frame| frame.role == Role::Root && frame.pc == self.program.on_abort;
        if self.snapshot.status == Status::Active && self.snapshot.frames.iter().any(compensates) {
            return;
        }
        self.drop_frames(None);
        self.snapshot.is_over_time = false;
        self.snapshot.lost.clear();
        self.snapshot.status = Status::Active;
        self.snapshot.failed = None;
        self.snapshot.deadline = None;
        let root = self.snapshot.push_frame(None, Role::Root, self.program.on_abort);
        self.ready.push_back(root);
    }

    /// The frame that waits for the answer of a call or the end of a child instance.
    fn frame_waiting_for(&self, call: CallNumber) -> Option<FrameId> {
        let waits_for_it = |wait: &Wait| match wait {
            Wait::Call { call: awaited, .. } | Wait::Child { call: awaited, .. } => *awaited == call,
            _ => false,
        };
        self.snapshot.frames.iter().find(|frame| waits_for_it(&frame.wait)).map(|frame| frame.id)
    }
}
