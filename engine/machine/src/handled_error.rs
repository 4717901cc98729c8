//! The error that a handler led to, as `$WORKFLOW.error` shows it.
//!
//! The frame of the handler keeps it until the frame ends or handles another error; branches and iterations see that of the frames around
//! them. It is a value, so it is stored with the frame.

use rondo_expression::Val;
use rondo_program::Failure;

use crate::{FrameId, frame::Wait, turn::Machine};

impl Machine<'_> {
    /// The error that a handler led a frame, or one around it, here with.
    pub(crate) fn handled_error(&self, id: FrameId) -> Option<&Val> {
        let mut frames =
            std::iter::successors(self.snapshot.frame(id), |frame| self.snapshot.frame(frame.parent?));
        frames.find_map(|frame| frame.error.as_ref())
    }

    /// Describes an error that was raised on a frame: `{code, status, message, body, state, action, attempt}`, without what is not known.
    pub(crate) fn describe_error(&self, id: FrameId, failure: &Failure) -> Val {
        let mask = |text: &str| match &self.context.mask {
            Some(mask) => mask.mask(text),
            None => text.to_owned(),
        };
        let state = self.state_name(id);
        let action = self.open_action(id).and_then(|enclosing| enclosing.scope.action_name());
        let message = failure.message_at(&state, action.map(|(_, target)| &**target));
        let attempt = match self.snapshot.frame(id).map(|frame| &frame.wait) {
            Some(Wait::Call { attempt, .. }) => Some(Val::Int(i64::from(*attempt))),
            _ => None,
        };
        let body = failure.body.as_deref().map(|body| {
            let body = mask(body);
            Val::from_json(body.as_bytes()).unwrap_or_else(|_| Val::text(body))
        });
        let members = [
            ("code", Some(Val::text(failure.code.as_deref().unwrap_or_else(|| failure.kind.code())))),
            ("status", failure.status.map(|status| Val::Int(i64::from(status)))),
            ("message", Some(Val::text(mask(&message)))),
            ("body", body),
            ("state", Some(Val::text(&*state)).filter(|_| !state.is_empty())),
            ("action", action.map(|(name, _)| Val::text(&**name))),
            ("attempt", attempt),
        ];
        Val::object(members.into_iter().filter_map(|(name, value)| Some((name, value?))))
    }
}
