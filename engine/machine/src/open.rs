//! The states and actions that are open on frames.

use std::sync::Arc;

use rondo_program::Pc;

use crate::{Fact, FrameId, snapshot::Open, turn::Machine};

impl Machine<'_> {
    pub(crate) fn state_name(&self, id: FrameId) -> Arc<str> {
        self.open_state(id)
            .and_then(|open| self.program.state(open.id))
            .map_or_else(|| Arc::from(""), |state| Arc::clone(&state.name))
    }

    /// The state that a frame is in: its own, or that of the frame it was forked from.
    pub(crate) fn open_state(&self, id: FrameId) -> Option<Open<rondo_program::StateId>> {
        let mut frame = self.snapshot.frame(id)?;
        loop {
            match (frame.state, frame.parent) {
                (Some(open), _) => return Some(open),
                (None, Some(parent)) => frame = self.snapshot.frame(parent)?,
                (None, None) => return None,
            }
        }
    }

    pub(crate) fn enter_state(&mut self, id: FrameId, state: rondo_program::StateId) {
        let visit = self.next_visit();
        let Some(info) = self.program.state(state) else { return };
        let deadline = info.timeout.map(|limit| self.after(limit));
        self.facts.push(Fact::Entered { v: visit, state: Arc::clone(&info.name), kind: info.kind.into() });
        self.with_frame(id, |frame| {
            frame.focus = None;
            frame.result = None;
            frame.state = Some(Open { id: state, visit, deadline, failed: false });
        });
    }

    /// Closes the state that is open on a frame. It completed, unless an error handler led out of it (spec-0.8, "Workflow
    /// Compensation": only what completed is compensated).
    pub(crate) fn leave_state(&mut self, id: FrameId) {
        let Some(open) = self.snapshot.frame_mut(id).and_then(|frame| frame.state.take()) else { return };
        self.facts.push(Fact::Left { v: open.visit });
        if !open.failed
            && self.program.state(open.id).is_some_and(|info| info.compensation.is_some())
            && !self.snapshot.completed.contains(&open.id)
        {
            self.snapshot.completed.push(open.id);
        }
    }

    pub(crate) fn enter_action(&mut self, id: FrameId, action: rondo_program::ActionId, pc: Pc) {
        let visit = self.next_visit();
        let within = self.open_state(id).map_or(visit, |open| open.visit);
        let Some(info) = self.program.action(action) else { return };
        let deadline = info.timeout.map(|limit| self.after(limit));
        self.facts.push(Fact::Action {
            v: visit,
            target: Arc::clone(&info.target),
            name: (info.name != info.target).then(|| Arc::clone(&info.name)),
            kind: self.program.action_kind(pc).into(),
            within,
        });
        self.with_frame(id, |frame| {
            frame.focus = None;
            frame.result = None;
            frame.action = Some(Open { id: action, visit, deadline, failed: false });
        });
    }

    pub(crate) fn leave_action(&mut self, id: FrameId) {
        let keeps = self.keeps_previous(id);
        let mut visit = None;
        self.with_frame(id, |frame| {
            visit = frame.action.take().map(|open| open.visit);
            let result = frame.result.take();
            if keeps {
                frame.previous = result.or(frame.previous.take());
            }
            frame.focus = None;
        });
        self.facts.extend(visit.map(|v| Fact::Left { v }));
    }
}
