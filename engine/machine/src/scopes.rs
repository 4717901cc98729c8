//! Enters and leaves scopes, and finds the scopes around a frame.

use std::sync::Arc;

use rondo_program::{Scope, ScopeId, ScopeKind};

use crate::{Fact, FrameId, Visit, frame::OpenScope, turn::Machine};

/// An open scope, with its frame.
#[derive(Clone, Copy)]
pub(crate) struct EnclosingScope<'a> {
    pub(crate) frame: FrameId,
    /// Its index in the frame's stack of open scopes; the outermost is 0.
    pub(crate) depth: usize,
    pub(crate) open: OpenScope,
    pub(crate) scope: &'a Scope,
}

impl<'a> Machine<'a> {
    /// The open scopes around a frame, the innermost first: those of the frame, then those of its ancestors.
    pub(crate) fn enclosing_scopes(&self, id: FrameId) -> impl Iterator<Item = EnclosingScope<'a>> + use<'a> {
        let frames =
            std::iter::successors(self.snapshot.frame(id), |frame| self.snapshot.frame(frame.parent?));
        let program = self.program;
        let open = frames.flat_map(move |frame| {
            let scopes = frame.scopes.iter().enumerate().rev();
            scopes.filter_map(move |(depth, open)| {
                Some(EnclosingScope { frame: frame.id, depth, open: *open, scope: program.scope(open.id)? })
            })
        });
        open.collect::<Vec<_>>().into_iter()
    }

    /// The scope of the state that a frame runs in.
    pub(crate) fn enclosing_state(&self, id: FrameId) -> Option<EnclosingScope<'a>> {
        self.enclosing_scopes(id).find(|enclosing| enclosing.scope.state_name().is_some())
    }

    /// The innermost open action of a frame, without those of its ancestors.
    pub(crate) fn open_action(&self, id: FrameId) -> Option<EnclosingScope<'a>> {
        self.enclosing_scopes(id)
            .take_while(|enclosing| enclosing.frame == id)
            .find(|enclosing| enclosing.scope.action_name().is_some())
    }

    /// Name of the state that a frame runs in; empty between two states.
    pub(crate) fn state_name(&self, id: FrameId) -> Arc<str> {
        self.enclosing_state(id)
            .and_then(|enclosing| enclosing.scope.state_name())
            .map_or_else(|| Arc::from(""), Arc::clone)
    }

    /// Enters a scope: its error handlers and its time limit apply from now on.
    pub(crate) fn enter_scope(&mut self, id: FrameId, scope_id: ScopeId) {
        let Some(scope) = self.program.scope(scope_id) else { return };
        let deadline = scope.timeout.map(|limit| self.time_after(limit));
        let single_deadline = scope.single.map(|limit| self.time_after(limit));
        let visit = self.begin_visit(id, &scope.kind);
        self.edit_frame(id, |frame| {
            frame.focus = None;
            frame.result = None;
            frame.scopes.push(OpenScope { id: scope_id, visit, deadline, single_deadline, failed: false });
        });
    }

    /// Begins a visit to a scope of a frame, and tells the history. A branch, which the history does not show, has the visit 0.
    pub(crate) fn begin_visit(&mut self, id: FrameId, kind: &ScopeKind) -> Visit {
        match kind {
            ScopeKind::State { name, kind } => {
                let visit = self.take_visit();
                let kind = kind.as_str().into();
                self.facts.push(Fact::Entered { visit, state: Arc::clone(name), kind });
                visit
            }
            ScopeKind::Action { name, target, kind } => {
                let visit = self.take_visit();
                self.facts.push(Fact::Action {
                    visit,
                    target: Arc::clone(target),
                    name: (name != target).then(|| Arc::clone(name)),
                    kind: kind.as_str().into(),
                    within: self.enclosing_state(id).map_or(visit, |enclosing| enclosing.open.visit),
                });
                visit
            }
            ScopeKind::Branch { .. } => 0,
        }
    }

    /// Leaves the innermost scope of a frame. A completed scope with a compensation is added to the scopes to compensate. A scope whose error
    /// was handled has not completed, so it is not compensated (spec-0.8, "Workflow Compensation").
    pub(crate) fn leave_scope(&mut self, id: FrameId) {
        let Some(open) = self.snapshot.frame_mut(id).and_then(|frame| frame.scopes.pop()) else { return };
        if open.visit != 0 {
            self.facts.push(Fact::Left { visit: open.visit });
        }
        let Some(scope) = self.program.scope(open.id) else { return };
        if scope.action_name().is_some() {
            self.close_action(id);
        }
        if !open.failed && scope.compensation.is_some() {
            // It is compensated once, and what completed last is compensated first.
            self.snapshot.completed.retain(|completed| *completed != open.id);
            self.snapshot.completed.push(open.id);
        }
    }

    /// Clears the registers of a completed action. Its result becomes the previous result.
    fn close_action(&mut self, id: FrameId) {
        let needs_previous = self.needs_previous_result(id);
        self.edit_frame(id, |frame| {
            let result = frame.result.take();
            if needs_previous {
                frame.previous = result.or(frame.previous.take());
            }
            frame.focus = None;
        });
    }

    /// Drops the open scopes of a frame from an index on, without completing them.
    pub(crate) fn drop_scopes(&mut self, id: FrameId, from: usize) {
        let Some(frame) = self.snapshot.frame_mut(id) else { return };
        let dropped = frame.scopes.split_off(from.min(frame.scopes.len()));
        let visits = dropped.iter().map(|open| open.visit).filter(|visit| *visit != 0);
        self.facts.extend(visits.map(|visit| Fact::Dropped { visit }));
    }
}
