//! The request that a call amounts to.

use std::sync::Arc;

use rondo_program::{Arguments, Failure, Instruction};

use crate::{CallRequest, FrameId, snapshot::Wait, turn::Machine};

impl Machine<'_> {
    /// The request that the call instruction at which a frame stands amounts to. It is derived from the snapshot
    /// alone, so that after a crash the same request can be derived again, but for what its arguments take from `now`, `uuid4` and the like.
    pub(crate) fn call_request(&self, id: FrameId) -> Result<Option<CallRequest>, Failure> {
        let Some(frame) = self.snapshot.frame(id) else { return Ok(None) };
        let (Wait::Call { call, attempt }, Some(Instruction::Call { function, arguments, config_key })) =
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
            Arguments::Template(template) => Some(self.fill(id, template)),
        };
        let action = self.action_of(id).and_then(|at| at.scope.action_name());
        Ok(Some(CallRequest {
            call: *call,
            attempt: *attempt,
            function: Arc::clone(function),
            arguments,
            data: self.focus(id).clone(),
            config_key,
            state: self.state_name(id),
            action: action.map_or_else(|| Arc::clone(function), |(name, _)| Arc::clone(name)),
        }))
    }
}
