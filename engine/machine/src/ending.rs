//! How a path ends, and the instance with it.

use rondo_expression::Template;

use crate::{Effect, Fact, Failure, FrameId, Status, turn::Machine};

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
                return Err(Failure::declared(text.to_owned()));
            }
        }
        let last = self.snapshot.frames.iter().all(|frame| frame.id == id);
        let completes = terminate || (last && !self.program.keep_active);
        if completes && let Some(output) = &self.context.output {
            output.check(self.snapshot.data_of(id)).map_err(Failure::validation)?;
        }
        self.leave_state(id);
        self.snapshot.frames.retain(|frame| frame.id != id);
        if completes {
            self.finish(Status::Completed);
        }
        Ok(())
    }

    /// The instance ends.
    pub(crate) fn finish(&mut self, status: Status) {
        self.drop_frames();
        self.snapshot.status = status;
        self.snapshot.deadline = None;
        self.snapshot.failed = None;
        self.snapshot.response = None;
        self.snapshot.completed.clear();
        self.facts.push(if status == Status::Aborted { Fact::Aborted } else { Fact::Completed });
    }

    /// Drops all frames; what they stood in is left unfinished.
    pub(crate) fn drop_frames(&mut self) {
        for visit in self.snapshot.open_visits() {
            self.facts.push(Fact::Dropped { v: visit });
        }
        let children: Vec<_> = self.snapshot.children().collect();
        self.effects.extend(children.into_iter().map(Effect::CancelChild));
        self.snapshot.frames.clear();
        self.ready.clear();
    }
}
