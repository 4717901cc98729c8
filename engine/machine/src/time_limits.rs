//! What time brings: sleeps and retries that are due, limits that are over.

use rondo_program::{Failure, Instruction, ScopeKind};

use crate::{
    FrameId, Millis, Status,
    snapshot::{Frame, Role, Wait},
    turn::Machine,
};

/// What is due on a frame.
enum Due {
    /// What it waits for.
    Wait,
    /// The time limit of the scope at this depth.
    Limit(usize),
}

impl Machine<'_> {
    /// Lets happen whatever is due by now, in the order of time.
    pub(crate) fn due(&mut self) {
        if self.snapshot.status != Status::Active {
            return;
        }
        if self.snapshot.deadline.is_some_and(|deadline| deadline <= self.now) {
            self.snapshot.deadline = None;
            self.workflow_is_over();
            return;
        }
        let frames = self.snapshot.frames.iter();
        let mut due: Vec<(Millis, FrameId, Due)> = frames
            .filter_map(|frame| what_is_due(frame, self.now).map(|(at, what)| (at, frame.id, what)))
            .collect();
        due.sort_by_key(|(at, id, _)| (*at, *id));
        for (at, id, what) in due {
            if self.snapshot.status == Status::Active && self.is_still_due(id, at, &what) {
                match what {
                    Due::Wait => self.wait_is_over(id),
                    Due::Limit(depth) => self.scope_is_over(id, depth),
                }
            }
        }
    }

    /// What was due before may have overtaken it.
    fn is_still_due(&self, id: FrameId, at: Millis, what: &Due) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| match what {
            Due::Wait => frame.wait.until() == Some(at),
            Due::Limit(depth) => frame.scopes.get(*depth).is_some_and(|open| open.deadline == Some(at)),
        })
    }

    /// The time limit of the workflow: the states run that are to run before the end, completed states are compensated, and the
    /// instance ends as aborted.
    fn workflow_is_over(&mut self) {
        self.drop_frames(None);
        let root = self.snapshot.push_frame(None, Role::Root, self.program.on_timeout);
        self.ready.push_back(root);
    }

    fn wait_is_over(&mut self, id: FrameId) {
        match self.snapshot.frame(id).map(|frame| &frame.wait) {
            Some(Wait::Sleep(_)) => self.go_on_behind(id),
            Some(&Wait::Retry { call, attempt, .. }) => self.call_again(id, call, attempt),
            Some(Wait::Events { .. }) => self.no_event_came(id),
            _ => {}
        }
    }

    /// A scope's time limit: what runs in it ends, and the scope and those around it are asked who handles that.
    fn scope_is_over(&mut self, id: FrameId, depth: usize) {
        let Some(open) = self.snapshot.frame(id).and_then(|frame| frame.scopes.get(depth)).copied() else {
            return;
        };
        let Some(scope) = self.program.scope(open.id) else { return };
        let what = match &scope.kind {
            ScopeKind::State { name, .. } => format!("state `{name}`"),
            ScopeKind::Action { name, .. } => format!("action `{name}`"),
            ScopeKind::Branch { name } => format!("branch `{name}` of state `{}`", self.state_name(id)),
        };
        self.with_frame(id, |frame| {
            if let Some(open) = frame.scopes.get_mut(depth) {
                open.deadline = None;
            }
        });
        let failure = Failure::timeout("timeout", format!("the time of {what} is over"));
        self.note_unsettled(id, &failure);
        self.stop(id);
        self.raise_in(id, depth, failure);
    }

    /// The time for an event is over: a handler for it is followed; without one the state goes on without an event.
    fn no_event_came(&mut self, id: FrameId) {
        let Some(frame) = self.snapshot.frame(id) else { return };
        let Some(Instruction::Await { timeout: Some((_, then)), .. }) = self.program.instruction(frame.pc)
        else {
            return;
        };
        let then = *then;
        let state = self.state_name(id);
        let failure = Failure::timeout("TimedOut", format!("no event came in time in state `{state}`"));
        if self.is_handled(id, &failure) {
            return self.raise(id, failure);
        }
        self.go_to(id, then);
        self.wake(id);
    }
}

/// What is due on a frame by `now`, the earliest; of several at one moment what it waits for, then the innermost limit.
fn what_is_due(frame: &Frame, now: Millis) -> Option<(Millis, Due)> {
    let wait = frame.wait.until().map(|at| (at, Due::Wait));
    let limits = frame.scopes.iter().enumerate().rev();
    let limits = limits.filter_map(|(depth, open)| Some((open.deadline?, Due::Limit(depth))));
    wait.into_iter().chain(limits).filter(|(at, _)| *at <= now).min_by_key(|(at, _)| *at)
}
