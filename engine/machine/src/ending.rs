//! Ends paths, frames and instances.

use std::sync::Arc;

use rondo_expression::Template;
use rondo_program::{Failure, FailureKind, Successor};

use crate::{Effect, Fact, FrameId, Status, SuccessorRequest, frame::Role, turn::Machine};

/// What a continuation adds to the count of instructions that run without a wait. Instances that continue each other without ever waiting are
/// an endless loop like any other, but each of them is also a row, so the loop must be found after fewer instructions.
const STEPS_OF_A_CONTINUATION: u32 = 100;

/// Characters of a value that a message shows.
const SHOWN: usize = 60;

impl Machine<'_> {
    /// Ends the path of a frame with an `end` of the definition. The instance completes with `terminate`, or if no other path is left. Fails if
    /// the path has an error message, if the data of an instance that completes violates the output schema, or if the workflow that is to
    /// continue cannot.
    pub(crate) fn end_path(
        &mut self,
        id: FrameId,
        terminate: bool,
        error_message: Option<&Template>,
        successor: Option<&Successor>,
    ) -> Result<(), Failure> {
        if let Some(template) = error_message {
            let message = self.fill_template_strictly(id, template)?;
            // As on SonataFlow, a value that is not a text is no error message.
            if let Some(text) = message.as_str().filter(|text| !text.trim().is_empty()) {
                return Err(Failure::new(FailureKind::Declared, text));
            }
        }
        let is_last = self.snapshot.frames.iter().all(|frame| frame.id == id || frame.is_detached());
        let completes = terminate || (is_last && !self.program.keep_active);
        if completes && let Some(output) = &self.context.output {
            output.check(self.snapshot.data_of(id)).map_err(Failure::validation)?;
        }
        let successor = successor.map(|successor| self.successor_request(id, successor)).transpose()?;
        self.leave_scope(id);
        self.snapshot.frames.retain(|frame| frame.id != id);
        if let Some(request) = successor {
            let (workflow, version) = (Arc::clone(&request.workflow), request.version.clone());
            self.facts.push(Fact::Continued { workflow, version });
            self.effects.push(Effect::ContinueAs(request));
        }
        if completes {
            self.end_instance(Status::Completed);
        }
        Ok(())
    }

    /// The request for the instance that continues this one, checked.
    fn successor_request(&self, id: FrameId, successor: &Successor) -> Result<SuccessorRequest, Failure> {
        let Successor { workflow, version, data, limit } = successor;
        let data = match data {
            Some(template) => self.fill_template_strictly(id, template)?,
            None => self.snapshot.data_of(id).clone(),
        };
        if !data.is_object() {
            return Err(Failure::validation(format!(
                "`continueAs` cannot start workflow `{workflow}`: its input must be an object, and is `{}`",
                beginning(&data.to_json())
            )));
        }
        let request = SuccessorRequest {
            workflow: Arc::clone(workflow),
            version: version.clone(),
            data,
            limit: *limit,
            steps: self.snapshot.steps.saturating_add(STEPS_OF_A_CONTINUATION),
        };
        let checked = match &self.context.successors {
            Some(successors) => successors.check(&request),
            None => Err("no other workflow is served".to_owned()),
        };
        checked.map_err(|problem| {
            Failure::validation(format!("`continueAs` cannot start workflow `{workflow}`: {problem}"))
        })?;
        Ok(request)
    }

    /// Removes a frame whose branch, iteration or compensation has ended, and continues its parent.
    pub(crate) fn end_frame(&mut self, id: FrameId) {
        let Some(index) = self.snapshot.index_of(id) else { return };
        let frame = self.snapshot.frames.remove(index);
        let Some(parent) = frame.parent else { return };
        match frame.role {
            Role::Branch(index) => self.complete_branch(parent, index, frame.data.unwrap_or_default()),
            Role::Iteration(index) => self.complete_iteration(parent, index, frame.previous),
            Role::Compensation => self.start_next_compensation(parent),
            Role::Root | Role::Detached => {}
        }
    }

    /// Ends the instance with a status, and drops all frames but those of calls that nobody waits for.
    pub(crate) fn end_instance(&mut self, status: Status) {
        self.drop_frames(None);
        self.release_detached_children();
        self.snapshot.is_over_time = false;
        self.snapshot.status = status;
        self.snapshot.deadline = None;
        self.snapshot.failed = None;
        self.snapshot.response = None;
        self.snapshot.completed.clear();
        self.facts.push(if status == Status::Aborted { Fact::Aborted } else { Fact::Completed });
    }
}

/// The beginning of a text, for a message.
pub(crate) fn beginning(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
