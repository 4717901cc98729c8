//! Ends paths, frames and instances.

use rondo_expression::Template;
use rondo_program::{Failure, FailureKind};

use crate::{Fact, FrameId, Status, frame::Role, turn::Machine};

impl Machine<'_> {
    /// Ends the path of a frame with an `end` of the definition. The instance completes with `terminate`, or if no other path is left. Fails if
    /// the path has an error message, or if the data of an instance that completes violates the output schema.
    pub(crate) fn end_path(
        &mut self,
        id: FrameId,
        terminate: bool,
        error_message: Option<&Template>,
    ) -> Result<(), Failure> {
        if let Some(template) = error_message {
            let message = self.fill_template_strictly(id, template)?;
            // As on SonataFlow, a value that is not a text is no error message.
            if let Some(text) = message.as_str().filter(|text| !text.trim().is_empty()) {
                return Err(Failure::new(FailureKind::Declared, text));
            }
        }
        let is_last = self.snapshot.frames.iter().all(|frame| frame.id == id);
        let completes = terminate || (is_last && !self.program.keep_active);
        if completes && let Some(output) = &self.context.output {
            output.check(self.snapshot.data_of(id)).map_err(Failure::validation)?;
        }
        self.leave_scope(id);
        self.snapshot.frames.retain(|frame| frame.id != id);
        if completes {
            self.end_instance(Status::Completed);
        }
        Ok(())
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
            Role::Root => {}
        }
    }

    /// Ends the instance with a status, and drops all frames.
    pub(crate) fn end_instance(&mut self, status: Status) {
        self.drop_frames(None);
        self.snapshot.status = status;
        self.snapshot.deadline = None;
        self.snapshot.failed = None;
        self.snapshot.response = None;
        self.snapshot.completed.clear();
        self.facts.push(if status == Status::Aborted { Fact::Aborted } else { Fact::Completed });
    }
}
