//! Builds the request of a call.

use std::sync::Arc;

use rondo_program::{Arguments, Failure, Instruction};

use crate::{CallRequest, FrameId, frame::Wait, turn::Machine};

impl Machine<'_> {
    /// The request of the call that a frame waits for; `None` if it waits for none. The request is computed from the snapshot only, so after a
    /// crash the same request can be computed again, except for arguments that use `now`, `uuid4`, `random` or `hostname`.
    pub(crate) fn call_request(&self, id: FrameId) -> Result<Option<CallRequest>, Failure> {
        let Some(frame) = self.snapshot.frame(id) else { return Ok(None) };
        let (Wait::Call { call, attempt }, Some(Instruction::Call { function, arguments, config_key, .. })) =
            (&frame.wait, self.program.instruction(frame.pc))
        else {
            return Ok(None);
        };
        let config_key = match config_key {
            Some(expression) => Some(self.evaluate(id, expression, self.focus(id))?.to_text()),
            None => None,
        };
        let arguments = match arguments {
            Arguments::None => None,
            Arguments::Template(template) => Some(self.fill_template(id, template)?),
        };
        let action = self.open_action(id).and_then(|enclosing| enclosing.scope.action_name());
        Ok(Some(CallRequest {
            call: *call,
            attempt: *attempt,
            function: Arc::clone(function),
            arguments,
            data: self.focus(id).clone(),
            config_key,
            python: self.snapshot.response.as_ref().and_then(|response| response.get("python")).cloned(),
            state: self.state_name(id),
            action: action.map_or_else(|| Arc::clone(function), |(name, _)| Arc::clone(name)),
        }))
    }
}
