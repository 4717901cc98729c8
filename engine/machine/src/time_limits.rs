//! Timers: sleeps and retries that are due, and time limits that have passed.

use rondo_program::{Failure, ScopeKind};

use crate::{
    FrameId, Millis, Status,
    frame::{Frame, Wait},
    turn::Machine,
};

/// A timer of a frame.
enum Timer {
    /// The end of its sleep, retry delay or wait for events.
    Wait,
    /// The time limit of the open scope with this index.
    Limit(usize),
    /// The time limit of one execution of the open scope with this index.
    SingleLimit(usize),
}

impl Machine<'_> {
    /// Fires all timers that are due, in the order of their times. The time limit of the workflow comes first and cancels all others.
    pub(crate) fn fire_due_timers(&mut self) {
        if self.snapshot.status != Status::Active {
            return;
        }
        if self.snapshot.deadline.is_some_and(|deadline| deadline <= self.now) {
            self.snapshot.deadline = None;
            self.time_out_workflow();
            return;
        }
        let frames = self.snapshot.frames.iter();
        let mut due: Vec<(Millis, FrameId, Timer)> = frames
            .filter_map(|frame| earliest_due(frame, self.now).map(|(at, timer)| (at, frame.id, timer)))
            .collect();
        due.sort_by_key(|(at, id, _)| (*at, *id));
        for (at, id, timer) in due {
            if self.snapshot.status == Status::Active && self.is_still_due(id, at, &timer) {
                match timer {
                    Timer::Wait => self.end_timed_wait(id),
                    Timer::Limit(depth) | Timer::SingleLimit(depth) => self.time_out_scope(id, depth),
                }
            }
        }
    }

    /// Whether a timer is still set: an earlier timer of the same turn may have dropped its frame or scope.
    fn is_still_due(&self, id: FrameId, at: Millis, timer: &Timer) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| match timer {
            Timer::Wait => frame.wait.until() == Some(at),
            Timer::Limit(depth) => frame.scopes.get(*depth).is_some_and(|open| open.deadline == Some(at)),
            Timer::SingleLimit(depth) => {
                frame.scopes.get(*depth).is_some_and(|open| open.single_deadline == Some(at))
            }
        })
    }

    /// Begins the time limits of one execution anew in all scopes around a frame, or stops them until the next one begins.
    pub(crate) fn set_single_limits(&mut self, id: FrameId, are_running: bool) {
        let enclosing: Vec<_> = self.enclosing_scopes(id).collect();
        for enclosing in enclosing {
            let Some(limit) = enclosing.scope.single else { continue };
            let deadline = are_running.then(|| self.time_after(limit));
            self.edit_frame(enclosing.frame, |frame| {
                if let Some(open) = frame.scopes.get_mut(enclosing.depth) {
                    open.single_deadline = deadline;
                }
            });
        }
    }

    /// The time for which a frame waits has passed.
    fn end_timed_wait(&mut self, id: FrameId) {
        match self.snapshot.frame(id).map(|frame| &frame.wait) {
            Some(Wait::Sleep(_)) => self.advance(id),
            Some(&Wait::Retry { call, attempt, .. }) => self.repeat_call(id, call, attempt),
            Some(Wait::Events { .. }) => self.time_out_event_wait(id),
            _ => {}
        }
    }

    /// The time limit of a scope has passed: raises an error in it, which ends what runs in the scope.
    fn time_out_scope(&mut self, id: FrameId, depth: usize) {
        let Some(open) = self.snapshot.frame(id).and_then(|frame| frame.scopes.get(depth)).copied() else {
            return;
        };
        let Some(scope) = self.program.scope(open.id) else { return };
        let scope_name = match &scope.kind {
            ScopeKind::State { name, .. } => format!("state `{name}`"),
            ScopeKind::Action { name, .. } => format!("action `{name}`"),
            ScopeKind::Branch { name } => format!("branch `{name}` of state `{}`", self.state_name(id)),
        };
        self.edit_frame(id, |frame| {
            if let Some(open) = frame.scopes.get_mut(depth) {
                open.deadline = None;
                open.single_deadline = None;
            }
        });
        if self.snapshot.is_over_time {
            return self.give_up(id);
        }
        let failure = Failure::timeout("timeout", format!("the time of {scope_name} is over"));
        self.note_call_in_doubt(id, &failure);
        let is_cancelled = self.cancel_child(id);
        let mut enclosing = self.enclosing_scopes(id);
        if let Some(scope) = enclosing.find(|enclosing| enclosing.frame == id && enclosing.depth == depth)
            && self.schedule_retry(&scope, &failure)
        {
            return;
        }
        if is_cancelled {
            self.set_wait(id, Wait::Ready);
        }
        self.raise_in(id, depth, failure);
    }
}

/// The earliest timer of a frame that is due at `now`. Of several timers with the same time, the wait comes first, then the innermost scope.
fn earliest_due(frame: &Frame, now: Millis) -> Option<(Millis, Timer)> {
    let wait = frame.wait.until().map(|at| (at, Timer::Wait));
    let limits = frame.scopes.iter().enumerate().rev();
    let limits = limits.flat_map(|(depth, open)| {
        let single = open.single_deadline.map(|at| (at, Timer::SingleLimit(depth)));
        open.deadline.map(|at| (at, Timer::Limit(depth))).into_iter().chain(single)
    });
    wait.into_iter().chain(limits).filter(|(at, _)| *at <= now).min_by_key(|(at, _)| *at)
}
