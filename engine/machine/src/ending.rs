//! How a path ends, and the instance with it.

use rondo_expression::Template;
use rondo_program::{Failure, FailureKind};

use crate::{Fact, FrameId, Status, turn::Machine};

impl Machine<'_> {
    /// A path ends.
    pub(crate) fn end(
        &mut self,
        id: FrameId,
        terminate: bool,
        error_message: Option<&Template>,
    ) -> Result<(), Failure> {
        if let Some(template) = error_message {
            let message = self.fill_strictly(id, template)?;
            // Only a text is a message, as on SonataFlow.
            if let Some(text) = message.as_str().filter(|text| !text.trim().is_empty()) {
                return Err(Failure::new(FailureKind::Declared, text));
            }
        }
        let last = self.snapshot.frames.iter().all(|frame| frame.id == id);
        let completes = terminate || (last && !self.program.keep_active);
        if completes && let Some(output) = &self.context.output {
            output.check(self.snapshot.data_of(id)).map_err(Failure::validation)?;
        }
        self.leave(id);
        self.snapshot.frames.retain(|frame| frame.id != id);
        if completes {
            self.finish(Status::Completed);
        }
        Ok(())
    }

    /// The instance ends.
    pub(crate) fn finish(&mut self, status: Status) {
        self.drop_frames(None);
        self.snapshot.status = status;
        self.snapshot.deadline = None;
        self.snapshot.failed = None;
        self.snapshot.response = None;
        self.snapshot.completed.clear();
        self.facts.push(if status == Status::Aborted { Fact::Aborted } else { Fact::Completed });
    }
}
