//! Raises errors: finds the retry policy or the handler for an error, or stops the instance at it.

use std::time::Duration;

use rondo_expression::{MergeRules, Val};
use rondo_program::{Failure, Instruction, Pc};

use crate::{
    CallNumber, Effect, Fact, FailedStep, FrameId, Status, frame::Wait, matching::find_match,
    retry::retry_delay, scopes::EnclosingScope, turn::Machine,
};

impl Machine<'_> {
    /// Raises an error on a frame. The open scopes are searched from the innermost to the outermost for a retry policy that applies or a handler
    /// that matches. Without either, the instance stops at the error.
    pub(crate) fn raise(&mut self, id: FrameId, failure: Failure) {
        self.raise_in(id, usize::MAX, failure);
    }

    /// Raises an error in the scope with index `depth` of a frame: the search begins there.
    pub(crate) fn raise_in(&mut self, id: FrameId, depth: usize, failure: Failure) {
        if self.snapshot.is_over_time {
            self.give_up(id);
            return;
        }
        for enclosing in
            self.enclosing_scopes(id).filter(|enclosing| enclosing.frame != id || enclosing.depth <= depth)
        {
            if enclosing.frame == id && self.schedule_retry(&enclosing, &failure) {
                return;
            }
            if let Some(then) = find_handler(&enclosing, &failure) {
                let error = self.describe_error(id, &failure);
                return self.run_handler(&enclosing, then, failure, error);
            }
        }
        self.halt_at_error(id, failure);
    }

    /// Whether some scope around a frame handles an error.
    pub(crate) fn is_handled(&self, id: FrameId, failure: &Failure) -> bool {
        self.enclosing_scopes(id).any(|enclosing| find_handler(&enclosing, failure).is_some())
    }

    /// Handles the failure of the call that a frame waits for.
    pub(crate) fn call_failed(&mut self, id: FrameId, failure: Failure) {
        self.note_call_in_doubt(id, &failure);
        self.raise(id, failure);
    }

    /// Handles a child instance that stopped at an error. If its action is retried, another one is started; if a scope handles such an error, it
    /// is raised. The child stays where it stopped: the parent has nothing to do with it any more. Otherwise the parent still waits, as on
    /// SonataFlow: when somebody has repaired the child and it ends, the parent continues. By the specification its error is always one of the
    /// action (spec-0.8, rule 104).
    pub(crate) fn child_failed(&mut self, id: FrameId, failure: Failure) {
        let is_over_time = self.snapshot.is_over_time;
        if let Some(action) = self.open_action(id).filter(|_| !is_over_time)
            && self.schedule_retry(&action, &failure)
        {
            return;
        }
        let is_an_error = self.program.merge == MergeRules::Specification;
        if is_an_error || is_over_time || self.is_handled(id, &failure) {
            self.set_wait(id, Wait::Ready);
            self.raise(id, failure);
        }
    }

    /// Marks a failed call as in doubt if the service may have processed it. The next attempt then has the same number.
    pub(crate) fn note_call_in_doubt(&mut self, id: FrameId, failure: &Failure) {
        self.edit_frame(id, |frame| {
            if let Wait::Call { call, .. } = frame.wait
                && !failure.has_definite_outcome()
            {
                frame.call_in_doubt = Some(call);
            }
        });
    }

    /// The number of the attempt that failed, and the delay before the next one, if a frame waits for a call or a subflow and the scope's
    /// retry policy allows another attempt.
    fn next_attempt(&self, enclosing: &EnclosingScope<'_>, failure: &Failure) -> Option<(u32, Duration)> {
        let frame = self.snapshot.frame(enclosing.frame)?;
        let (Wait::Call { call, attempt } | Wait::Child { call, attempt }) = frame.wait else { return None };
        let policy = enclosing.scope.retry.as_deref()?;
        let delay = retry_delay(policy, failure, attempt, (&*self.context.instance, call))?;
        Some((attempt, delay))
    }

    /// Schedules the next attempt of a failed call or subflow if the scope's retry policy allows one. Returns whether it did.
    pub(crate) fn schedule_retry(&mut self, enclosing: &EnclosingScope<'_>, failure: &Failure) -> bool {
        let id = enclosing.frame;
        let Some((attempt, delay)) = self.next_attempt(enclosing, failure) else { return false };
        let until = self.time_after(delay);
        // A service that did not answer may have processed the call, so all further attempts have the same number and thereby the same
        // idempotency key. If the service has answered every attempt, the next one has a new number, because a service that stores its
        // answers by key would repeat the error.
        let in_doubt = self.snapshot.frame(id).and_then(|frame| frame.call_in_doubt);
        let call = in_doubt.unwrap_or_else(|| self.take_call_number());
        self.facts.push(Fact::Retry {
            visit: enclosing.open.visit,
            attempt,
            until,
            message: failure.message.clone(),
        });
        self.drop_scopes(id, enclosing.depth + 1);
        self.edit_frame(id, |frame| {
            frame.wait = Wait::Retry { until, call, attempt: attempt.saturating_add(1) };
            if let Some(open) = frame.scopes.last_mut() {
                open.deadline = None;
            }
        });
        self.set_single_limits(id, false);
        true
    }

    /// Makes the next attempt of a failed call or subflow. The time limit of the action starts again with each attempt.
    pub(crate) fn repeat_call(&mut self, id: FrameId, call: CallNumber, attempt: u32) {
        let limit = self.open_action(id).and_then(|enclosing| enclosing.scope.timeout);
        let deadline = limit.map(|limit| self.time_after(limit));
        let position = self.snapshot.frame(id).map(|frame| frame.pc).unwrap_or_default();
        let subflow = match self.program.instruction(position) {
            Some(Instruction::Subflow { workflow, version, .. }) => Some((workflow, version)),
            _ => None,
        };
        let wait = match subflow {
            Some(_) => Wait::Child { call, attempt },
            None => Wait::Call { call, attempt },
        };
        self.edit_frame(id, |frame| {
            frame.wait = wait;
            if let Some(open) = frame.scopes.last_mut() {
                open.deadline = deadline;
            }
        });
        self.set_single_limits(id, true);
        if let Some((workflow, version)) = subflow {
            self.start_child(id, call, workflow, version.as_ref(), false);
            return;
        }
        match self.call_request(id) {
            Ok(request) => self.effects.extend(request.map(Effect::Call)),
            Err(failure) => {
                // The frame waits for no call, so the retry policy, which is for calls, does not apply to the failure.
                self.set_wait(id, Wait::Ready);
                self.raise(id, failure);
            }
        }
    }

    /// Continues at the handler of a scope: drops the frames and scopes inside of it, and moves its frame to the handler.
    fn run_handler(&mut self, enclosing: &EnclosingScope<'_>, then: Pc, failure: Failure, error: Val) {
        let id = enclosing.frame;
        self.keep_branch_changes(id);
        self.drop_frames(Some(id));
        self.drop_scopes(id, enclosing.depth + 1);
        self.facts.push(Fact::Handled {
            visit: enclosing.open.visit,
            message: failure.message,
            kind: Some(failure.kind),
            origin: failure.origin,
        });
        self.count_retained(&error);
        self.edit_frame(id, |frame| {
            frame.pc = then;
            frame.focus = None;
            frame.result = None;
            frame.call_in_doubt = None;
            frame.error = Some(error);
            // No entry of an event state that failed takes its events any more.
            frame.events.clear();
            if let Some(open) = frame.scopes.last_mut() {
                open.failed = true;
            }
        });
        self.wake(id);
    }

    /// Merges the changes of the branches so far into the data, as the changes of earlier actions stay there too.
    pub(crate) fn keep_branch_changes(&mut self, id: FrameId) {
        let Some(frame) = self.snapshot.frame(id) else { return };
        if matches!(frame.wait, Wait::Branches { .. }) {
            let data = self.snapshot.with_branch_changes(
                frame,
                self.snapshot.data_of(id).clone(),
                self.program.merge,
            );
            if self.check_size(&data).is_ok() {
                self.snapshot.set_data_of(id, data);
            }
        }
    }

    /// Stops the instance at an error that no handler matches, so that somebody can repair, retrigger or skip it.
    fn halt_at_error(&mut self, id: FrameId, failure: Failure) {
        // Only states that a handler led to see the body, so it is not stored here.
        let failure = Failure { body: None, ..failure };
        let (action, state) = (self.open_action(id), self.enclosing_state(id));
        let visit = action.or(state).map(|enclosing| enclosing.open.visit).unwrap_or_default();
        let target =
            action.and_then(|enclosing| enclosing.scope.action_name()).map(|(_, target)| target.clone());
        let failed = FailedStep { frame: id, visit, state: self.state_name(id), action: target, failure };
        self.facts.push(Fact::Failed {
            visit,
            message: failed.message(),
            kind: Some(failed.failure.kind),
            origin: failed.failure.origin,
        });
        self.note_call_in_doubt(id, &failed.failure);
        self.drop_frames(Some(id));
        self.set_wait(id, Wait::Failed);
        self.snapshot.status = Status::Error;
        self.snapshot.failed = Some(failed);
    }
}

/// The target of the first error handler of a scope that matches an error.
fn find_handler(enclosing: &EnclosingScope<'_>, failure: &Failure) -> Option<Pc> {
    let handlers = &enclosing.scope.handlers;
    let index = find_match(handlers.iter().map(|handler| handler.errors.as_slice()), failure)?;
    handlers.get(index).map(|handler| handler.then)
}
