//! Actions that nobody waits for (spec-0.8, `invoke: async`).
//!
//! Owns: the frame of such an action, which begins with the action and ends with the answer. Promises: a call is made at least once, whatever
//! crashes and also if the instance has ended before; a failure is a fact and nothing else. Never: holds up or changes the instance.

use std::sync::Arc;

use rondo_program::{Failure, Instruction, OnParentEnd, ScopeKind};

use crate::{
    Effect, Fact, FrameId,
    frame::{OpenScope, Role, Wait},
    turn::Machine,
};

impl Machine<'_> {
    /// Makes a call that nobody waits for.
    pub(crate) fn start_detached_call(&mut self, id: FrameId) {
        let call = self.take_call_number();
        let (focus, variables) = (self.focus(id).clone(), self.variables(id));
        let previous = self.snapshot.frame(id).and_then(|frame| frame.previous.clone());
        let error = self.handled_error(id).cloned();
        self.count_retained(&focus);
        // The frame keeps all that the arguments are made of: the data may change before the call is made again after a crash.
        let detached = self.push_detached(id, Wait::Call { call, attempt: 1 });
        self.edit_frame(detached, |frame| {
            frame.focus = Some(focus);
            frame.variables = variables;
            frame.previous = previous;
            frame.error = error;
        });
        match self.call_request(detached) {
            Ok(request) => self.effects.extend(request.map(Effect::Call)),
            Err(failure) => self.fail_detached(detached, &failure),
        }
    }

    /// Adds the frame of an action that nobody waits for. It stands at the same instruction as the frame that starts it.
    pub(crate) fn push_detached(&mut self, id: FrameId, wait: Wait) -> FrameId {
        let pc = self.snapshot.frame(id).map(|frame| frame.pc).unwrap_or_default();
        let is_named = |kind: &ScopeKind| !matches!(kind, ScopeKind::Branch { .. });
        let enclosing = self.enclosing_scopes(id).filter(|enclosing| is_named(&enclosing.scope.kind));
        let open =
            enclosing.map(|enclosing| OpenScope { deadline: None, single_deadline: None, ..enclosing.open });
        let mut scopes: Vec<_> = open.collect();
        scopes.reverse();
        let detached = self.snapshot.push_frame(None, Role::Detached, pc);
        self.edit_frame(detached, |frame| {
            frame.wait = wait;
            frame.scopes = scopes;
        });
        detached
    }

    /// Whether nobody waits for a frame.
    pub(crate) fn is_detached(&self, id: FrameId) -> bool {
        self.snapshot.frame(id).is_some_and(crate::frame::Frame::is_detached)
    }

    /// An action that nobody waits for has ended.
    pub(crate) fn end_detached(&mut self, id: FrameId) {
        self.snapshot.frames.retain(|frame| frame.id != id);
    }

    /// An action that nobody waits for has failed, and has ended thereby.
    pub(crate) fn fail_detached(&mut self, id: FrameId, failure: &Failure) {
        self.note_detached_failure(id, failure);
        self.end_detached(id);
    }

    /// Notes that an action has failed that nobody waits for.
    pub(crate) fn note_detached_failure(&mut self, id: FrameId, failure: &Failure) {
        let action = self.open_action(id);
        let target = action.and_then(|enclosing| enclosing.scope.action_name()).map(|(_, target)| target);
        let message = failure.message_at(&self.state_name(id), target.map(|target| &**target));
        self.facts.push(Fact::AsyncFailed {
            visit: action.map(|enclosing| enclosing.open.visit).unwrap_or_default(),
            target: target.map_or_else(|| Arc::from(""), Arc::clone),
            message,
            kind: failure.kind,
            origin: failure.origin,
        });
    }

    /// The instance ends: ends the child instances that nobody waits for, but for those that outlive it. The calls stay, to be made again after
    /// a crash.
    pub(crate) fn release_detached_children(&mut self) {
        let frames = self.snapshot.frames.iter();
        let children: Vec<_> = frames
            .filter_map(|frame| match frame.wait {
                Wait::Child { call, .. } => Some((frame.id, call, self.program.instruction(frame.pc))),
                _ => None,
            })
            .collect();
        for (frame, call, instruction) in children {
            let goes_on = matches!(
                instruction,
                Some(Instruction::Subflow { detached: Some(OnParentEnd::Continue), .. })
            );
            if !goes_on {
                self.effects.push(Effect::CancelChild(call));
            }
            self.end_detached(frame);
        }
    }
}
