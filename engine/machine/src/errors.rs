//! Errors: who handles one, and the instance that stands still at one.

use rondo_program::{Failure, Pc};

use crate::{
    CallNumber, Effect, Fact, Failed, FrameId, Status, matching::find_match, retry, scopes::At,
    snapshot::Wait, turn::Machine,
};

impl Machine<'_> {
    /// An error occurs on a frame. The scopes around it are asked from the inside out: one tries the call again, or one handles the
    /// error. When none does, the instance stands still.
    pub(crate) fn raise(&mut self, id: FrameId, failure: Failure) {
        self.raise_in(id, usize::MAX, failure);
    }

    /// The same for an error that concerns the scopes of a frame up to a depth, and those around them.
    pub(crate) fn raise_in(&mut self, id: FrameId, depth: usize, failure: Failure) {
        for at in self.scopes_outwards(id).filter(|at| at.frame != id || at.depth <= depth) {
            if at.frame == id && self.try_again(&at, &failure) {
                return;
            }
            if let Some(then) = handler_of(&at, &failure) {
                return self.handle(&at, then, failure);
            }
        }
        self.fail(id, failure);
    }

    /// Whether some scope around a frame handles an error.
    pub(crate) fn is_handled(&self, id: FrameId, failure: &Failure) -> bool {
        self.scopes_outwards(id).any(|at| handler_of(&at, failure).is_some())
    }

    /// A call failed.
    pub(crate) fn call_failed(&mut self, id: FrameId, failure: Failure) {
        self.note_unsettled(id, &failure);
        self.raise(id, failure);
    }

    /// A child instance stands at an error. The state takes it if it handles such errors; else the caller goes on waiting,
    /// as on SonataFlow: when the child has been repaired and ends, the caller goes on.
    pub(crate) fn child_failed(&mut self, id: FrameId, failure: Failure) {
        if self.is_handled(id, &failure) {
            self.raise(id, failure);
        }
    }

    /// Notes a call of which it is not known whether the service has done what it was asked: the next try is the same call.
    pub(crate) fn note_unsettled(&mut self, id: FrameId, failure: &Failure) {
        self.with_frame(id, |frame| {
            if let Wait::Call { call, .. } = frame.wait
                && !failure.is_an_answer()
            {
                frame.unsettled = Some(call);
            }
        });
    }

    /// Lets a failed call wait for its next attempt, if the scope's policy says so.
    fn try_again(&mut self, at: &At<'_>, failure: &Failure) -> bool {
        let id = at.frame;
        let Some(Wait::Call { call, attempt }) = self.snapshot.frame(id).map(|frame| &frame.wait) else {
            return false;
        };
        let (call, attempt) = (*call, *attempt);
        let seed = (&*self.context.instance, call);
        let delay = at.scope.retry.as_deref().and_then(|policy| retry::delay(policy, failure, attempt, seed));
        let Some(delay) = delay else { return false };
        let until = self.after(delay);
        // A service that did not answer may have done what it was asked, so the next attempt has the same key, whatever is answered in
        // between. One that has always answered would repeat its answer if it keeps answers by their key, so the next attempt has another.
        let unsettled = self.snapshot.frame(id).and_then(|frame| frame.unsettled);
        let call = unsettled.unwrap_or_else(|| self.next_call());
        self.facts.push(Fact::Retry { v: at.open.visit, attempt, until, message: failure.message.clone() });
        self.drop_scopes(id, at.depth + 1);
        self.with_frame(id, |frame| {
            frame.wait = Wait::Retry { until, call, attempt: attempt.saturating_add(1) };
            if let Some(open) = frame.scopes.last_mut() {
                open.deadline = None;
            }
        });
        true
    }

    /// The time of a failed call's next attempt has come. The scope's time limit holds for each attempt anew.
    pub(crate) fn call_again(&mut self, id: FrameId, call: CallNumber, attempt: u32) {
        let limit = self.action_of(id).and_then(|at| at.scope.timeout);
        let deadline = limit.map(|limit| self.after(limit));
        self.with_frame(id, |frame| {
            frame.wait = Wait::Call { call, attempt };
            if let Some(open) = frame.scopes.last_mut() {
                open.deadline = deadline;
            }
        });
        match self.call_request(id) {
            Ok(request) => self.effects.extend(request.map(Effect::Call)),
            Err(failure) => {
                // It was not made, so a policy for calls has no say.
                self.wait(id, Wait::Ready);
                self.raise(id, failure);
            }
        }
    }

    /// A scope's handler takes an error: what runs in the scope is dropped, and its frame goes on at the handler.
    fn handle(&mut self, at: &At<'_>, then: Pc, failure: Failure) {
        let id = at.frame;
        self.keep_changes(id);
        self.drop_frames(Some(id));
        self.drop_scopes(id, at.depth + 1);
        self.facts.push(Fact::Handled {
            v: at.open.visit,
            message: failure.message,
            kind: Some(failure.kind),
            origin: failure.origin,
        });
        self.with_frame(id, |frame| {
            frame.pc = then;
            frame.focus = None;
            frame.result = None;
            frame.unsettled = None;
            if let Some(open) = frame.scopes.last_mut() {
                open.failed = true;
            }
        });
        self.wake(id);
    }

    /// What branches have done so far stays in the data, as does what earlier actions have done.
    fn keep_changes(&mut self, id: FrameId) {
        let Some(frame) = self.snapshot.frame(id) else { return };
        if matches!(frame.wait, Wait::Branches { .. }) {
            let data = self.snapshot.within(frame, self.snapshot.data_of(id).clone(), self.program.merge);
            if self.check_size(&data).is_ok() {
                self.snapshot.set_data_of(id, data);
            }
        }
    }

    /// Nothing handles the error: the instance stands still, so that somebody can look, retry or skip.
    fn fail(&mut self, id: FrameId, failure: Failure) {
        let (action, state) = (self.action_of(id), self.state_around(id));
        let visit = action.or(state).map(|at| at.open.visit).unwrap_or_default();
        let target = action.and_then(|at| at.scope.action_name()).map(|(_, target)| target.clone());
        let failed = Failed { frame: id, visit, state: self.state_name(id), action: target, failure };
        self.facts.push(Fact::Failed {
            v: visit,
            message: failed.message(),
            kind: Some(failed.failure.kind),
            origin: failed.failure.origin,
        });
        self.note_unsettled(id, &failed.failure);
        self.wait(id, Wait::Failed);
        self.snapshot.status = Status::Error;
        self.snapshot.failed = Some(failed);
    }
}

/// Where the handler leads that takes an error in a scope.
fn handler_of(at: &At<'_>, failure: &Failure) -> Option<Pc> {
    let handlers = &at.scope.handlers;
    let found = find_match(handlers.iter().map(|handler| handler.errors.as_slice()), failure)?;
    handlers.get(found).map(|handler| handler.then)
}
