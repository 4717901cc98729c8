//! Errors: retries, handlers, and the instance that stands still at one; time limits, which raise some of them.

use rondo_program::{Instruction, Pc};

use crate::{
    Effect, Fact, Failed, Failure, FrameId, Millis, Status, Visit,
    failure::find_match,
    retry,
    snapshot::{Frame, Wait},
    turn::Machine,
};

/// What is due on a frame.
enum Due {
    Sleep,
    Retry { call: crate::CallNumber, attempt: u32 },
    Events,
    State(Visit),
    Action(Visit),
    Branch,
}

impl Machine<'_> {
    /// A call failed: it is tried again, or the error is raised.
    pub(crate) fn call_failed(&mut self, id: FrameId, failure: Failure) {
        let Some(frame) = self.snapshot.frame(id) else { return };
        let Wait::Call { n, a } = frame.wait else { return self.raise(id, failure) };
        let Some(open) = frame.action else { return self.raise(id, failure) };
        self.keep_in_mind(id, &failure);
        let policy = self.program.action(open.id).and_then(|action| action.retry.as_ref());
        let seed = (&*self.context.instance, n);
        let Some(delay) = policy.and_then(|policy| retry::delay(policy, &failure, a, seed)) else {
            return self.raise(id, failure);
        };
        let until = self.after(delay);
        // A service that was not heard of may have done what it was asked, and is asked the same again, whatever it answers in the
        // meantime. One that has always answered would give the same answer again, if it keeps answers by their key, so this is
        // another call.
        let unsettled = self.snapshot.frame(id).and_then(|frame| frame.unsettled);
        let n = unsettled.unwrap_or_else(|| self.next_call());
        self.facts.push(Fact::Retry { v: open.visit, attempt: a, until, message: failure.message });
        self.with_frame(id, |frame| {
            frame.wait = Wait::Retry { until, n, a: a + 1 };
            if let Some(open) = &mut frame.action {
                open.deadline = None;
            }
        });
    }

    /// Keeps a call in mind of which it is not known whether the service has done what it was asked.
    fn keep_in_mind(&mut self, id: FrameId, failure: &Failure) {
        self.with_frame(id, |frame| {
            if let Wait::Call { n, .. } = frame.wait
                && !failure.is_an_answer()
            {
                frame.unsettled = Some(n);
            }
        });
    }

    /// A child instance stands at an error. The state takes it if it handles such errors; else the caller goes on waiting,
    /// as on SonataFlow: when the child has been repaired and ends, the caller goes on.
    pub(crate) fn child_failed(&mut self, id: FrameId, failure: Failure) {
        if self.handler(id, &failure).is_some() {
            self.raise(id, failure);
        }
    }

    /// An error occurs on a frame. The state that the frame is in handles it, or the instance stands still.
    pub(crate) fn raise(&mut self, id: FrameId, failure: Failure) {
        match self.handler(id, &failure) {
            Some((holder, visit, then)) => self.handle(holder, visit, then, failure),
            None => self.fail(id, failure),
        }
    }

    /// The handler that takes an error of a frame: the frame on which its state is open, the visit, where it leads.
    fn handler(&self, id: FrameId, failure: &Failure) -> Option<(FrameId, Visit, Pc)> {
        let holder = self.frame_with_state(id)?;
        let open = self.snapshot.frame(holder)?.state?;
        let handlers = &self.program.state(open.id)?.handlers;
        let found = find_match(handlers.iter().map(|handler| handler.errors.as_slice()), failure)?;
        handlers.get(found).map(|handler| (holder, open.visit, handler.then))
    }

    fn handle(&mut self, id: FrameId, visit: Visit, then: Pc, failure: Failure) {
        self.keep_changes(id);
        self.drop_below(id);
        let action = self.snapshot.frame_mut(id).and_then(|frame| frame.action.take());
        self.facts.extend(action.map(|open| Fact::Dropped { v: open.visit }));
        self.facts.push(Fact::Handled { v: visit, message: failure.described() });
        self.with_frame(id, |frame| {
            frame.pc = then;
            frame.focus = None;
            frame.result = None;
            frame.unsettled = None;
            if let Some(open) = &mut frame.state {
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
        let action = self.snapshot.frame(id).and_then(|frame| frame.action);
        let state = self.open_state(id);
        let visit = action.map(|open| open.visit).or(state.map(|open| open.visit)).unwrap_or_default();
        let target = action.and_then(|open| self.program.action(open.id)).map(|info| info.target.clone());
        let failed = Failed { frame: id, visit, state: self.state_name(id), action: target, failure };
        self.facts.push(Fact::Failed { v: visit, message: failed.described() });
        self.keep_in_mind(id, &failed.failure);
        self.wait(id, Wait::Failed);
        self.snapshot.status = Status::Error;
        self.snapshot.failed = Some(failed);
    }

    /// Lets happen whatever is due by now.
    pub(crate) fn due(&mut self) {
        if self.snapshot.status != Status::Active {
            return;
        }
        if self.snapshot.deadline.is_some_and(|deadline| deadline <= self.now) {
            self.snapshot.deadline = None;
            self.time_is_over();
            return;
        }
        let mut due: Vec<(Millis, FrameId, Due)> = Vec::new();
        for frame in &self.snapshot.frames {
            due.extend(what_is_due(frame, self.now).map(|(at, what)| (at, frame.id, what)));
        }
        due.sort_by_key(|(at, id, _)| (*at, *id));
        for (_, id, what) in due {
            if self.snapshot.status == Status::Active && self.still_due(id, &what) {
                self.happen(id, what);
            }
        }
    }

    /// The time limit of the workflow: the states run that are to run before the end, completed states are compensated, and the
    /// instance ends as aborted.
    fn time_is_over(&mut self) {
        for frame in self.snapshot.frames.clone().iter().filter(|frame| frame.parent.is_none()) {
            self.drop_below(frame.id);
            let open =
                frame.action.map(|open| open.visit).into_iter().chain(frame.state.map(|open| open.visit));
            self.facts.extend(open.map(|v| Fact::Dropped { v }));
            self.cancel_child(frame.id);
        }
        self.snapshot.frames.clear();
        self.ready.clear();
        let root = self.snapshot.push_frame(None, crate::snapshot::Role::Root, self.program.overtime);
        self.ready.push_back(root);
    }

    /// Something that was due may have been overtaken by what was due before it.
    fn still_due(&self, id: FrameId, what: &Due) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| match what {
            Due::Sleep => matches!(frame.wait, Wait::Sleep(_)),
            Due::Retry { call, .. } => matches!(frame.wait, Wait::Retry { n, .. } if n == *call),
            Due::Events => matches!(frame.wait, Wait::Events { .. }),
            Due::State(visit) => frame.state.is_some_and(|open| open.visit == *visit),
            Due::Branch => frame.deadline.is_some(),
            Due::Action(visit) => frame.action.is_some_and(|open| open.visit == *visit),
        })
    }

    fn happen(&mut self, id: FrameId, what: Due) {
        match what {
            Due::Sleep => self.wake(id),
            Due::Retry { call, attempt } => self.call_again(id, call, attempt),
            Due::Events => self.no_event_came(id),
            Due::State(_) => {
                let state = self.state_name(id);
                self.with_frame(id, |frame| {
                    if let Some(open) = &mut frame.state {
                        open.deadline = None;
                    }
                });
                self.stop(id);
                self.raise(id, Failure::timeout("timeout", format!("the time of state `{state}` is over")));
            }
            Due::Branch => {
                self.with_frame(id, |frame| frame.deadline = None);
                self.stop(id);
                let state = self.state_name(id);
                let message = format!("the time of a branch of state `{state}` is over");
                self.raise(id, Failure::timeout("timeout", message));
            }
            Due::Action(_) => {
                let action = self.snapshot.frame(id).and_then(|frame| frame.action);
                let name = action.and_then(|open| self.program.action(open.id)).map(|info| info.name.clone());
                let name = name.unwrap_or_default();
                self.with_frame(id, |frame| {
                    if let Some(open) = &mut frame.action {
                        open.deadline = None;
                    }
                });
                self.cancel_child(id);
                let failure = Failure::timeout("timeout", format!("the time of action `{name}` is over"));
                self.call_failed(id, failure);
            }
        }
    }

    /// The action's limit holds for each attempt anew.
    fn call_again(&mut self, id: FrameId, call: crate::CallNumber, attempt: u32) {
        let action = self.snapshot.frame(id).and_then(|frame| frame.action);
        let limit = action.and_then(|open| self.program.action(open.id)).and_then(|info| info.timeout);
        let deadline = limit.map(|limit| self.after(limit));
        self.with_frame(id, |frame| {
            frame.wait = Wait::Call { n: call, a: attempt };
            if let Some(open) = &mut frame.action {
                open.deadline = deadline;
            }
        });
        match self.call_request(id) {
            Ok(request) => self.effects.extend(request.map(Effect::Call)),
            Err(failure) => self.raise(id, failure),
        }
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
        if self.handler(id, &failure).is_some() {
            return self.raise(id, failure);
        }
        self.go_to(id, then);
        self.wake(id);
    }

    /// The nearest frame upwards on which a state is open.
    fn frame_with_state(&self, id: FrameId) -> Option<FrameId> {
        let mut frame = self.snapshot.frame(id)?;
        while frame.state.is_none() {
            frame = self.snapshot.frame(frame.parent?)?;
        }
        Some(frame.id)
    }

    /// Drops everything below a frame: nobody waits for it any more.
    pub(crate) fn drop_below(&mut self, id: FrameId) {
        let mut below = vec![id];
        let mut gone = Vec::new();
        for frame in &self.snapshot.frames {
            if frame.parent.is_some_and(|parent| below.contains(&parent)) {
                below.push(frame.id);
                gone.push(frame.id);
            }
        }
        for frame in &gone {
            self.cancel_child(*frame);
            let Some(frame) = self.snapshot.frame(*frame) else { continue };
            let open =
                frame.action.map(|open| open.visit).into_iter().chain(frame.state.map(|open| open.visit));
            self.facts.extend(open.map(|v| Fact::Dropped { v }));
        }
        self.snapshot.remove_descendants(id);
        self.ready.retain(|frame| !gone.contains(frame));
    }

    /// Ends all that a frame waits for: the frames below it, and its subflow.
    fn stop(&mut self, id: FrameId) {
        self.drop_below(id);
        self.cancel_child(id);
        self.with_frame(id, |frame| {
            // Of a call it must stay known that it was made.
            if matches!(frame.wait, Wait::Child { .. }) {
                frame.wait = Wait::Ready;
            }
        });
    }

    fn cancel_child(&mut self, id: FrameId) {
        if let Some(Wait::Child { n }) = self.snapshot.frame(id).map(|frame| &frame.wait) {
            self.effects.push(Effect::CancelChild(*n));
        }
    }
}

/// What is due on a frame by `now`, the earliest.
fn what_is_due(frame: &Frame, now: Millis) -> Option<(Millis, Due)> {
    let wait = match frame.wait {
        Wait::Sleep(until) => Some((until, Due::Sleep)),
        Wait::Retry { until, n, a } => Some((until, Due::Retry { call: n, attempt: a })),
        Wait::Events { until: Some(until), .. } => Some((until, Due::Events)),
        _ => None,
    };
    let action = frame.action.and_then(|open| Some((open.deadline?, Due::Action(open.visit))));
    let state = frame.state.and_then(|open| Some((open.deadline?, Due::State(open.visit))));
    let branch = frame.deadline.map(|deadline| (deadline, Due::Branch));
    let all = [wait, action, branch, state];
    all.into_iter().flatten().filter(|(at, _)| *at <= now).min_by_key(|(at, _)| *at)
}
