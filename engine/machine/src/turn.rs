//! One turn of an instance: an input is applied, then every frame runs until it waits.

use std::{collections::VecDeque, sync::Arc};

use rondo_expression::{Expression, MergeRules, Size, Val};
use rondo_program::{Failure, Instruction, Pc, Program};

use crate::{
    ChildRequest, Context, Effect, Fact, FrameId, Input, LogLine, Millis, Snapshot, Status, Turn, Visit,
    held::held_by,
    snapshot::{Role, Wait},
};

/// Moves an instance on.
///
/// `now` is the engine's clock. Everything that is due by then happens, whatever the input is.
pub fn turn(program: &Program, snapshot: Snapshot, input: Input, context: &Context, now: Millis) -> Turn {
    let mut machine = Machine::new(program, snapshot, context, now);
    let accepted = machine.apply(input);
    if accepted {
        machine.due();
        machine.run();
        machine.follow_jumps();
        machine.count();
    }
    Turn { snapshot: machine.snapshot, effects: machine.effects, facts: machine.facts, accepted }
}

/// What an instruction made of its frame.
pub(crate) enum Step {
    /// It goes on with the next instruction.
    Next,
    /// It goes on elsewhere, or at the same place later.
    Jumped,
}

pub(crate) struct Machine<'a> {
    pub(crate) program: &'a Program,
    pub(crate) snapshot: Snapshot,
    pub(crate) context: &'a Context,
    pub(crate) now: Millis,
    pub(crate) effects: Vec<Effect>,
    pub(crate) facts: Vec<Fact>,
    /// Frames that can go on, in the order in which they became ready.
    pub(crate) ready: VecDeque<FrameId>,
    /// The size of what frames hold, as far as it is known; see `held.rs`.
    pub(crate) held: Size,
    /// Whether frames hold more than when it was last checked.
    pub(crate) has_grown: bool,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(program: &'a Program, snapshot: Snapshot, context: &'a Context, now: Millis) -> Self {
        let ready = snapshot.frames.iter().filter(|frame| frame.wait == Wait::Ready).map(|frame| frame.id);
        let ready = ready.collect();
        Self {
            program,
            held: held_by(&snapshot),
            snapshot,
            context,
            now,
            effects: Vec::new(),
            facts: Vec::new(),
            ready,
            has_grown: false,
        }
    }

    /// Applies the input; says whether it meant anything.
    fn apply(&mut self, input: Input) -> bool {
        let active = self.snapshot.status == Status::Active;
        let failed = self.snapshot.status == Status::Error;
        match input {
            Input::Start { at } if self.snapshot.next_frame == 0 && active => self.start(at.as_deref()),
            Input::Answered { call, result, response } if active || failed => {
                let Some(id) = self.waiting_for(call) else { return false };
                if response.is_some() {
                    self.snapshot.response = response;
                }
                self.answered(id, result);
            }
            Input::CallFailed { call, failure } if active || failed => {
                let Some(id) = self.waiting_for(call) else { return false };
                self.call_failed(id, failure);
            }
            Input::ChildEnded { call, outcome } if active || failed => {
                let Some(id) = self.waiting_for(call) else { return false };
                match outcome {
                    Ok(data) => self.answered(id, Some(data)),
                    Err(failure) => self.child_failed(id, failure),
                }
            }
            Input::Tick => return active,
            Input::Abort if active || failed => self.abort(),
            Input::Retrigger if failed => self.retrigger(),
            Input::Halt(failure) if active || !self.snapshot.lost.is_empty() => self.halt(failure),
            Input::Skip if failed => return self.skip(),
            Input::Replace(data) if active || failed => {
                if self.is_too_large(&data) {
                    return false;
                }
                self.snapshot.data = data;
                self.changed();
            }
            Input::Patch(data) if active || failed => {
                let before = self.snapshot.data.clone();
                // It is the management API of SonataFlow that merges, whatever the definition says.
                let data = rondo_expression::merge(before, data, MergeRules::SonataFlow);
                if self.is_too_large(&data) {
                    return false;
                }
                self.snapshot.data = data;
                self.changed();
            }
            _ => return false,
        }
        true
    }

    /// Whether expressions could not work on such data: an instance with them would fail later, when nobody knows why.
    fn is_too_large(&self, data: &Val) -> bool {
        Size::default().with(data).check(&self.context.budget).is_err()
    }

    pub(crate) fn start(&mut self, at: Option<&str>) {
        let named = at.and_then(|name| self.program.state(name));
        let pc = named.map_or(self.program.start, |state| state.entry);
        self.snapshot.deadline = self.program.timeout.map(|limit| self.after(limit));
        let root = self.snapshot.push_frame(None, Role::Root, pc);
        self.ready.push_back(root);
        self.facts.push(Fact::Started);
    }

    /// Ends all that is under way and compensates what completed.
    fn abort(&mut self) {
        self.drop_frames(None);
        self.snapshot.lost.clear();
        self.snapshot.status = Status::Active;
        self.snapshot.failed = None;
        self.snapshot.deadline = None;
        let root = self.snapshot.push_frame(None, Role::Root, self.program.abort);
        self.ready.push_back(root);
    }

    pub(crate) fn is_ready(&self, id: FrameId) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| frame.wait == Wait::Ready)
    }

    /// Runs one instruction of a frame.
    pub(crate) fn step(&mut self, id: FrameId) {
        let Some((pc, parent)) = self.snapshot.frame(id).map(|frame| (frame.pc, frame.parent)) else {
            return;
        };
        let program = self.program;
        let outcome = match program.instruction(pc) {
            Some(instruction) => self.execute(id, instruction),
            None => Err(Failure::runtime(format!("there is no instruction {pc} in this definition"))),
        };
        match outcome {
            Err(failure) => self.raise(id, failure),
            Ok(step) => match self.check_held() {
                Ok(()) if matches!(step, Step::Next) => self.go_to(id, pc.saturating_add(1)),
                Ok(()) => {}
                Err(failure) => self.hold_no_more(id, parent, failure),
            },
        }
    }

    fn execute(&mut self, id: FrameId, instruction: &'a Instruction) -> Result<Step, Failure> {
        match instruction {
            Instruction::Enter(scope) => self.enter(id, *scope),
            Instruction::Leave => self.leave(id),
            Instruction::Filter(filter) => self.filter(id, filter)?,
            Instruction::Inject(value) => self.inject(id, value)?,
            Instruction::Switch { arms, default } => {
                let target = self.choose(id, arms, *default)?;
                self.go_to(id, target);
                return Ok(Step::Jumped);
            }
            Instruction::Jump(target) => {
                self.go_to(id, *target);
                return Ok(Step::Jumped);
            }
            Instruction::Sleep(duration) => {
                let until = self.moment(id, duration)?;
                self.wait(id, Wait::Sleep(until));
                return Ok(Step::Jumped);
            }
            Instruction::SkipUnless { condition, to } => {
                if !self.is_true(id, condition)? {
                    self.go_to(id, *to);
                    return Ok(Step::Jumped);
                }
            }
            Instruction::Focus(expression) => {
                let focus = self.evaluate(id, expression, self.snapshot.data_of(id))?;
                self.focus_on(id, focus);
            }
            Instruction::Evaluate(expression) => {
                let result = self.evaluate(id, expression, self.focus(id))?;
                self.computed(id, result);
            }
            Instruction::Log { level, message } => {
                let message = self.fill_strictly(id, message)?;
                let state = self.state_name(id);
                self.effects.push(Effect::Log(LogLine { level: *level, message: message.to_text(), state }));
            }
            Instruction::Call { .. } => {
                let unsettled = self.snapshot.frame(id).and_then(|frame| frame.unsettled);
                let call = unsettled.unwrap_or_else(|| self.next_call());
                self.with_frame(id, |frame| frame.result = None);
                self.wait(id, Wait::Call { call, attempt: 1 });
                match self.call_request(id) {
                    Ok(request) => self.effects.extend(request.map(Effect::Call)),
                    Err(failure) => {
                        // It was not made, so a policy for calls has no say.
                        self.wait(id, Wait::Ready);
                        return Err(failure);
                    }
                }
                return Ok(Step::Jumped);
            }
            Instruction::Child { workflow, version } => {
                let call = self.next_call();
                let data = self.focus(id).clone();
                let mut variables = self.context.variables.to_vec();
                variables.extend(self.variables(id));
                self.wait(id, Wait::Child { call });
                let (workflow, version) = (Arc::clone(workflow), version.clone());
                self.effects.push(Effect::StartChild(ChildRequest {
                    call,
                    workflow,
                    version,
                    data,
                    variables,
                }));
                return Ok(Step::Jumped);
            }
            Instruction::Results(expression) => {
                let result =
                    self.snapshot.frame(id).and_then(|frame| frame.result.clone()).unwrap_or_default();
                let result = self.evaluate(id, expression, &result)?;
                self.computed(id, result);
            }
            Instruction::Merge(path) => self.merge(id, path.as_ref())?,
            Instruction::Fork { branches, completion } => return self.fork(id, branches, completion),
            Instruction::ForEach(each) => return self.for_each(id, each),
            Instruction::EndFrame => {
                self.end_branch(id);
                return Ok(Step::Jumped);
            }
            Instruction::Await { timeout, .. } => {
                let until = match timeout {
                    Some((duration, _)) => Some(self.moment(id, duration)?),
                    None => None,
                };
                self.wait(id, Wait::Events { until, arrived: Vec::new() });
                return Ok(Step::Jumped);
            }
            Instruction::Compensate => return Ok(self.compensate(id)),
            Instruction::Abort => {
                self.finish(Status::Aborted);
                return Ok(Step::Jumped);
            }
            Instruction::End { terminate, error_message } => {
                self.end(id, *terminate, error_message.as_ref())?;
                return Ok(Step::Jumped);
            }
        }
        Ok(Step::Next)
    }

    /// What frames hold has become too much with a step of a frame. Where the frame has ended with it, its parent fails.
    fn hold_no_more(&mut self, id: FrameId, parent: Option<FrameId>, failure: Failure) {
        let Some(id) = self.snapshot.index_of(id).map(|_| id).or(parent) else { return };
        self.drop_frames(Some(id));
        self.raise(id, failure);
    }

    fn choose(&self, id: FrameId, arms: &[(Expression, Pc)], default: Option<Pc>) -> Result<Pc, Failure> {
        for (condition, target) in arms {
            if self.is_true(id, condition)? {
                return Ok(*target);
            }
        }
        default.ok_or_else(|| {
            let state = self.state_name(id);
            Failure::runtime(format!(
                "state `{state}`: none of the conditions is true for this data, and there is no defaultCondition"
            ))
        })
    }

    fn waiting_for(&self, call: crate::CallNumber) -> Option<FrameId> {
        let waits = |wait: &Wait| match wait {
            Wait::Call { call: waited, .. } | Wait::Child { call: waited } => *waited == call,
            _ => false,
        };
        self.snapshot.frames.iter().find(|frame| waits(&frame.wait)).map(|frame| frame.id)
    }

    pub(crate) fn go_to(&mut self, id: FrameId, pc: Pc) {
        self.with_frame(id, |frame| frame.pc = pc);
    }

    pub(crate) fn wait(&mut self, id: FrameId, wait: Wait) {
        self.with_frame(id, |frame| frame.wait = wait);
    }

    /// Lets a frame that waited go on with the next instruction.
    pub(crate) fn go_on_behind(&mut self, id: FrameId) {
        self.with_frame(id, |frame| frame.pc = frame.pc.saturating_add(1));
        self.wake(id);
    }

    /// Lets a frame that waited go on.
    pub(crate) fn wake(&mut self, id: FrameId) {
        self.wait(id, Wait::Ready);
        self.ready.push_back(id);
    }

    pub(crate) fn with_frame(&mut self, id: FrameId, change: impl FnOnce(&mut crate::snapshot::Frame)) {
        if let Some(frame) = self.snapshot.frame_mut(id) {
            change(frame);
        }
    }

    pub(crate) fn next_call(&mut self) -> crate::CallNumber {
        self.snapshot.next_call += 1;
        self.snapshot.next_call
    }

    pub(crate) fn next_visit(&mut self) -> Visit {
        self.snapshot.next_visit += 1;
        self.snapshot.next_visit
    }
}
