//! The scopes that are open on frames: states, actions, branches.

use std::sync::Arc;

use rondo_program::{Scope, ScopeId, ScopeKind};

use crate::{Fact, FrameId, snapshot::OpenScope, turn::Machine};

/// An open scope, and where it is open.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) frame: FrameId,
    /// Its place in the stack of the frame.
    pub(crate) depth: usize,
    pub(crate) open: OpenScope,
    pub(crate) scope: &'a Scope,
}

impl<'a> Machine<'a> {
    /// The scopes around what a frame runs, from the inside out: its own, then those of the frames that it was forked from.
    pub(crate) fn scopes_outwards(&self, id: FrameId) -> impl Iterator<Item = At<'a>> + use<'a> {
        let frames =
            std::iter::successors(self.snapshot.frame(id), |frame| self.snapshot.frame(frame.parent?));
        let program = self.program;
        let open = frames.flat_map(move |frame| {
            let scopes = frame.scopes.iter().enumerate().rev();
            scopes.filter_map(move |(depth, open)| {
                Some(At { frame: frame.id, depth, open: *open, scope: program.scope(open.id)? })
            })
        });
        open.collect::<Vec<_>>().into_iter()
    }

    /// The state that a frame is in.
    pub(crate) fn state_around(&self, id: FrameId) -> Option<At<'a>> {
        self.scopes_outwards(id).find(|at| at.scope.state_name().is_some())
    }

    /// The action that is open on a frame itself.
    pub(crate) fn action_of(&self, id: FrameId) -> Option<At<'a>> {
        self.scopes_outwards(id).take_while(|at| at.frame == id).find(|at| at.scope.action_name().is_some())
    }

    /// Name of the state that a frame is in; empty between states.
    pub(crate) fn state_name(&self, id: FrameId) -> Arc<str> {
        self.state_around(id).and_then(|at| at.scope.state_name()).map_or_else(|| Arc::from(""), Arc::clone)
    }

    /// Opens a scope: its handlers and its time limit apply from now on.
    pub(crate) fn enter(&mut self, id: FrameId, scope_id: ScopeId) {
        let Some(scope) = self.program.scope(scope_id) else { return };
        let deadline = scope.timeout.map(|limit| self.after(limit));
        let visit = match &scope.kind {
            ScopeKind::State { name, kind } => {
                let visit = self.next_visit();
                let kind = kind.as_str().into();
                self.facts.push(Fact::Entered { v: visit, state: Arc::clone(name), kind });
                visit
            }
            ScopeKind::Action { name, target, kind } => {
                let visit = self.next_visit();
                self.facts.push(Fact::Action {
                    v: visit,
                    target: Arc::clone(target),
                    name: (name != target).then(|| Arc::clone(name)),
                    kind: kind.as_str().into(),
                    within: self.state_around(id).map_or(visit, |at| at.open.visit),
                });
                visit
            }
            ScopeKind::Branch { .. } => 0,
        };
        self.with_frame(id, |frame| {
            frame.focus = None;
            frame.result = None;
            frame.scopes.push(OpenScope { id: scope_id, visit, deadline, failed: false });
        });
    }

    /// Closes the innermost scope of a frame. One that completed and has a compensation is remembered; one that an error handler led
    /// out of did not complete (spec-0.8, "Workflow Compensation").
    pub(crate) fn leave(&mut self, id: FrameId) {
        let Some(open) = self.snapshot.frame_mut(id).and_then(|frame| frame.scopes.pop()) else { return };
        if open.visit != 0 {
            self.facts.push(Fact::Left { v: open.visit });
        }
        let Some(scope) = self.program.scope(open.id) else { return };
        if scope.action_name().is_some() {
            self.keep_result(id);
        }
        if !open.failed && scope.compensation.is_some() && !self.snapshot.completed.contains(&open.id) {
            self.snapshot.completed.push(open.id);
        }
    }

    /// An action is over: its result is what the next one may look at.
    fn keep_result(&mut self, id: FrameId) {
        let keeps = self.keeps_previous(id);
        self.with_frame(id, |frame| {
            let result = frame.result.take();
            if keeps {
                frame.previous = result.or(frame.previous.take());
            }
            frame.focus = None;
        });
    }

    /// Closes the scopes of a frame from a depth on: nobody waits for what runs in them any more.
    pub(crate) fn drop_scopes(&mut self, id: FrameId, from: usize) {
        let Some(frame) = self.snapshot.frame_mut(id) else { return };
        let dropped = frame.scopes.split_off(from.min(frame.scopes.len()));
        let visits = dropped.iter().map(|open| open.visit).filter(|visit| *visit != 0);
        self.facts.extend(visits.map(|v| Fact::Dropped { v }));
    }
}
